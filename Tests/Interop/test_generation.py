"""Pictures by the real engine (the wheel that `waggle gen setup` installs) on the demo model of Examples/demo-model."""

import base64
import io
import json
import os
import re
import resource
import shutil
import signal
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

import piexif
import piexif.helper
import pytest
import requests
from PIL import Image
from openai import BadRequestError, OpenAI
from webuiapi import WebUIApi

from browser import Browser, ProtocolError
from drawing import (
    MODEL, SEPIA, corner, difference, draw, expect_lora_by_strength, job, middle, order, pixels, publish_demo)
from node import BINARY, Node, environment, wait_until


def share_engine(studio: Node, node: Node) -> None:
    """Lets another node draw with the engine that is installed already."""
    (node.home / "engine").mkdir(exist_ok=True)
    shutil.copy(studio.home / "engine" / "engine.json", node.home / "engine")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node with the engine and the demo model."""
    root = tmp_path_factory.mktemp("studio")
    node = Node(root / "home")
    node.run("init")
    done = subprocess.run([BINARY, "gen", "setup"], env=environment(node.home), text=True, capture_output=True,
                          stdin=subprocess.DEVNULL, timeout=300)
    assert done.returncode == 0, done.stderr
    publish_demo(node)
    node.serve()
    yield node
    node.stop()


@pytest.fixture(scope="module")
def token(studio: Node) -> str:
    return studio.json("token", "new", "--scope", "generate,read,publish")["token"]


def test_the_engine_is_installed_and_sandboxed(studio: Node):
    report = studio.json("gen", "backends")
    assert report["backend"] == "embedded"
    assert report["engine"].startswith("stable-diffusion.cpp")
    assert any("sandbox" in note for note in report["notes"])
    doctor = studio.json("gen", "doctor")
    assert doctor["models"] == 1 and doctor["loras"] == 2 and doctor["aside"] == []


def test_a_prompt_drives_the_picture(studio: Node, tmp_path: Path):
    red = draw(studio, tmp_path, "a big red circle on white", 1)
    blue = draw(studio, tmp_path, "a big blue circle on white", 1)
    dark = draw(studio, tmp_path, "a big red circle on black", 1)
    assert middle(red)[0] > middle(red)[2] + 60 and middle(blue)[2] > middle(blue)[0] + 60
    assert min(corner(red)) > 200 and max(corner(dark)) < 60


def test_the_same_seed_gives_the_same_bytes(studio: Node, tmp_path: Path):
    first = draw(studio, tmp_path, "a bee in a meadow")
    again = draw(studio, tmp_path, "a bee in a meadow")
    assert pixels(first) == pixels(again)
    assert difference(first, draw(studio, tmp_path, "a bee in a meadow", 102)) > 2
    assert difference(first, draw(studio, tmp_path, "a star in a meadow")) > 2


def test_a_lora_changes_the_picture_by_its_strength(studio: Node, tmp_path: Path):
    expect_lora_by_strength(studio, tmp_path)


def test_picture_i_of_a_batch_has_the_next_seed(studio: Node, tmp_path: Path):
    out = tmp_path / "batch.png"
    job = studio.json("gen", "run", "--model", "demo-sdxs", "--prompt", "a bee in a meadow", "--seed", "100", "--batch",
                      "2", "--out", out)
    assert [picture["seed"] for picture in job["pictures"]] == [100, 101]
    single = draw(studio, tmp_path, "a bee in a meadow", 101)
    assert pixels((tmp_path / "batch-1.png").read_bytes()) == pixels(single)


def show(node: Node, token: str, picture: bytes) -> dict:
    """Posts a picture as somebody who downloaded it; the image as it is listed."""
    mine = {"Authorization": f"Bearer {token}"}
    uploaded = requests.post(f"{node.url}/api/w1/uploads", json={"name": "bee.png", "size": len(picture)}, timeout=30,
                             headers=mine).json()
    requests.put(uploaded["url"], data=picture, headers=mine, timeout=30).raise_for_status()
    posted = requests.post(f"{node.url}/api/w1/images", json={"images": [uploaded["id"]], "level": "PG"}, headers=mine,
                           timeout=30)
    assert posted.ok, posted.text
    return node.api("images?limit=1&withMeta=true")["items"][0]


def test_a_picture_posted_resolves_to_the_exact_releases(studio: Node, tmp_path: Path, token: str):
    text = draw(studio, tmp_path, "a bee in a meadow " + SEPIA.format("0.5"))
    assert b"digitalsourcetype/trainedAlgorithmicMedia" in text and b"application/vnd.waggle.recipe.v1+json" in text
    listed = show(studio, token, text)
    page = studio.get(f"/images/{listed['id']}").decode()
    assert "Every resource is verified" in page
    assert f"/generate?from={listed['id']}" in page
    form = studio.get(f"/generate?from={listed['id']}").decode()
    assert "a bee in a meadow" in form and 'value="101"' in form


@pytest.mark.parametrize("arguments", [
    ["--size", "0x0"], ["--size", "63x64"], ["--size", "1000000x64"], ["--steps=-1"], ["--cfg", "nan"],
    ["--seed", "99999999999999999999999"], ["--lora", "../../etc/passwd:1"], ["--batch", "99"],
])
def test_what_cannot_be_is_refused_before_anything_runs(studio: Node, arguments: list[str]):
    before = studio.json("gen", "jobs")
    done = studio.run("gen", "run", "--model", "demo-sdxs", "--prompt", "x", *arguments, check=False)
    assert done.returncode in (2, 64), done.stderr
    assert studio.json("gen", "jobs") == before


def test_a_lora_with_numbers_that_are_none_is_refused_by_name(studio: Node, tmp_path: Path):
    good = (MODEL / "demo-lora-sepia.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", good[:8])
    nan = bytearray(good)
    nan[8 + length : 8 + length + 4] = b"\x00\x7e\x00\x7e"
    file = tmp_path / "bad-nan.safetensors"
    file.write_bytes(nan)
    studio.run("publish", file, "--model", "@me/bad-nan", "--version", "1.0", "--type", "LORA", "--base", "SDXS",
               "--real-person", "no", "--yes")
    done = studio.run("gen", "run", "--model", "demo-sdxs", "--prompt", "a bee <lora:bad-nan:1>", check=False)
    assert done.returncode == 6, done.stderr
    assert "bad-nan" in done.stderr and "NaN" in done.stderr


def packed(header: object, data: bytes) -> bytes:
    """A safetensors file."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def broken() -> dict[str, bytes]:
    """Files that bring the bare engine down or hang it, or that it refuses."""
    good = (MODEL / "demo-lora-sepia.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", good[:8])
    header, data = json.loads(good[8 : 8 + length]), good[8 + length :]
    name = next(name for name in header if name != "__metadata__")
    begin = header[name]["data_offsets"][0]

    def changed(**fields: object) -> bytes:
        return packed(header | {name: header[name] | fields}, data)

    return {
        "cut short": good[: len(good) // 2], "offsets past the end": changed(data_offsets=[begin, len(data) + (1 << 20)]),
        "an entry that is a text": packed(header | {name: "x"}, data), "a type that nobody knows": changed(dtype="F13"),
        "twelve dimensions": changed(shape=[1] * 12), "a negative shape": changed(shape=[-1, -1]),
        "a huge shape": changed(shape=[1 << 62, 1 << 62]), "another shape": changed(shape=[7, 7]),
        "a header of 2^60 bytes": struct.pack("<Q", 1 << 60) + good[8:], "4 MB of brackets": packed(b"[" * (4 << 20), data),
        "a gap": packed({key: value for key, value in header.items() if key != name}, data), "noise": os.urandom(1 << 20),
    }


@pytest.mark.parametrize("kind", ["Checkpoint", "LORA"])
@pytest.mark.parametrize("what", broken())
def test_a_broken_file_is_refused_before_any_engine_sees_it(studio: Node, tmp_path: Path, what: str, kind: str):
    file = tmp_path / "broken.safetensors"
    file.write_bytes(broken()[what])
    done = studio.run("publish", file, "--model", "@me/broken", "--version", "1.0", "--type", kind, "--base", "SDXS",
                      "--real-person", "no", "--yes", check=False)
    assert done.returncode == 6 and "not a sound safetensors file" in done.stderr, done.stderr


def test_sound_files_that_draw_nothing_cost_nothing_and_harm_nobody(studio: Node, tmp_path: Path):
    node = Node(tmp_path / "home")
    node.run("init")
    share_engine(studio, node)
    node.serve()
    publish_demo(node)
    token = node.json("token", "new", "--scope", "generate,read")["token"]
    good = (MODEL / "demo-lora-sepia.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", good[:8])
    header, data = json.loads(good[8 : 8 + length]), good[8 + length :]

    def renamed(old: str, new: str) -> bytes:
        return packed({key.replace(old, new): value for key, value in header.items()}, data)

    (tmp_path / "no-lora.safetensors").write_bytes(renamed("lora_unet", "lora_other"))
    (tmp_path / "no-model.safetensors").write_bytes(renamed("lora_", "other_"))
    # All weights of the demo model, each of them zero.
    with (node.home / "engine" / "demo" / "demo-sdxs.safetensors").open("rb") as demo:
        (length,) = struct.unpack("<Q", demo.read(8))
        (tmp_path / "zeros.safetensors").write_bytes(struct.pack("<Q", length) + demo.read(length))
        os.truncate(tmp_path / "zeros.safetensors", os.fstat(demo.fileno()).st_size)
    for slug, kind, fields, codes in [
        ("no-lora", "LORA", {"prompt": "a bee <lora:no-lora:1>"}, ["lora_not_applied"]),
        ("no-model", "Checkpoint", {"model": "no-model"}, ["engine_failed", "crashed"]),
        ("zeros", "Checkpoint", {"model": "zeros"}, ["flat_image"]),
    ]:
        node.run("publish", tmp_path / f"{slug}.safetensors", "--model", f"@me/{slug}", "--version", "1.0", "--type", kind,
                 "--base", "SDXS", "--real-person", "no", "--yes", "--steps", "1", "--size", "128x128")
        name = order(node, token, cfg_scale=1, **fields)
        over = wait_until("the end", lambda: (found := job(node, token, name))["is_over"] and found, 120)
        assert over["state"] == "failed" and over["error_code"] in codes, over
        assert over["captured"] == 0 and over["pictures"] == []
    assert len(draw(node, tmp_path, "a bee in a meadow")) > 1000, "everybody else draws on"
    node.stop()


def test_a_lora_that_does_not_fit_harms_its_own_job_alone(studio: Node, tmp_path: Path, token: str):
    """Its halves fit each other, and nothing else: an engine may die of it."""
    good = (MODEL / "demo-lora-sepia.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", good[:8])
    header = json.loads(good[8 : 8 + length])
    down = next(name for name in header if name.endswith("lora_down.weight"))
    up = down.replace("lora_down", "lora_up")
    rank = header[down]["shape"][0]
    shapes = {down: [rank, header[down]["shape"][1] + 40], up: [header[up]["shape"][0] + 40, rank]}
    told, data = {}, b""
    for name, shape in shapes.items():
        size = shape[0] * shape[1] * 4
        told[name] = {"dtype": "F32", "shape": shape, "data_offsets": [len(data), len(data) + size]}
        data += struct.pack("<f", 0.25) * (shape[0] * shape[1])
    text = json.dumps(told).encode()
    file = tmp_path / "bad-shape.safetensors"
    file.write_bytes(struct.pack("<Q", len(text)) + text + data)
    studio.run("publish", file, "--model", "@me/bad-shape", "--version", "1.0", "--type", "LORA", "--base", "SDXS",
               "--real-person", "no", "--yes")
    name = order(studio, token, prompt="a bee <lora:bad-shape:1>")
    over = wait_until("the end", lambda: (found := job(studio, token, name))["is_over"] and found, 120)
    assert over["state"] == "failed" and over["captured"] == 0 and over["pictures"] == []
    assert over["error_code"] in ("crashed", "engine_failed", "lora_not_applied"), over
    if over["error_code"] == "crashed":
        # Twice, for it was begun anew: the set of files is put aside, and nothing else.
        aside = next(one for one in studio.json("gen", "doctor")["aside"] if "bad-shape" in one["names"])
        reply = requests.post(f"{studio.url}/api/w1/generate", headers={"Authorization": f"Bearer {token}"}, timeout=30,
                              json={"model": "demo-sdxs", "prompt": "a bee <lora:bad-shape:1>"})
        assert reply.status_code == 422 and "demo-sdxs with bad-shape brought the engine down" in reply.json()["detail"], reply.text
        studio.run("gen", "doctor", "--forgive", aside["key"])
    assert len(draw(studio, tmp_path, "a bee in a meadow")) > 1000, "everybody else draws on"


def engines(node: Node) -> list[int]:
    """Processes of this node's engine."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "worker.py" in line and str(node.home) in line:
            found.append(int(folder.name))
    return found


def test_an_engine_that_is_killed_is_begun_anew_once(studio: Node, token: str):
    name = order(studio, token, batch=4, steps=4)
    wait_until("an engine", lambda: job(studio, token, name)["state"] == "running" and engines(studio))
    for process in engines(studio):
        os.kill(process, signal.SIGKILL)
    over = wait_until("the end", lambda: (found := job(studio, token, name))["is_over"] and found, 120)
    # A kill may as well mean that memory ran out: then it is not tried again, and nothing is taken.
    assert over["state"] in ("done", "failed") and over["captured"] == 0


def own_node(tmp_path: Path, studio: Node) -> tuple[Node, str]:
    """Another node that draws with the same engine, serving, and a token of it."""
    node = Node(tmp_path / "home")
    node.run("init")
    share_engine(studio, node)
    publish_demo(node)
    token = node.json("token", "new", "--scope", "generate")["token"]
    node.serve()
    return node, token


@pytest.mark.parametrize("how", ["written to", "cut"])
def test_a_model_that_is_changed_meanwhile_makes_no_picture(tmp_path: Path, studio: Node, how: str):
    """An engine draws with the file where it lies; a recipe must not name a model that it was not drawn with."""
    node, mine = own_node(tmp_path, studio)
    name = order(node, mine, steps=8)
    wait_until("a step", lambda: job(node, mine, name)["progress"] > 0.1)
    model = node.home / "engine" / "demo" / "demo-sdxs.safetensors"
    with model.open("r+b") as file:
        if how == "cut":
            file.truncate(model.stat().st_size // 2)
        else:
            file.seek(-1, os.SEEK_END)
            last = file.read(1)
            file.seek(-1, os.SEEK_END)
            file.write(bytes([last[0] ^ 1]))
    over = wait_until("the end", lambda: (found := job(node, mine, name))["is_over"] and found, 120)
    assert over["state"] == "failed" and over["error_code"] == "withdrawn" and over["pictures"] == [], over
    assert "was changed while it was drawn with" in over["error"], over
    assert node.json("gen", "doctor")["aside"] == [], "nothing is wrong with the set"
    node.stop()


def memory_of(process: int) -> int:
    """Bytes of address space."""
    status = Path(f"/proc/{process}/status").read_text()
    return int(re.search(r"VmSize:\s+(\d+) kB", status)[1]) << 10


def workers(node: Node) -> list[int]:
    """The interpreters that draw: below what the sandbox starts them with."""
    parents = {int(stat.parent.name): int(stat.read_text().rsplit(")", 1)[1].split()[1])
               for stat in Path("/proc").glob("[0-9]*/stat") if stat.exists()}
    above = set(engines(node))
    below = {process for process, parent in parents.items() if parent in above} - above
    return [process for process in below | above if not any(parent == process for parent in parents.values())]


def test_an_engine_that_runs_out_of_memory_is_paid_nothing_and_harms_nobody(tmp_path: Path, studio: Node):
    """A real allocation of the real engine fails: it may not grow by what a larger picture takes."""
    node = Node(tmp_path / "home")
    node.run("init")
    share_engine(studio, node)
    (node.home / "waggle.toml").write_text("generation.price = 3000\n")
    node.serve()
    publish_demo(node)
    node.run("account", "new", "ada")
    node.run("buzz", "found", "--name", "Honey", "--symbol", "HNY", "--no-rewards")
    node.run("buzz", "grant", "@ada", "100000")
    token = node.json("token", "new", "--account", "ada", "--scope", "generate,read")["token"]

    def drawn(**fields: object) -> dict:
        name = order(node, token, **fields)
        return wait_until("the end", lambda: (found := job(node, token, name))["is_over"] and found, 120)

    def balance() -> int:
        return node.json("buzz", "balance", "@ada")[0]["balance"]

    first = drawn()
    assert first["state"] == "done" and first["captured"] > 0, first
    left = balance()
    assert left == 100000 - first["captured"]
    (worker,) = workers(node)
    bound = memory_of(worker) + (8 << 20)
    resource.prlimit(worker, resource.RLIMIT_AS, (bound, bound))
    lost = drawn(width=1024, height=1024)
    assert lost["state"] == "failed" and lost["error_code"] == "oom", lost
    assert lost["captured"] == 0 and lost["pictures"] == []
    assert balance() == left and node.json("buzz", "ls")[0]["held"] == 0, "all of it came back"
    # A new engine draws on, for everybody.
    assert drawn()["state"] == "done"
    wait_until("one engine", lambda: len(workers(node)) == 1)
    assert worker not in workers(node)
    assert node.json("gen", "doctor")["open"] == 0
    node.run("buzz", "audit")
    node.stop()


def test_a_job_that_is_cancelled_ends_its_engine(studio: Node, token: str):
    name = order(studio, token, batch=8, steps=8)
    wait_until("the job", lambda: job(studio, token, name)["state"] == "running")
    reply = requests.delete(f"{studio.url}/api/w1/generate/jobs/{name}", timeout=30,
                            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"})
    assert reply.ok, reply.text
    over = wait_until("the end", lambda: (found := job(studio, token, name))["is_over"] and found)
    assert over["state"] == "cancelled"
    wait_until("no engine", lambda: not engines(studio))


def test_a_node_that_is_killed_takes_its_job_up_again(tmp_path: Path, studio: Node):
    node, mine = own_node(tmp_path, studio)
    name = order(node, mine, batch=3, steps=2, seed=7)
    wait_until("the job", lambda: job(node, mine, name)["state"] == "running" and engines(node))
    assert node.process
    node.process.kill()
    node.process.wait()
    wait_until("no orphans", lambda: not engines(node))
    node.serve()
    over = wait_until("the end", lambda: (found := job(node, mine, name))["is_over"] and found, 120)
    assert over["state"] == "done" and [picture["seed"] for picture in over["pictures"]] == [7, 8, 9]
    node.stop()


def test_progress_is_told_as_events(studio: Node, token: str):
    name = order(studio, token, batch=2)
    with requests.get(f"{studio.url}/api/w1/generate/jobs/{name}/events", stream=True, timeout=120,
                      headers={"Authorization": f"Bearer {token}"}) as stream:
        states = [json.loads(line[6:]) for line in stream.iter_lines() if line.startswith(b"data: ")]
    assert states[-1]["state"] == "done" and len(states) >= 2


@pytest.mark.parametrize("ending", ["png", "jpg", "webp"])
def test_others_read_the_recipe_in_every_format(studio: Node, tmp_path: Path, ending: str):
    out = tmp_path / f"bee.{ending}"
    prompt = "a bee, \u00fc \u8702 \U0001f41d"
    studio.run("gen", "run", "--model", "demo-sdxs", "--prompt", prompt, "--seed", "7", "--out", out)
    with Image.open(out) as image:
        image.load()
        assert image.size == (128, 128) and image.format == {"jpg": "JPEG"}.get(ending, ending.upper())
        if ending == "png":
            text = image.text["parameters"]  # type: ignore[attr-defined]
        else:
            text = piexif.helper.UserComment.load(piexif.load(str(out))["Exif"][piexif.ExifIFD.UserComment])
            comment = image.getexif().get_ifd(0x8769)[0x9286]
            assert comment == b"UNICODE\0" + text.encode("utf-16-be")
        colours = image.convert("RGB").resize((1, 1)).getpixel((0, 0))
    assert text.startswith(prompt + "\n") and "Seed: 7" in text and "Steps: 1" in text
    assert isinstance(colours, tuple) and max(colours) > 20
    assert b"digitalsourcetype/trainedAlgorithmicMedia" in out.read_bytes()
    with Image.open(out) as image, Image.open(io.BytesIO(draw(studio, tmp_path, prompt, 7))) as drawn:
        # Little is lost.
        pairs = zip(image.convert("RGB").tobytes(), drawn.convert("RGB").tobytes(), strict=True)
        assert sum(abs(one - other) for one, other in pairs) / (128 * 128 * 3) < 6


def test_openais_client_draws_here(studio: Node, token: str):
    client = OpenAI(base_url=f"{studio.url}/v1", api_key=token, max_retries=0)
    assert any("demo-sdxs" in model.id for model in client.models.list())
    answer = client.images.generate(model="dall-e-3", prompt="a big red circle on white", size="auto", n=1,
                                    response_format="b64_json")
    assert answer.data and answer.data[0].b64_json
    picture = base64.b64decode(answer.data[0].b64_json)
    assert middle(picture)[0] > middle(picture)[2] + 60
    with pytest.raises(BadRequestError) as refused:
        client.images.generate(model="demo-sdxs", prompt="x", size="63x63")  # type: ignore[call-overload]
    assert "multiple of 64" in str(refused.value)


def test_a1111s_client_draws_here(studio: Node, token: str):
    api = WebUIApi(host="127.0.0.1", port=studio.port)
    api.set_auth("any", token)
    titles = [model["title"] for model in api.get_sd_models()]
    assert any(title.startswith("demo-sdxs.safetensors [") for title in titles)
    assert any(lora["name"] == "demo-lora-sepia" for lora in api.get_loras())
    assert "Euler a" in [sampler["name"] for sampler in api.get_samplers()]
    assert "sd_model_checkpoint" in api.get_options()
    drawn = api.txt2img(prompt="a bee in a meadow", seed=101, steps=1, cfg_scale=1, width=128, height=128, batch_size=2,
                        sampler_name="Euler")
    assert drawn.info["all_seeds"] == [101, 102] and len(drawn.images) == 2
    assert "Steps: 1" in drawn.info["infotexts"][0]
    edited = api.img2img(images=[drawn.images[0]], prompt="a red circle on white", seed=5, steps=1, cfg_scale=1, width=128,
                         height=128, denoising_strength=0.9)
    assert edited.image.size == (128, 128)
    assert api.get_progress()["progress"] == 0


def test_a_visitor_without_an_account_draws_by_the_form(studio: Node):
    page = studio.get("/generate").decode()
    model = re.search(r'<option value="([0-9a-f]{64})"', page)
    assert model
    fields = {"model": model[1], "prompt": "a big blue square on yellow", "seed": "2", "do": "draw"}
    reply = requests.post(f"{studio.url}/generate", data=fields, headers={"Origin": studio.url}, timeout=30,
                          allow_redirects=False)
    assert reply.status_code == 303, reply.text[-2000:]
    place = reply.headers["Location"]
    done = wait_until("the picture", lambda: (text := studio.get(place).decode()) and "1 picture" in text and text, 60)
    found = re.search(r'src="(/generate/jobs/[0-9a-f]+/pictures/0)"', done)
    assert found
    assert middle(studio.get(found[1]))[2] > 120
    foreign = requests.post(f"{studio.url}/generate", data=fields, headers={"Origin": "https://evil.example"}, timeout=30)
    assert foreign.status_code == 403


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_from_the_front_page_to_a_picture_of_ones_own(studio: Node, browser: Browser, tmp_path: Path, token: str,
                                                      scripts: bool) -> None:
    """Journey (d): somebody without an account sees a picture, presses remix, and gets their own."""
    image = show(studio, token, draw(studio, tmp_path, "a big red circle on white", 40 + scripts))
    browser.run_scripts(scripts)
    try:
        browser.screen(1440, 900)
        assert browser.visit(studio.url + "/images").status == 200
        browser.click(f"a[href='/images/{image['id']}']")
        browser.click(f"a[href^='/generate?from={image['id']}']")
        form = browser.script("Object.fromEntries(new FormData(document.querySelector('form.filters')))")
        assert form["prompt"] == "a big red circle on white" and form["steps"] == "1"
        assert (form["width"], form["height"], form["seed"]) == ("128", "128", str(40 + scripts))
        browser.script("document.querySelector('#prompt').value = 'a big blue square on yellow'")
        browser.click("form.filters button[value=draw]")
        place = browser.script("location.href")
        assert "/generate/jobs/" in place

        def drawn() -> bool:
            # The page comes again by itself; a question may meet it while it does.
            try:
                return bool(browser.script("[...document.querySelectorAll('.feed img')].some(i => i.naturalWidth === 128)"))
            except ProtocolError:
                return False

        wait_until("the picture", drawn, 60)
        assert browser.script("document.querySelector('h1').innerText") == "1 picture"
        source = browser.script("document.querySelector('.feed img').src")
        picture = requests.get(source, timeout=30).content
        assert middle(picture)[2] > middle(picture)[0] + 60, "it is what was asked for, not the picture before"
        browser.keep(f"own-picture-{'with' if scripts else 'without'}-scripts")
    finally:
        browser.run_scripts(True)


def test_a_node_that_lacks_everything_draws_five_minutes_after_its_start(tmp_path: Path, studio: Node) -> None:
    """The demo model from the command line, and the first picture after the engine is there."""
    node = Node(tmp_path / "home")
    node.run("init")
    refused = node.run("gen", "run", "--model", "demo-sdxs", "--prompt", "a bee", check=False)
    assert refused.returncode != 0
    problem = node.run("gen", "doctor", check=False)
    assert problem.returncode != 0 and "waggle gen setup" in problem.stderr
    share_engine(studio, node)
    publish_demo(node)
    drawn = draw(node, tmp_path, "a big red circle on white", 1)
    assert middle(drawn)[0] > middle(drawn)[2] + 60
    again = node.run("gen", "demo", "--folder", MODEL)
    assert again.stdout.count("demo-") == 3, "published again, it is the same"
    # A node that may not use the memory says how much it would take, and does not try.
    (node.home / "waggle.toml").write_text('generation.memory = "200MB"\n')
    small = node.run("gen", "run", "--model", "demo-sdxs", "--prompt", "a bee", "--json", check=False)
    assert small.returncode != 0 and "MiB of memory" in small.stderr
    assert node.json("gen", "jobs")[0]["error_code"] == "oom" and node.json("gen", "doctor")["open"] == 0


def test_a_visitor_reads_how_to_get_an_engine(writable: Node) -> None:
    page = writable.get("/generate").decode()
    assert "waggle gen setup" in page and 'name="bring"' not in page
