"""What the checks share: a node that publishes, a node that mirrors it, and the way to the second as civitai.com."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

import samples
from node import Node, wait_until
from tls_front import Front

PROMPT = "teal harbour at dusk, many boats, calm water <lora:teal-harbour:0.8>"


@dataclass
class World:
    """Two nodes that hold the same releases, and the files that were published."""

    maker: Node
    mirror: Node
    files: Path
    lora: Path
    lora_second: Path
    checkpoint: Path
    hidden: Path
    pictures: list[Path]
    front: Front

    def path(self, name: str) -> Path:
        """The published file of this name."""
        return self.files / name


def publish(maker: Node, folder: Path, made: dict[str, Path]) -> None:
    """Three models for everybody, one of them with two versions and two files, and one that visitors may not see."""
    about = folder / "about.md"
    about.write_text(
        "A LoRA for evenings at the harbour: teal water, low sun, many boats.\n\nWorks best between 0.6 and 0.9. "
        "Trained on 71 of my own photographs; nobody is in them.\n\n<script>alert('never')</script>")
    lora, second = made["lora"], made["lora_second"]
    maker.run("publish", lora, "--model", "@me/teal-harbour", "--version", "1.0", "--description-file", about,
              "--trigger", "teal harbour", "--tag", "landscape", "--tag", "style", "--sample", made["portrait"],
              "--sample", made["wide"], "--real-person", "no", "--yes")
    # Posts are dated by the second: the second version must be later for everybody.
    began = int(time.time())
    wait_until("the next second", lambda: time.time() >= began + 1)
    maker.run("publish", second, lora, "--model", "@me/teal-harbour", "--version", "2.0", "--trigger", "teal harbour",
              "--sample", made["square"], "--real-person", "no", "--yes")
    maker.run("publish", made["checkpoint"], "--model", "@me/gull", "--version", "1.0", "--type", "Checkpoint",
              "--base", "SDXL 1.0", "--name", "Möwe über dem Hafen", "--real-person", "no", "--yes")
    maker.run("publish", made["hidden"], "--model", "@me/hidden", "--version", "1.0", "--level", "XXX",
              "--name", "Behind the curtain", "--real-person", "no", "--yes")


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Publishes on one node and serves the checks from another that mirrored it, public as https://civitai.com."""
    root = tmp_path_factory.mktemp("world")
    files = root / "files"
    files.mkdir()
    lora = samples.lora(files / "teal-harbour.safetensors", seed=1)
    recipe = (f"{PROMPT}\nNegative prompt: blurry, people\n"
              f"Steps: 24, Sampler: Euler a, CFG scale: 6.5, Seed: 1234567890, Size: 384x512, Model: base, "
              f'Lora hashes: "teal-harbour: {samples.autov3(lora)}", Version: v1.9.3')
    made = {
        "lora": lora,
        "lora_second": samples.lora(files / "teal-harbour-2.safetensors", seed=2, rank=16),
        "checkpoint": samples.checkpoint(files / "Möwe über dem Hafen (日本).safetensors", mebibytes=24, seed=3),
        "hidden": samples.lora(files / "hidden.safetensors", seed=4),
        "portrait": samples.picture(files / "portrait.png", 384, 512, seed=1, text=recipe),
        "wide": samples.picture(files / "wide.png", 512, 288, seed=2),
        "square": samples.picture(files / "square.png", 400, 400, seed=5),
    }
    maker, mirror = Node(root / "maker"), Node(root / "mirror", public_url="https://civitai.com")
    for node in (maker, mirror):
        node.run("init")
    front = None
    try:
        maker.serve()
        publish(maker, root, made)
        mirror.serve()
        mirror.run("mirror", "add", "--all", "--budget", "1GB")
        mirror.run("peer", "add", maker.url, "--yes")
        wait_until("the mirror to hold everything", lambda: _is_mirrored(maker, mirror))
        front = Front(root, mirror.port)
        yield World(maker, mirror, files, lora, made["lora_second"], made["checkpoint"], made["hidden"],
                    [made["portrait"], made["wide"], made["square"]], front)
        assert not front.refused, f"a program asked for hosts that are not ours: {front.refused}"
    finally:
        if front:
            front.close()
        ends = [node.stop() for node in (maker, mirror)]
    assert ends == [0, 0], "a node did not stop by itself"


@pytest.fixture
def writable(tmp_path: Path) -> Iterator[Node]:
    """A node of one check alone, for what changes something."""
    node = Node(tmp_path / "writable")
    node.run("init")
    try:
        yield node.serve()
    finally:
        end = node.stop()
    assert end == 0, "the node did not stop by itself"


def _is_mirrored(maker: Node, mirror: Node) -> bool:
    here, there = mirror.json("status"), maker.json("status")
    return all(here[key] == there[key] for key in ("models", "releases", "images", "blobBytes"))
