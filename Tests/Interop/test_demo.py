"""The demonstration: two nodes, everything published on one and shown on the other."""

import os
import re
import signal
import subprocess
from pathlib import Path

from node import BINARY

REPOSITORY = Path(__file__).resolve().parents[2]
SECONDS = 300


def start(*arguments: str | Path, temporary: Path | None = None) -> subprocess.Popen[str]:
    environment = {key: value for key, value in os.environ.items() if not key.startswith("WAGGLE_")}
    if temporary:
        environment["TMPDIR"] = str(temporary)
    return subprocess.Popen(
        [BINARY.parent / "waggle-demo", "--waggle", BINARY, "--examples", REPOSITORY / "Examples", *arguments],
        env=environment, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_demo_plays_to_its_end_and_its_commands_work(tmp_path: Path) -> None:
    """Every recipe is verified on the second node, and the printed commands check a release offline."""
    demo = start("--once", "--folder", tmp_path)
    output, errors = demo.communicate(timeout=SECONDS)
    assert demo.returncode == 0, errors[-2000:]
    assert re.search(r"/models$", output, re.MULTILINE)
    commands = re.findall(r"^  (\S*(?:waggle verify|sh \S+verify\.sh).*)$", output, re.MULTILINE)
    assert len(commands) == 2, output
    for command in commands:
        done = subprocess.run(command, shell=True, text=True, capture_output=True, timeout=60)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"


def test_ctrl_c_stops_the_demo_and_leaves_nothing(tmp_path: Path) -> None:
    """At any moment; here while it begins."""
    demo = start(temporary=tmp_path)
    assert demo.stdout
    for line in demo.stdout:
        if "Publishing" in line:
            break
    demo.send_signal(signal.SIGINT)
    _, errors = demo.communicate(timeout=60)
    assert demo.returncode == 0, errors[-2000:]
    assert list(tmp_path.iterdir()) == []
