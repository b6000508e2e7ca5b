#!/usr/bin/env python3
"""`make bench-federation`: what nodes say to each other, in bytes, copies and time; see README.md.

Prints one JSON line a figure, and a table at the end on standard error. Exits with 1 when a goal is missed.

usage: federation.py [sizes|sync|intake|spread|missing|stream]...      (all without a name)
    BENCH_SIZE=small   a tenth of the posts, for a quick look; goals are meant for full size
    BENCH_BIN=FOLDER   where `waggle`, `waggle-bench` and `negentropy-harness` are (.build/release)
"""

import http.client
import json
import os
import queue
import random
import socket
import statistics
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
from processes import Failure, Waggle, run, wait_until, write_model
from report import BENCH, BIN, IS_SMALL, ROUNDS, WAGGLE, main

POSTS = 10_000 if IS_SMALL else 100_000

# MARK: Posts


def sizes(report, folder):
    """A review without a text and a release of one file as they travel: payload, type and signature."""
    found = json.loads(run(BENCH, "sizes"))
    report.add("a review on the wire", "B", [found["review"]], goal=("value", "<=", 270))
    report.add("a release on the wire", "B", [found["release"]], goal=("value", "<=", 480))


def intake(report, folder):
    """Distinct signed reviews into a fresh log, then the same again; the bound is libsodium alone on two threads."""
    lines = run(BENCH, "intake", folder, "--count", str(POSTS), "--rounds", str(ROUNDS)).splitlines()
    rounds = [json.loads(line) for line in lines]

    def rates(key):
        return [one["count"] / one[key] for one in rounds]

    report.add("posts ingested", "posts/s", rates("intake"), goal=("value", ">=", 8000))
    report.add("… beside their signatures alone", "posts/s", rates("intake"), rates("verify"), ("ratio", ">=", 0.4))
    report.add("duplicates ingested", "posts/s", rates("duplicates"), goal=("value", ">=", 200_000))


# MARK: Reconciliation


