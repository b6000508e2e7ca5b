#!/usr/bin/env python3
"""`make bench-moderation`: what lists, the gate and scanners cost; see README.md.

Prints one JSON line a figure, and a table at the end on standard error. Exits with 1 when a goal is missed.

usage: moderation.py [lists|queue]...      (all without a name)
    BENCH_BIN=FOLDER   where `waggle` and `waggle-bench` are (.build/release)
"""

import json
import sys
import time
import urllib.request

sys.dont_write_bytecode = True
from processes import Waggle, run
from report import BENCH, ROUNDS, WAGGLE, main

GOALS = {
    "look-up of a hash": ("µs", 1e6, 5),
    "nearest of 100,000 pictures, all eight forms": ("ms", 1e3, 20),
    "gate": ("µs", 1e6, 2),
    "PDQ of 512 x 512": ("ms", 1e3, 10),
    "read 100,000 lines": ("s", 1, 5),
    "approve 100,000 entries, kept": ("s", 1, 5),
    "safetensors header": ("ms", 1e3, 1),
}
REPORTS = 200


def lists(report, folder):
    """A list of 100,000 entries: read, decided, asked; pictures that look alike; the gate; PDQ."""
    values = {name: [] for name in [*GOALS, "pickle scan"]}
    for number in range(ROUNDS):
        path = f"{folder}/round{number}"
        run("mkdir", "-p", path)
        for text in run(BENCH, "moderation", path).splitlines():
            line = json.loads(text)
            if line["name"] in values:
                values[line["name"]].append(line["value"])
    for name, (unit, factor, limit) in GOALS.items():
        report.add(name, unit, [value * factor for value in values[name]], goal=("value", "<=", limit))
    report.add("pickle scan", "MB/s", [value / 1e6 for value in values["pickle scan"]], goal=("value", ">=", 200))


def queue(report, folder):
    """The moderators' page with 200 open cases."""
    home = f"{folder}/home"
    run(WAGGLE, "init", "--home", home)
    run(BENCH, "reports", home, "--count", str(REPORTS))
    with Waggle(WAGGLE, home) as waggle:
        token = run(*waggle.command("token", "new", "--scope", "read,moderate")).strip()

        def page():
            request = urllib.request.Request(
                f"{waggle.url}/moderation", headers={"Authorization": f"Bearer {token}"})
            began = time.perf_counter()
            with urllib.request.urlopen(request, timeout=60) as reply:
                text = reply.read().decode()
            assert text.count('href="/moderation/R-') == REPORTS
            return (time.perf_counter() - began) * 1e3

        page()
        report.add(f"queue with {REPORTS} open cases", "ms", [page() for _ in range(10 * ROUNDS)],
                   goal=("value", "<=", 150))


if __name__ == "__main__":
    main([lists, queue])
