#!/usr/bin/env python3
"""`make bench-ledger`: an authority of a currency beside what its signatures cost in the same run; see README.md.

Prints one JSON line a figure, and a table at the end on standard error. Exits with 1 when a goal is missed.

usage: ledger.py [commit|hot|serving|crash|audit|roots|quorum|quorum_serving]...      (all without a name)
    BENCH_SIZE=small   a twentieth of the orders, for a quick look; goals are meant for full size
    BENCH_BIN=FOLDER   where `waggle` and `waggle-bench` are (.build/release)
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from processes import Failure, Waggle, run
from report import BENCH, IS_SMALL, ROUNDS, WAGGLE, main, settle

STORED = 50_000 if IS_SMALL else 1_000_000
LOADED = 4_000 if IS_SMALL else 40_000


def bench(*arguments):
    return json.loads(run(BENCH, "ledger", *map(str, arguments)))


def bounds(folder):
    """Seconds of one verification and one signature on one core, and of a sync of 4 KiB."""
    return bench("bounds", folder)


def two_cores(bound):
    """Orders a second that two cores could verify and sign."""
    return 2 / (bound["verify"] + bound["sign"])


def commit(report, folder):
    """B1, B9, B12's payer: batches of 256 in one process, four clients, everything synced; uniform and zipf 1.1."""
    for name, zipf, goal in [("uniform", 0, 0.5), ("zipf 1.1", 1.1, 0.5)]:
        rates, limits, wire, disk = [], [], [], []
        for _ in range(ROUNDS):
            settle()
            bound = bounds(folder)
            line = bench("commit", folder, "--orders", LOADED, "--zipf", zipf)
            rates.append(line["orders"] / line["seconds"])
            limits.append(two_cores(bound))
            wire.append(line["wireBytes"])
            disk.append(line["diskBytes"])
        report.add(f"B1 commit, {name}", "orders/s", rates, limits, ("ratio", ">=", goal))
        if zipf == 0:
            report.add("B9 a final with a reference, on the wire", "B", wire)
            report.add("B9 the same on disk, with indices", "B", disk)
    line = bench("commit", folder, "--orders", LOADED, "--plain")
    report.add("B9 a final, on the wire", "B", [line["wireBytes"]], goal=("value", "<=", 300))
    report.add("B9 the same on disk, with indices", "B", [line["diskBytes"]], goal=("value", "<=", 450))


def hot(report, folder):
    """B12: everybody pays one account, and one granter issues to 256 accounts with each order, beside B1."""
    names = ["payee", "granter", "payee of 4 authorities", "granter of 4 authorities"]
    values, bounds = {name: [] for name in names}, {name: [] for name in names}
    for _ in range(ROUNDS):
        settle()
        uniform = bench("commit", folder, "--orders", LOADED)
        rate = uniform["orders"] / uniform["seconds"]
        line = bench("commit", folder, "--orders", LOADED, "--hot")
        values["payee"].append(line["orders"] / line["seconds"])
        line = bench("grants", folder, "--outputs", LOADED)
        values["granter"].append(line["outputs"] / line["seconds"])
        few = LOADED // 20
        uniform = bench("quorum-commit", folder, "--orders", few)
        slow = uniform["orders"] / uniform["seconds"]
        line = bench("quorum-commit", folder, "--orders", few, "--hot")
        values["payee of 4 authorities"].append(line["orders"] / line["seconds"])
        line = bench("quorum-grant", folder, "--outputs", few * 16)
        values["granter of 4 authorities"].append(line["outputs"] / line["seconds"])
        for name in names:
            bounds[name].append(slow if "4" in name else rate)
    for name in names:
        report.add(f"B12 hot {name}", "outputs/s", values[name], bounds[name], ("ratio", ">=", 0.8))


