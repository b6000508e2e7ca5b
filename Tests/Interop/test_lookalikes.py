"""Pictures that look like one that was taken down: found, hidden for as long as it is, refused when they are brought again."""

import hashlib
import urllib.error
import urllib.request
from pathlib import Path

import numpy
import pytest
from PIL import Image

import samples
from node import Node, wait_until


def status(node: Node, file: Path) -> int:
    address = f"{node.url}/blobs/{hashlib.sha256(file.read_bytes()).hexdigest()}"
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=30) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def picture(seed: int) -> Image.Image:
    grid = numpy.random.default_rng(seed).integers(0, 256, (9, 7, 3)).astype("uint8")
    return Image.fromarray(grid).resize((512, 640), Image.Resampling.BICUBIC)


@pytest.mark.skipif(not Path("/usr/bin/vipsthumbnail").exists(), reason="libvips-tools is not installed")
def test_what_looks_alike_is_hidden_and_never_deleted(tmp_path: Path) -> None:
    first, mirrored, other = (tmp_path / name for name in ("first.png", "mirrored.jpg", "other.png"))
    picture(3).save(first)
    picture(3).transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(mirrored, quality=80)
    picture(4).save(other)
    node = Node(tmp_path / "home")
    node.run("init")
    node.serve()
    try:
        for name, seed, shown in (("one", 11, [first]), ("two", 12, [mirrored, other])):
            model = samples.lora(tmp_path / f"{name}.safetensors", seed=seed)
            node.run("publish", model, "--model", f"@me/{name}", "--version", "1",
                     *(word for file in shown for word in ("--sample", file)), "--real-person", "no", "--yes")
        named = hashlib.sha256(first.read_bytes()).hexdigest()
        case = node.run("mod", "report", named, "--reason", "likeness").stdout.strip()

        def sets() -> dict | None:
            found = {one["name"]: one["subjects"] for one in node.json("mod", "show", case)["spread"]}
            return found if "pictures" in found else None

        found = wait_until("the pictures were looked at", sets, 60)
        assert found["pictures"] == [f"file:{hashlib.sha256(mirrored.read_bytes()).hexdigest()}"]
        look, = found["look"]
        assert [status(node, file) for file in (first, mirrored, other)] == [200, 200, 200]

        node.run("mod", "decide", case, "--action", "purge", "--set", "named", "--set", "look", "--yes")
        assert [status(node, file) for file in (first, mirrored, other)] == [451, 451, 200]
        again = node.run("publish", tmp_path / "two.safetensors", "--model", "@me/three", "--version", "1", "--sample",
                         mirrored, "--real-person", "no", "--yes", check=False)
        assert again.returncode == 5 and case in again.stderr, again.stderr

        # The look was no reason to delete: lifted, all that was only alike is back.
        node.run("mod", "unblock", look.replace("picture:", "pdq:").split("/")[0])
        assert [status(node, file) for file in (first, mirrored, other)] == [451, 200, 200]
    finally:
        node.stop()
