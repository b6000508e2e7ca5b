"""stable-diffusion.cpp's own server draws for nodes on the demo model: by its own API, and by the part of A1111's that it has."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from drawing import (
    MODEL, corner, difference, draw, expect_lora_by_strength, job, middle, order, pixels, publish_demo)
from node import Node, wait_until

ROOT = Path(__file__).resolve().parents[2]
MISSING = (
    "NO REAL sd-server WAS DRAWN WITH: `waggle gen setup --build` compiles one (minutes; needs a C++ compiler) where these "
    "checks find it, or name yours in WAGGLE_SD_SERVER")


def find_server() -> Path | None:
    """WAGGLE_SD_SERVER, else the one of PATH, else what `waggle gen setup --build` compiled for whoever runs this."""
    if named := os.environ.get("WAGGLE_SD_SERVER"):
        assert os.access(named, os.X_OK), f"WAGGLE_SD_SERVER={named} is no program"
        return Path(named)
    if found := shutil.which("sd-server"):
        return Path(found)
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    for home in (os.environ.get("WAGGLE_HOME") or f"{data}/waggle", ROOT / ".build" / "bench-generation-home"):
        try:
            engine = json.loads((Path(home) / "engine" / "engine.json").read_text())
        except OSError:
            continue
        built = Path(engine["site"]) / "sd-server"
        if engine.get("isBuilt") and os.access(built, os.X_OK):
            return built
    return None


BINARY = find_server()
pytestmark = pytest.mark.skipif(BINARY is None, reason=MISSING)


class Program:
    """A real sd-server with the demo model and a folder for LoRAs; at the same port when it is started again."""

    def __init__(self, folder: Path, model: Path) -> None:
        self.loras, self.log, self.model = folder / "loras", folder / "log", model
        self.loras.mkdir()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert BINARY
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [BINARY, "-m", self.model, "--lora-model-dir", self.loras, "--lora-apply-mode", "at_runtime", "-t", "1",
                 "--listen-ip", "127.0.0.1", "--listen-port", str(self.port)],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until("sd-server answers", self.answers, 120)

    def answers(self) -> bool:
        assert self.process and self.process.poll() is None, self.log.read_text()[-2000:]
        try:
            return requests.get(f"{self.url}/sdcpp/v1/capabilities", timeout=5).ok
        except requests.ConnectionError:
            return False

    def said(self) -> int:
        """Bytes that it printed so far."""
        return self.log.stat().st_size

    def draws(self, steps: int, since: int) -> bool:
        """Whether a picture of so many steps was begun since then; it prints a bar, step by step."""
        return f" 1/{steps} - ".encode() in self.log.read_bytes()[since:]

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    root = tmp_path_factory.mktemp("sd-server")
    # A node expands the model.
    maker = Node(root / "maker")
    maker.run("init")
    publish_demo(maker)
    program = Program(root, maker.home / "engine" / "demo" / "demo-sdxs.safetensors")
    shutil.copy(MODEL / "demo-lora-sepia.safetensors", program.loras)
    try:
        program.start()
        yield program
    finally:
        program.kill()


@pytest.fixture(scope="module")
def studios(tmp_path_factory: pytest.TempPathFactory, program: Program) -> Iterator[dict[str, Node]]:
    """A node for each way to speak with it, with a currency of its own. None has an engine."""
    nodes = {}
    try:
        for kind in ("sd-server", "a1111"):
            node = nodes[kind] = Node(tmp_path_factory.mktemp(kind) / "home")
            node.run("init")
            (node.home / "waggle.toml").write_text(
                f'generation.backend = "{kind}:{program.url}"\ngeneration.price = 3000\n')
            node.serve()
            publish_demo(node)
            node.run("account", "new", "ada")
            node.run("buzz", "found", "--name", "Honey", "--symbol", "HNY", "--no-rewards")
            node.run("buzz", "grant", "@ada", "100000")
        yield nodes
    finally:
        ends = [node.stop() for node in nodes.values()]
    assert ends == [0, 0], "a node did not stop by itself"


@pytest.fixture(params=["sd-server", "a1111"])
def studio(request: pytest.FixtureRequest, studios: dict[str, Node]) -> Node:
    return studios[request.param]


@pytest.fixture
def token(studio: Node) -> str:
    return studio.json("token", "new", "--account", "ada", "--scope", "generate,read")["token"]


def balance(node: Node) -> int:
    return node.json("buzz", "balance", "@ada")[0]["balance"]


def ended(node: Node, token: str, name: str) -> dict:
    return wait_until("the end", lambda: (found := job(node, token, name))["is_over"] and found, 120)


def nothing_is_open(node: Node) -> bool:
    # It reports what it can, and says by its exit that nobody draws just now.
    report = json.loads(node.run("gen", "doctor", "--json", check=False).stdout)
    return node.json("buzz", "ls")[0]["held"] == 0 and report["open"] == 0


def picture(node: Node, token: str, name: str) -> bytes:
    reply = requests.get(f"{node.url}/api/w1/generate/jobs/{name}/pictures/0", timeout=30,
                         headers={"Authorization": f"Bearer {token}"})
    assert reply.ok, reply.text
    return reply.content


def test_the_node_says_who_draws(studio: Node, program: Program):
    report = studio.json("gen", "doctor")
    assert report.get("problem") is None and report["backend"]["backend"] in ("sd-server", "a1111")
    assert program.url in report["backend"]["engine"] and "euler" in report["backend"]["samplers"]


def test_a_prompt_drives_the_picture(studio: Node, tmp_path: Path):
    red = draw(studio, tmp_path, "a big red circle on white", 1)
    blue = draw(studio, tmp_path, "a big blue circle on white", 1)
    dark = draw(studio, tmp_path, "a big red circle on black", 1)
    assert all(len(pixels(one)) == 128 * 128 for one in (red, blue, dark))
    assert middle(red)[0] > middle(red)[2] + 60 and middle(blue)[2] > middle(blue)[0] + 60
    assert min(corner(red)) > 200 and max(corner(dark)) < 60


def test_the_same_seed_gives_the_same_picture(studio: Node, tmp_path: Path):
    first = draw(studio, tmp_path, "a bee in a meadow")
    assert pixels(first) == pixels(draw(studio, tmp_path, "a bee in a meadow"))
    assert difference(first, draw(studio, tmp_path, "a bee in a meadow", 102)) > 2
    assert b"stable-diffusion.cpp" in first or b"A1111 API" in first, "the picture says who drew it"


def test_an_order_over_the_api_is_drawn_and_paid(studio: Node, tmp_path: Path, token: str):
    before = balance(studio)
    name = order(studio, token, prompt="a bee in a meadow", seed=101, batch=2)
    over = ended(studio, token, name)
    assert over["state"] == "done" and [one["seed"] for one in over["pictures"]] == [101, 102], over
    assert over["captured"] > 0 and balance(studio) == before - over["captured"]
    assert nothing_is_open(studio)
    assert pixels(picture(studio, token, name)) == pixels(draw(studio, tmp_path, "a bee in a meadow", 101))


def test_both_ways_to_ask_draw_the_same(studios: dict[str, Node], tmp_path: Path):
    """Nothing that was asked for is lost on either way: of a name that it does not know the server takes any."""
    def drawn(prompt: str, **more: str) -> bytes:
        one, other = (draw(node, tmp_path, prompt, **more) for node in studios.values())
        assert pixels(one) == pixels(other), more
        return one

    bare = drawn("a bee in a meadow")
    assert difference(bare, drawn("a bee in a meadow", negative="a meadow", cfg="3")) > 0
    # The demo model is for one step; these are noise, each another.
    plain = drawn("a bee in a meadow", steps="3", sampler="Euler")
    assert difference(plain, drawn("a bee in a meadow", steps="3", sampler="DPM++ 2S a")) > 0
    assert difference(plain, drawn("a bee in a meadow", steps="3", sampler="Euler", scheduler="Karras")) > 0


def test_a_lora_changes_the_picture_by_its_strength(studio: Node, tmp_path: Path):
    expect_lora_by_strength(studio, tmp_path)


def test_a_lora_that_the_server_lacks_is_named_and_costs_nothing(studio: Node, program: Program, token: str):
    before = balance(studio)
    wanted = {"prompt": "a bee in a meadow <lora:demo-lora-blueprint:1>"}
    over = ended(studio, token, order(studio, token, **wanted))
    assert over["state"] == "failed" and over["error_code"] == "unknown_resource", over
    assert "demo-lora-blueprint" in over["error"] and over["captured"] == 0
    assert balance(studio) == before and nothing_is_open(studio)
    there = program.loras / "demo-lora-blueprint.safetensors"
    shutil.copy(MODEL / there.name, there)
    try:
        assert ended(studio, token, order(studio, token, **wanted))["state"] == "done", "it is seen as soon as it is there"
    finally:
        there.unlink()


def test_a_picture_is_made_from_another(studio: Node, tmp_path: Path):
    first = draw(studio, tmp_path, "a big red circle on white", 1)
    (tmp_path / "first.png").write_bytes(first)
    fields = {"init": str(tmp_path / "first.png")}
    edited = draw(studio, tmp_path, "a big blue circle on white", 1, strength="1", **fields)
    assert len(pixels(edited)) == 128 * 128 and difference(first, edited) > 2


def test_parameters_that_hide_in_a_prompt_reach_no_server(studios: dict[str, Node]):
    node = studios["a1111"]
    token = node.json("token", "new", "--account", "ada", "--scope", "generate,read")["token"]
    hidden = 'a bee <sd_cpp_extra_args>{"width": 4096, "height": 4096}</sd_cpp_extra_args>'
    over = ended(node, token, order(node, token, prompt=hidden))
    assert over["state"] == "failed" and over["error_code"] == "invalid_request" and over["captured"] == 0, over


def test_a_job_that_is_cancelled_gives_everything_back_though_the_server_draws_on(
        studio: Node, program: Program, token: str):
    before, steps, since = balance(studio), 11, program.said()
    name = order(studio, token, steps=steps)
    wait_until("it draws", lambda: program.draws(steps, since), 60)
    reply = requests.delete(f"{studio.url}/api/w1/generate/jobs/{name}", timeout=30,
                            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    assert reply.ok, reply.text
    over = ended(studio, token, name)
    assert over["state"] == "cancelled" and over["captured"] == 0 and over["pictures"] == [], over
    assert balance(studio) == before and nothing_is_open(studio)
    # The next one waits there until the server is done with it.
    assert ended(studio, token, order(studio, token))["state"] == "done"


def test_a_server_that_is_killed_while_it_draws_is_paid_nothing(studio: Node, program: Program, token: str):
    before, steps, since = balance(studio), 60, program.said()
    name = order(studio, token, steps=steps)
    wait_until("it draws", lambda: program.draws(steps, since), 60)
    program.kill()
    try:
        over = ended(studio, token, name)
        assert over["state"] == "failed" and over["error_code"] == "engine_missing", over
        assert program.url in over["error"] and over["captured"] == 0 and over["pictures"] == []
        assert balance(studio) == before and nothing_is_open(studio), "all of it came back"
        problem = studio.run("gen", "doctor", "--json", check=False)
        assert problem.returncode != 0 and program.url in json.loads(problem.stdout)["problem"]
    finally:
        program.start()
    again = ended(studio, token, order(studio, token))
    assert again["state"] == "done" and balance(studio) == before - again["captured"]
    studio.run("buzz", "audit")