def quorum(report, folder):
    """B8, B9 of four authorities: bytes of a final, and the audit of one of their logs."""
    line = bench("quorum-commit", folder, "--orders", LOADED // 20)
    report.add("B9 a final of 4 authorities, on the wire", "B", [line["wireBytes"]], goal=("value", "<=", 440))
    report.add("B9 the same on disk, with indices", "B", [line["diskBytes"]], goal=("value", "<=", 600))
    homes = [f"{folder}/log-{index}" for index in range(4)]
    for path in homes:
        run(WAGGLE, "init", "--home", path)
    bench("quorum-fill", *homes, "--transfers", LOADED // 2)
    audits, limits = [], []
    for _ in range(ROUNDS):
        bound = bounds(folder)
        line = bench("audit", f"{homes[0]}/db/ledger.db")
        audits.append(line["entries"] / line["audit"])
        # A quorum's three and the payer's.
        limits.append(2 / (4 * bound["verify"]))
    report.add("B8 audit of one of 4 authorities", "finals/s", audits, limits, ("ratio", ">=", 0.8))


def quorum_serving(report, folder):
    """B3, B5: four `waggle serve` over loopback HTTP, and a client that asks all four."""
    homes = [f"{folder}/authority-{index}" for index in range(4)]
    for path in homes:
        run(WAGGLE, "init", "--home", path)
    bench("quorum-fill", *homes, "--accounts", 64 * ROUNDS + ROUNDS)
    settings = {"rates.requests": "1000000"}
    nodes = []
    rates, limits, median, floor = [], [], [], []
    try:
        for path in homes:
            nodes.append(Waggle(WAGGLE, path, settings=settings))
        ports = [node.port for node in nodes]
        first = 0
        for _ in range(ROUNDS):
            bound = bounds(folder)
            line = bench("quorum-load", homes[0], *ports, "--orders", LOADED // 20, "--from", first)
            first += 64
            rates.append(line["orders"] / line["seconds"])
            limits.append(2 / (26 * bound["verify"] + 9 * bound["sign"]))
            line = bench("quorum-load", homes[0], *ports, "--orders", 100, "--accounts", 1, "--from", first)
            first += 1
            median.append(line["median"] * 1000)
            floor.append(3 * bound["syncMedian"] * 1000 + 12 * bound["verify"] * 1000 + 6)
    finally:
        for node in nodes:
            node.stop()
    report.add("B3 four authorities over HTTP, 64 accounts", "orders/s", rates, limits, ("ratio", ">=", 0.5))
    report.add("B5 order to final, one client, median", "ms", median, floor, ("ratio", "<=", 1))


def home(folder, name, transfers=0):
    """A home whose node decides in a currency with accounts for loads."""
    path = f"{folder}/{name}"
    run(WAGGLE, "init", "--home", path)
    line = bench("fill", path, "--accounts", 12_000, "--transfers", transfers)
    return path, line["currency"]


def load(node, currency, first, clients=64, seconds=4, rate=0, orders=None, per_client=8):
    """One run of clients; accounts from `first` on must be fresh."""
    orders = orders or max(50, int(seconds * 12_000 / clients))
    line = bench("load", node.port, currency, "--clients", clients, "--seconds", seconds, "--rate", rate,
                 "--from", first, "--per-client", per_client, "--orders", orders)
    if line["failed"]:
        raise Failure(f"{line['failed']} clients were answered with something else: {line}")
    return line


def serving(report, folder):
    """B2, B4, B13: `waggle serve` over loopback HTTP, one order a request."""
    path, currency = home(folder, "serving")
    settings = {"rates.requests": "1000000"}
    rates, limits, median, floor, worst, worst_floor, goodput, refusals, crowd = [], [], [], [], [], [], [], [], []
    with Waggle(WAGGLE, path, settings=settings) as node:
        first = 0
        for _ in range(ROUNDS):
            bound = bounds(folder)
            full = load(node, currency, first)
            first += 64 * 8
            rate = full["answered"] / full["seconds"]
            rates.append(rate)
            limits.append(two_cores(bound))
            one = load(node, currency, first, clients=1, seconds=3, orders=4000)
            first += 8
            median.append(one["median"] * 1000)
            floor.append(1.5 * bound["syncMedian"] * 1000 + 1)
            half = load(node, currency, first, rate=rate / 2)
            first += 64 * 8
            worst.append(half["worst"] * 1000)
            worst_floor.append(2 * bound["syncWorst"] * 1000 + 10)
            # Four times as many clients, none of whom waits between answer and next order.
            many = load(node, currency, first, clients=256, per_client=4)
            first += 256 * 4
            goodput.append(many["answered"] / many["seconds"])
            refusals.append(many["refused"])
            crowd.append(many["worst"] * 1000)
    report.add("B2 over HTTP, 64 clients", "orders/s", rates, limits, ("ratio", ">=", 0.25))
    report.add("B4 one client, median", "ms", median, floor, ("ratio", "<=", 1))
    report.add("B4 half of B2, 99th of 100", "ms", worst, worst_floor, ("ratio", "<=", 1))
    report.add("B13 four times the clients, goodput", "orders/s", goodput, rates, ("ratio", ">=", 0.8))
    report.add("B13 refusals", "requests", refusals)
    report.add("B13 99th of 100", "ms", crowd)


def crash(report, folder):
    """B6, B11: kill -9 at full load with many finals stored, then the first order after a start."""
    path, currency = home(folder, "crash", transfers=STORED)
    settings = {"rates.requests": "1000000"}
    seconds, memory = [], []
    first = 0
    node = Waggle(WAGGLE, path, settings=settings)
    try:
        for _ in range(ROUNDS):
            victim = threading.Thread(target=lambda: subprocess.run(
                [BENCH, "ledger", "load", str(node.port), currency, "--clients", "64", "--seconds", "3", "--from",
                 str(first), "--per-client", "8", "--orders", "300"], capture_output=True))
            victim.start()
            time.sleep(1.5)
            memory.append(node.memory("VmRSS"))
            node.process.send_signal(signal.SIGKILL)
            node.process.wait()
            victim.join()
            first += 64 * 8
            began = time.perf_counter()
            node = Waggle(WAGGLE, path, settings=settings)
            load(node, currency, first, clients=1, seconds=2, orders=1, per_client=1)
            seconds.append(time.perf_counter() - began)
            first += 1
    finally:
        node.stop()
    report.add(f"B6 kill -9 to the next order, {STORED:,} stored", "s", seconds, goal=("value", "<=", 2))
    report.add(f"B11 memory of the node, {STORED:,} stored", "MiB", memory, goal=("value", "<=", 300))


def audit(report, folder):
    """B7, B8: the fold over a stored log without and with signatures."""
    path, _ = home(folder, "audit", transfers=STORED)
    folds, audits, limits = [], [], []
    for _ in range(ROUNDS):
        bound = bounds(folder)
        line = bench("audit", f"{path}/db/ledger.db")
        folds.append(line["entries"] / line["fold"])
        audits.append(line["entries"] / line["audit"])
        limits.append(2 / (2 * bound["verify"]))
    report.add("B7 the fold alone", "finals/s", folds, goal=("value", ">=", 100_000))
    report.add("B8 audit with signatures", "finals/s", audits, limits, ("ratio", ">=", 0.8))


def roots(report, folder):
    """B10: the state root over a million accounts, and again after ten thousand of them changed."""
    first, again = [], []
    for number in range(ROUNDS):
        os.makedirs(f"{folder}/{number}")
        line = bench("roots", f"{folder}/{number}", "--accounts", STORED)
        first.append(line["first"])
        again.append(line["again"] * 1000)
    report.add(f"B10 state root, {STORED:,} accounts", "s", first, goal=("value", "<=", 3))
    report.add("B10 after 10,000 changes", "ms", again, goal=("value", "<=", 100))


if __name__ == "__main__":
    main([commit, hot, serving, crash, audit, roots, quorum, quorum_serving])
