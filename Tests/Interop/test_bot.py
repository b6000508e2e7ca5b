"""The example programs, as they are written."""

import json
import subprocess
import sys
from pathlib import Path

import samples
from node import Node, environment

BOT = Path(__file__).resolve().parents[2] / "Examples" / "bot"


def test_the_bot_publishes_and_the_file_is_found(writable: Node, tmp_path: Path):
    lora = samples.lora(tmp_path / "bot-made.safetensors", seed=77, rank=4)
    token = writable.json("token", "new", "--scope", "publish,review")["token"]
    surroundings = environment(tmp_path) | {"WAGGLE_URL": writable.url, "WAGGLE_TOKEN": token}

    def run(*arguments: str | Path) -> str:
        done = subprocess.run(arguments, env=surroundings, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    for _ in range(2):
        assert "/models/" in run(sys.executable, BOT / "bot.py", lora, "bot-made", "1.0")
    found = json.loads(run(BOT / "look-up.sh", lora))
    assert found["items"][0]["version"] == "1.0"
    assert writable.json("show", "@me/bot-made@1.0")["comments"] >= 1
