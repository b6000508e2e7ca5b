"""schemathesis makes requests from our OpenAPI document, good ones and bad ones, and holds the answers against it."""

import subprocess
import sys
from pathlib import Path

import samples
from node import Node, environment

HERE = Path(__file__).parent


def test_every_route_does_as_the_document_says(writable: Node, tmp_path: Path):
    lora = samples.lora(tmp_path / "a.safetensors", seed=5, rank=4)
    picture = samples.picture(tmp_path / "a.png", 64, 64, seed=5)
    writable.run("publish", lora, "--model", "@me/a", "--version", "1", "--type", "LORA", "--base", "SDXL 1.0",
                 "--sample", picture, "--real-person", "no", "--yes")
    # Somebody who may post, and is not the operator.
    writable.run("account", "new", "ada")
    token = writable.json("token", "new", "--account", "ada", "--scope", "read,publish,review,social")["token"]
    done = subprocess.run(
        [Path(sys.executable).parent / "st", "--no-color", "--config-file", HERE / "schemathesis.toml", "run",
         f"{writable.url}/openapi.json", "--url", writable.url, "--header", f"Authorization: Bearer {token}",
         "--phases", "coverage,fuzzing", "--max-examples", "15", "--max-time", "110", "--seed", "1",
         "--continue-on-failure", "--request-timeout", "20", "--workers", "2"],
        cwd=tmp_path, env=environment(tmp_path / "home"), capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-1000:]
