"""ClamAV through its daemon, with a database of one line, and a scanner of the operator's own."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from node import BINARY, Node, environment, wait_until

EXAMPLE = Path(__file__).parents[2] / "Examples" / "scanner" / "scan-by-size.py"
# Put together here, so that no scanner of anybody's takes this file for a virus.
EICAR = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR" + "-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
CLAMD = shutil.which("clamd", path="/usr/sbin:/usr/bin")


def scan(file: Path, **settings: str) -> dict:
    variables = {**environment(file.parent / "nobody"), **settings}
    done = subprocess.run([BINARY, "mod", "scan", file, "--json"], env=variables, capture_output=True, text=True, timeout=120)
    return json.loads(done.stdout) if done.stdout else {"error": done.stderr, "code": done.returncode}


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("clamd")
    database = folder / "database"
    database.mkdir()
    (database / "local.ndb").write_text(f"Local.Eicar:0:*:{EICAR.encode().hex()}\n")
    socket = folder / "socket"
    config = folder / "clamd.conf"
    config.write_text(f"""DatabaseDirectory {database}
LocalSocket {socket}
TemporaryDirectory {folder}
Foreground yes
StreamMaxLength 1M
""")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen([CLAMD, f"--config-file={config}"], stdout=log, stderr=log)
        try:
            wait_until("clamd listens", socket.exists, 60)
            yield f"unix:{socket}"
        finally:
            process.terminate()
            process.wait(timeout=30)


@pytest.mark.skipif(CLAMD is None, reason="clamav-daemon is not installed")
def test_clamd_is_asked(tmp_path: Path, clamd: str) -> None:
    bad, good, large = tmp_path / "bad.txt", tmp_path / "good.txt", tmp_path / "large.txt"
    bad.write_text(EICAR)
    good.write_text("nothing")
    large.write_bytes(bytes(3 << 20))
    found = scan(bad, WAGGLE_SCAN_CLAMD=clamd)
    assert found["verdict"] == "danger"
    assert [finding["code"] for finding in found["findings"]] == ["virus"]
    assert "Local.Eicar" in found["findings"][0]["detail"]
    assert scan(bad)["verdict"] == "safe", "without it nothing knows what a virus is"
    assert scan(good, WAGGLE_SCAN_CLAMD=clamd) == scan(good)
    # By our own limit, and by that of the daemon.
    for limit in ("1MB", "100MB"):
        report = scan(large, WAGGLE_SCAN_CLAMD=clamd, WAGGLE_SCAN_CLAMD_LIMIT=limit)
        assert report["verdict"] == "safe" and "larger" in report["unasked"][0], report
    nobody = scan(good, WAGGLE_SCAN_CLAMD=f"unix:{tmp_path}/nobody")
    assert "clamav-daemon" in nobody["error"] and nobody["code"] == 1


@pytest.mark.skipif(CLAMD is None, reason="clamav-daemon is not installed")
def test_a_virus_goes_out_of_service(tmp_path: Path, clamd: str) -> None:
    folder = tmp_path / "models" / "loras"
    folder.mkdir(parents=True)
    bad = folder / "bad.pt"
    bad.write_text(EICAR)
    node = Node(tmp_path / "home")
    node.run("init")
    node.run("config", "set", "scan.clamd", clamd)
    node.serve()
    try:
        node.run("library", "add", tmp_path / "models")
        rows = wait_until("it is out of service", lambda: node.json("mod", "ls"), 60)
        assert [row["hash"] for row in rows] == [hashlib.sha256(EICAR.encode()).hexdigest()]
        assert "Local.Eicar" in rows[0]["reason"] and rows[0]["by"] == "scanner"
    finally:
        node.stop()


def test_a_scanner_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "file.txt"
    file.write_text("Do not share this.")
    found = scan(file, WAGGLE_SCAN_PROGRAM=str(EXAMPLE))
    assert found["verdict"] == "danger" and found["findings"][0]["code"] == "external", found
    assert "scan-by-size.py" in found["findings"][0]["detail"]
    file.write_text("Share it.")
    assert scan(file, WAGGLE_SCAN_PROGRAM=str(EXAMPLE))["verdict"] == "safe"
    # One that fails says nothing, and reaches nothing but what it is handed.
    for script, why in (("exit 1", "ended with 1"), ("echo yes", "no verdict"),
                        ("echo '{\"verdict\": \"fine\"}'", "no verdict")):
        other = tmp_path / "other.sh"
        other.write_text(f"#!/bin/sh\n{script}\n")
        other.chmod(0o755)
        answer = scan(file, WAGGLE_SCAN_PROGRAM=str(other))
        assert why in answer.get("error", ""), (script, answer)
