"""Figures beside their bounds: JSON lines on standard output, a table at the end on standard error."""

import json
import os
import statistics
import sys
import tempfile

from processes import Failure

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BIN = os.environ.get("BENCH_BIN", f"{ROOT}/.build/release")
WAGGLE = f"{BIN}/waggle"
BENCH = f"{BIN}/waggle-bench"
IS_SMALL = os.environ.get("BENCH_SIZE") == "small"
GIB = 1 << 30
MIB = 1 << 20
SCALE = 16 if IS_SMALL else 1
ROUNDS = 3


class Report:
    """The figures so far."""

    def __init__(self):
        self.lines = []

    def add(self, name, unit, values, bounds=None, goal=None):
        """Reports the median of the rounds' values and bounds, and of the ratios of each value to the bound beside it.

        `goal` is ("ratio" | "value", "<=" | ">=", limit).
        """
        value = statistics.median(values)
        bound = statistics.median(bounds) if bounds else None
        ratio = statistics.median(v / b for v, b in zip(values, bounds)) if bounds else None
        ok = None
        if goal:
            subject, relation, limit = goal
            measured = ratio if subject == "ratio" else value
            ok = measured <= limit if relation == "<=" else measured >= limit
        line = {
            "name": name, "value": short(value), "unit": unit, "bound": short(bound), "ratio": short(ratio),
            "goal": " ".join(map(str, goal)) if goal else None, "ok": ok,
        }
        self.lines.append(line)
        print(json.dumps(line), flush=True)

    def table(self):
        head = ["figure", "value", "unit", "bound", "ratio", "goal", ""]
        rows = [
            [line["name"], text(line["value"]), line["unit"], text(line["bound"]), text(line["ratio"]),
             line["goal"] or "", {True: "ok", False: "MISSED", None: ""}[line["ok"]]]
            for line in self.lines
        ]
        widths = [max(len(row[column]) for row in [head] + rows) for column in range(len(head))]
        for row in [head] + rows:
            cells = [cell.rjust(width) if column in (1, 3, 4) else cell.ljust(width)
                     for column, (cell, width) in enumerate(zip(row, widths))]
            print("  ".join(cells).rstrip(), file=sys.stderr)

    @property
    def is_good(self):
        return all(line["ok"] is not False for line in self.lines)


def short(number):
    return None if number is None else float(f"{number:.4g}")


def text(number):
    return "" if number is None else f"{number:,.0f}" if number >= 1000 else f"{number:.3g}"


def settle():
    """What one side of a comparison wrote must not be written to the disk in the time of the other."""
    os.sync()


def main(figures):
    """Takes the figures that the command line names, or all; exits with 1 when a goal is missed."""
    figures = {figure.__name__: figure for figure in figures}
    names = sys.argv[1:] or list(figures)
    if unknown := [name for name in names if name not in figures]:
        sys.exit(f"no figure {', '.join(unknown)}; there are {', '.join(figures)}")
    for binary in [WAGGLE, BENCH]:
        if not os.access(binary, os.X_OK):
            sys.exit(f"{binary} is missing; the targets of the Makefile build it")
    os.makedirs(f"{ROOT}/.build", exist_ok=True)
    report = Report()
    for name in names:
        # Each in a folder of its own, so that its gigabytes are gone before the next.
        with tempfile.TemporaryDirectory(prefix="bench-", dir=f"{ROOT}/.build") as folder:
            try:
                figures[name](report, folder)
            except Failure as failure:
                sys.exit(f"{name}: {failure}")
    report.table()
    sys.exit(0 if report.is_good else 1)
