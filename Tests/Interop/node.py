"""Real `waggle` processes on loopback, each with a home of its own."""

import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

BINARY = Path(os.environ["WAGGLE_BINARY"])
SECONDS = 60


def environment(home: Path) -> dict[str, str]:
    """Nothing of whoever runs the checks: their home, settings and proxies stay outside."""
    return {"PATH": os.environ["PATH"], "HOME": str(home.parent), "WAGGLE_HOME": str(home), "LANG": "C.UTF-8"}


class Node:
    """A node: its home, and its server while it runs."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.settings = settings
        self.process: subprocess.Popen[str] | None = None
        self.url = ""
        self._errors: IO[str] | None = None

    def run(self, *arguments: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Runs a command of this node to its end."""
        done = subprocess.run([BINARY, *arguments], env=environment(self.home), text=True, capture_output=True,
                              stdin=subprocess.DEVNULL, timeout=SECONDS)
        assert not check or done.returncode == 0, f"waggle {arguments} exited {done.returncode}: {done.stderr[-2000:]}"
        return done

    def json(self, *arguments: str | Path) -> Any:
        """What a command prints with --json."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def serve(self) -> "Node":
        """Starts the server; returns when it can be reached."""
        flags = [f"--{name.replace('_', '-')}={value}" for name, value in self.settings.items()]
        self._errors = (self.home.parent / f"{self.home.name}.log").open("w")
        self.process = subprocess.Popen([BINARY, "serve", "--listen", "127.0.0.1:0", *flags],
                                        env=environment(self.home), text=True, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=self._errors)
        assert self.process.stdout
        for line in self.process.stdout:
            if found := re.search(r"serves (http://\S+)", line):
                self.url = found[1]
                return self
        raise AssertionError(f"the node did not start: {Path(self._errors.name).read_text()[-2000:]}")

    def stop(self) -> int:
        """Asks the server to stop and returns how it ended."""
        if not self.process:
            return 0
        self.process.terminate()
        try:
            return self.process.wait(timeout=30)
        finally:
            self.process.kill()
            if self.process.stdout:
                self.process.stdout.close()
            if self._errors:
                self._errors.close()

    @property
    def port(self) -> int:
        return int(self.url.rsplit(":", 1)[1])

    def get(self, path: str) -> bytes:
        """The body of a GET of this node."""
        with urllib.request.urlopen(self.url + path, timeout=SECONDS) as reply:
            return reply.read()

    def api(self, path: str) -> Any:
        """The JSON of a GET below /api/v1/."""
        return json.loads(self.get(f"/api/v1/{path}"))


def wait_until(what: str, check: Callable[[], Any], seconds: float = 30) -> Any:
    """Asks again and again until the answer is true, and returns it."""
    deadline = time.monotonic() + seconds
    while not (found := check()):
        assert time.monotonic() < deadline, f"waited {seconds:.0f} s for {what}"
        time.sleep(0.05)
    return found