class Harness:
    """One side of a reconciliation, spoken to in lines."""

    def __init__(self, items):
        self.process = subprocess.Popen([f"{BIN}/negentropy-harness"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.process.stdin.write(items)
        self.process.stdin.write(b"seal\n")
        # The answer says that the set is ready.
        self.ask(b"msg,60")

    def ask(self, line):
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def reconcile(first, second):
    """Seconds, and bytes both ways, until the side that began knows what differs."""
    began = time.perf_counter()
    passed = 0
    line = first.ask(b"initiate")
    while line != b"done":
        if line.startswith(b"msg,"):
            answer = second.ask(line)
            passed += (len(line) + len(answer)) // 2 - 4
            line = first.ask(answer)
        else:
            line = first.process.stdout.readline().rstrip()
    return time.perf_counter() - began, passed


def sync(report, folder):
    """Two harness processes over pipes, half of what differs on each side; hexadecimal and pipes are in the time."""
    goals = {(1_000_000, 0): (348, 10), (1_000_000, 10): (4_300, 15), (1_000_000, 1000): (230_000, 100)}
    for size in [100_000] if IS_SMALL else [100_000, 1_000_000]:
        source = random.Random(size)
        common = [(1_700_000_000 + number, source.randbytes(32).hex()) for number in range(size)]
        for difference in [0, 10, 1000]:
            # What is missing is what is newest.
            newest = [(1_700_000_000 + size + number, source.randbytes(32).hex()) for number in range(difference)]
            sides = [
                "".join(f"item,{created},{name}\n" for created, name in common + newest[side::2]).encode()
                for side in range(2)]
            seconds, passed = [], []
            for _ in range(ROUNDS):
                one, other = Harness(sides[0]), Harness(sides[1])
                wall, size_of_all = reconcile(one, other)
                seconds.append(wall * 1000)
                passed.append(size_of_all)
                one.close()
                other.close()
            most_bytes, most_time = goals.get((size, difference), (None, None))
            name = f"sync of {size:,} posts, {difference} differ"
            report.add(f"{name}, bytes", "B", passed, goal=most_bytes and ("value", "<=", most_bytes))
            report.add(f"{name}, time", "ms", seconds, goal=most_time and ("value", "<=", most_time))


# MARK: Spreading


class Watch:
    """Asks a node's list of models all the time over one connection; notes when each name was first there."""

    def __init__(self, node):
        self.connection = http.client.HTTPConnection("127.0.0.1", int(node.url.rsplit(":", 1)[1]))
        self.seen = {}
        self.goes_on = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.goes_on:
            self.connection.request("GET", "/api/v1/models?limit=48&sort=Newest")
            body = json.loads(self.connection.getresponse().read())
            for model in body["items"]:
                self.seen.setdefault(model["name"], time.perf_counter())
            time.sleep(0.02)

    def close(self):
        self.goes_on = False
        self.thread.join()


def spread(report, folder):
    """Ten nodes on loopback, each dialling two or three others; from when a release is shown where it was made to when it
    is shown at each of the others. Asking every 20 ms is in the time."""
    count, posts = 10, 10 if IS_SMALL else 30
    os.makedirs(f"{folder}/files")
    source = random.Random(10)
    nodes = [Waggle(WAGGLE, f"{folder}/node{number}") for number in range(count)]
    try:
        for number, node in enumerate(nodes):
            others = {(number + 1) % count, (number + 2) % count, source.randrange(count)} - {number}
            for other in others:
                node.json("peer", "add", nodes[other].url, "--yes")
        wait_until(
            lambda: all(peer["lastContact"] for node in nodes for peer in node.json("peer", "ls")), 60,
            "all exchanges have begun")

        def publish(number, at):
            file = f"{folder}/files/{number}.safetensors"
            write_model(file, 4096 + number)
            nodes[at].json("publish", file, "--model", f"@me/bench-{number}", "--name", f"Bench {number}", "--version",
                           "1.0", "--type", "LORA", "--base", "SDXL 1.0", "--real-person", "no", "--yes")

        # The first posts find the tree.
        for number in range(100, 106):
            publish(number, source.randrange(count))
        time.sleep(3)
        before = [sum(peer[key] for node in nodes for peer in node.json("peer", "ls", "--all"))
                  for key in ["copiesIn", "postsIn"]]
        watches = [Watch(node) for node in nodes]
        origins = {}
        for number in range(posts):
            origins[f"Bench {number}"] = at = source.randrange(count)
            publish(number, at)
        wait_until(lambda: all(len(set(origins) & set(watch.seen)) == posts for watch in watches), 60,
                   "every node shows every release")
        for watch in watches:
            watch.close()
        copies, stored = [
            sum(peer[key] for node in nodes for peer in node.json("peer", "ls", "--all")) - earlier
            for key, earlier in zip(["copiesIn", "postsIn"], before)]
    finally:
        for node in nodes:
            node.stop()
    delays = sorted(
        max(0, (watch.seen[name] - watches[at].seen[name]) * 1000)
        for name, at in origins.items() for number, watch in enumerate(watches) if number != at)
    report.add("ten nodes, a post arrives, p50", "ms", [statistics.median(delays)], goal=("value", "<=", 200))
    report.add("ten nodes, a post arrives, p99", "ms", [delays[len(delays) * 99 // 100]], goal=("value", "<=", 1000))
    report.add("ten nodes, whole copies of a post a node", "copies", [copies / stored], goal=("value", "<=", 2))


# MARK: After a partition


class Far:
    """A TCP proxy in front of a node, half a round trip away in both directions."""

    def __init__(self, round_trip):
        self.target, self.delay = None, round_trip / 2
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            node = socket.create_connection(("127.0.0.1", self.target))
            for source, sink in [(client, node), (node, client)]:
                source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                pieces = queue.Queue(maxsize=256)
                threading.Thread(target=self.read, args=(source, pieces), daemon=True).start()
                threading.Thread(target=self.write, args=(sink, pieces), daemon=True).start()

    def read(self, source, pieces):
        try:
            while piece := source.recv(64 << 10):
                pieces.put((time.monotonic() + self.delay, piece))
        except OSError:
            pass
        pieces.put((time.monotonic() + self.delay, b""))

    def write(self, sink, pieces):
        try:
            while True:
                due, piece = pieces.get()
                time.sleep(max(0, due - time.monotonic()))
                if not piece:
                    return sink.shutdown(socket.SHUT_WR)
                sink.sendall(piece)
        except OSError:
            pass

    def close(self):
        self.listener.close()


def missing(report, folder):
    """A node that lacks everything another has, 150 ms away: until both have the same number of posts."""
    home = f"{folder}/full"
    run(WAGGLE, "init", "--home", home)
    run(BENCH, "home", home, "--count", str(POSTS))
    far = Far(0.15)
    # A node takes requests that are signed for its own addresses only.
    with Waggle(WAGGLE, home, settings={"public_url": far.url}) as full, Waggle(WAGGLE, f"{folder}/empty") as empty:
        far.target = int(full.url.rsplit(":", 1)[1])
        full.wait_until_applied()
        wanted = full.json("status")["posts"]
        began = time.perf_counter()
        empty.json("peer", "add", far.url, "--yes")
        wait_until(lambda: empty.json("status")["posts"] >= wanted, 600, "both have the same", every=0.2)
        rate = wanted / (time.perf_counter() - began)
        far.close()
    report.add(f"{POSTS:,} posts missing, 150 ms round trip", "posts/s", [rate], goal=("value", ">=", 1000))


# MARK: Streaming


def stream(report, folder):
    """2,000 posts a second handed in by a program over HTTP, read by 50 nodes: from when each was sent. Signatures, disk,
    catalog and the 50 readers share the machine's cores."""
    home = f"{folder}/node"
    with Waggle(WAGGLE, home) as node:
        token = node.json("token", "new", "--scope", "read,publish,social,review")["token"]
        seconds = 5 if IS_SMALL else 15
        found = json.loads(run(BENCH, "stream", node.url, "--key", f"{home}/keys/me.key", "--token", token,
                               "--seconds", str(seconds)))
    if found["missing"]:
        raise Failure(f"{found['missing']} posts did not reach a reader")
    report.add("50 readers of a stream, posts", "posts/s", [found["rate"]], goal=("value", ">=", 1900))
    report.add("50 readers of a stream, p50", "ms", [found["p50"]])
    report.add("50 readers of a stream, p99", "ms", [found["p99"]], goal=("value", "<=", 250))


if __name__ == "__main__":
    main([sizes, sync, intake, spread, missing, stream])
