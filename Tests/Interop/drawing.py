"""Orders of pictures on the demo model of Examples/demo-model, and what pictures show."""

import struct
import zlib
from pathlib import Path

import requests

from node import Node

MODEL = Path(__file__).resolve().parents[2] / "Examples" / "demo-model"
SEPIA = "<lora:demo-lora-sepia:{}>"


def pixels(png: bytes) -> list[tuple[int, int, int]]:
    """The pixels of a PNG file of 8 bits and three channels, decoded by the standard alone."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    place, packed, width, height = 8, b"", 0, 0
    while place < len(png):
        length, kind = struct.unpack(">I4s", png[place : place + 8])
        data = png[place + 8 : place + 8 + length]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", data[:10])
            assert (depth, colour) == (8, 2)
        if kind == b"IDAT":
            packed += data
        place += 12 + length
    raw, stride = zlib.decompress(packed), width * 3
    rows: list[bytearray] = []
    for row in range(height):
        kind, line = raw[row * (stride + 1)], bytearray(raw[row * (stride + 1) + 1 : (row + 1) * (stride + 1)])
        above = rows[-1] if rows else bytearray(stride)
        for at in range(stride):
            left = line[at - 3] if at >= 3 else 0
            corner = above[at - 3] if at >= 3 else 0
            if kind == 1:
                line[at] = (line[at] + left) & 255
            elif kind == 2:
                line[at] = (line[at] + above[at]) & 255
            elif kind == 3:
                line[at] = (line[at] + (left + above[at]) // 2) & 255
            elif kind == 4:
                guess = left + above[at] - corner
                best = min((left, above[at], corner), key=lambda value: abs(guess - value))
                line[at] = (line[at] + best) & 255
        rows.append(line)
    return [(row[at], row[at + 1], row[at + 2]) for row in rows for at in range(0, stride, 3)]


def mean(colours: list[tuple[int, int, int]]) -> tuple[float, ...]:
    return tuple(sum(colour[channel] for colour in colours) / len(colours) for channel in range(3))


def middle(png: bytes, side: int = 128) -> tuple[float, ...]:
    """The mean colour of a square in the middle."""
    all_of_it = pixels(png)
    size = int(len(all_of_it) ** 0.5)
    span = range(size // 2 - 10, size // 2 + 10)
    return mean([all_of_it[row * size + column] for row in span for column in span])


def corner(png: bytes) -> tuple[float, ...]:
    all_of_it = pixels(png)
    size = int(len(all_of_it) ** 0.5)
    return mean([all_of_it[row * size + column] for row in range(12) for column in range(12)])


def difference(left: bytes, right: bytes) -> float:
    pairs = zip(pixels(left), pixels(right), strict=True)
    total = [abs(one - other) for first, second in pairs for one, other in zip(first, second)]
    return sum(total) / len(total)


def publish_demo(node: Node) -> None:
    """The demo model with what its author recommends, and its LoRAs."""
    node.run("gen", "demo", "--folder", MODEL)


def draw(node: Node, folder: Path, prompt: str, seed: int = 101, **more: str) -> bytes:
    out = folder / f"{len(list(folder.iterdir()))}.png"
    extra = [word for name, value in more.items() for word in (f"--{name}", value)]
    node.run("gen", "run", "--model", "demo-sdxs", "--prompt", prompt, "--seed", str(seed), "--out", out, *extra)
    return out.read_bytes()


def expect_lora_by_strength(node: Node, folder: Path) -> None:
    """A LoRA changes the picture, more by more strength, not at all by none, and not the pictures without it."""
    bare = draw(node, folder, "a bee in a meadow")
    changes = [difference(bare, draw(node, folder, "a bee in a meadow" + SEPIA.format(weight)))
               for weight in ["0", "0.25", "1"]]
    assert changes[0] == 0
    assert 5 < changes[1] < changes[2]
    assert difference(bare, draw(node, folder, "a bee in a meadow")) == 0


def order(node: Node, token: str, **fields: object) -> str:
    reply = requests.post(f"{node.url}/api/w1/generate", headers={"Authorization": f"Bearer {token}"}, timeout=30,
                          json={"model": "demo-sdxs", "prompt": "a bee"} | fields)
    assert reply.status_code == 202, reply.text
    return reply.json()["id"]


def job(node: Node, token: str, name: str) -> dict:
    return requests.get(f"{node.url}/api/w1/generate/jobs/{name}", headers={"Authorization": f"Bearer {token}"},
                        timeout=30).json()
