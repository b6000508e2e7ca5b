#!/usr/bin/env python3
"""`make bench-moderation`: what lists, the gate and scanners cost; see README.md.

Prints one JSON line a figure, and a table at the end on standard error. Exits with 1 when a goal is missed.

usage: moderation.py [lists]...      (all without a name)
    BENCH_BIN=FOLDER   where `waggle` and `waggle-bench` are (.build/release)
"""

import json
import sys

sys.dont_write_bytecode = True
from processes import run
from report import BENCH, ROUNDS, main

GOALS = {
    "look-up of a hash": ("µs", 1e6, 5),
    "nearest of 100,000 pictures, all eight forms": ("ms", 1e3, 20),
    "gate": ("µs", 1e6, 2),
    "PDQ of 512 x 512": ("ms", 1e3, 10),
    "read 100,000 lines": ("s", 1, 5),
    "approve 100,000 entries, kept": ("s", 1, 5),
}


def lists(report, folder):
    """A list of 100,000 entries: read, decided, asked; pictures that look alike; the gate; PDQ."""
    values = {name: [] for name in GOALS}
    for number in range(ROUNDS):
        path = f"{folder}/round{number}"
        run("mkdir", "-p", path)
        for text in run(BENCH, "moderation", path).splitlines():
            line = json.loads(text)
            if line["name"] in values:
                values[line["name"]].append(line["value"])
    for name, (unit, factor, limit) in GOALS.items():
        report.add(name, unit, [value * factor for value in values[name]], goal=("value", "<=", limit))


if __name__ == "__main__":
    main([lists])
