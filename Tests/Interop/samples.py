"""Model files and pictures to publish: small, made from a seed, with the metadata that real trainers write."""

import hashlib
import json
import math
import random
import struct
import zlib
from pathlib import Path

# Without the bits that would make a half or a float infinite or enormous.
FINITE = bytes(byte & 0x3B for byte in range(256))


def safetensors(path: Path, tensors: dict[str, tuple[str, list[int]]], metadata: dict[str, str], seed: int) -> Path:
    """Writes a safetensors file: tensors by name as (dtype, shape), filled with random bytes of a seed."""
    width = {"F16": 2, "F32": 4}
    noise = random.Random(seed)
    header: dict[str, object] = {"__metadata__": metadata} if metadata else {}
    at = 0
    for name, (dtype, shape) in tensors.items():
        size = width[dtype] * math.prod(shape)
        header[name] = {"dtype": dtype, "shape": shape, "data_offsets": [at, at + size]}
        at += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for start in range(0, at, 1 << 20):
            file.write(noise.randbytes(min(1 << 20, at - start)).translate(FINITE))
    return path


def lora(path: Path, seed: int, rank: int = 8, trigger: str = "teal harbour") -> Path:
    """A LoRA as kohya's scripts write it; about 45 KiB a rank."""
    tensors: dict[str, tuple[str, list[int]]] = {}
    for block in range(1, 9):
        stem = f"lora_unet_input_blocks_{block}_1_transformer_blocks_0_attn1_to_q"
        tensors[f"{stem}.alpha"] = ("F32", [])
        tensors[f"{stem}.lora_down.weight"] = ("F16", [rank, 1280])
        tensors[f"{stem}.lora_up.weight"] = ("F16", [1280, rank])
    return safetensors(path, tensors, {
        "ss_network_module": "networks.lora", "ss_network_dim": str(rank), "ss_network_alpha": str(rank),
        "ss_base_model_version": "sdxl_base_v1-0", "modelspec.title": "Teal harbour",
        "modelspec.architecture": "stable-diffusion-xl-v1-base/lora",
        "ss_tag_frequency": json.dumps({"10_harbour": {trigger: 40, "boat": 31, "evening light": 12}}),
    }, seed)


def checkpoint(path: Path, mebibytes: int, seed: int) -> Path:
    """A file of so many MiB that looks like a checkpoint's."""
    rows = mebibytes * (1 << 20) // 2 // 1024
    return safetensors(path, {"model.diffusion_model.input_blocks.0.0.weight": ("F16", [rows, 1024])}, {}, seed)


def picture(path: Path, width: int, height: int, seed: int, text: str = "") -> Path:
    """A PNG of a harbour in the evening: sky, sun and waves; `text` goes where generators put their parameters."""
    noise = random.Random(seed)
    hue, sun = noise.random(), (noise.uniform(0.2, 0.8) * width, noise.uniform(0.25, 0.45) * height)
    horizon = int(height * 0.6)
    base = [int(127 + 90 * math.cos(2 * math.pi * (hue + shift))) for shift in (0, 0.33, 0.67)]
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        depth = y / horizon if y < horizon else (height - y) / (height - horizon)
        for x in range(width):
            light = 60 * max(0.0, 1 - math.hypot(x - sun[0], y - sun[1]) / (0.35 * width))
            wave = 14 * math.sin(x / 17 + y / 3 + math.sin(y / 9) * 4) if y >= horizon else 0
            rows += bytes(min(255, max(0, int(c * (0.45 + 0.5 * depth) + light + wave))) for c in base)
    return write_png(path, width, height, bytes(rows), text)


def write_png(path: Path, width: int, height: int, rows: bytes, text: str) -> Path:
    """Scan lines (filter byte and RGB) as a PNG file."""
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    chunks = [chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))]
    if text:
        chunks.append(chunk(b"tEXt", b"parameters\0" + text.encode("latin-1")))
    chunks += [chunk(b"IDAT", zlib.compress(rows, 6)), chunk(b"IEND", b"")]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    return path


def autov3(path: Path) -> str:
    """How web UIs name a LoRA in the parameters of a picture: the hash of all behind the header, shortened."""
    data = path.read_bytes()
    return hashlib.sha256(data[8 + struct.unpack_from("<Q", data)[0]:]).hexdigest()[:12]


def sha256(path: Path) -> str:
    """The SHA-256 of a file in lower-case hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
