#!/usr/bin/env python3
"""`make bench`: each figure beside its bound, taken in the same run; see README.md.

Prints one JSON line a figure, and a table at the end on standard error. Exits with 1 when a goal is missed.

usage: run.py [intake|ingest|serve|fetch|idle|start]...      (all without a name)
    BENCH_SIZE=small   a sixteenth of the bytes and a tenth of the posts, for a quick look; goals are meant for full size
    BENCH_BIN=FOLDER   where `waggle` and `waggle-bench` are (.build/release)
"""

import json
import os
import shutil
import sys
import time

sys.dont_write_bytecode = True
from processes import Failure, Nginx, Waggle, run, timed, wait_until, write_model
from report import BENCH, GIB, IS_SMALL, ROUNDS, SCALE, WAGGLE, main, settle

POSTS = 10_000 if IS_SMALL else 100_000

# MARK: Figures


def intake(report, folder):
    """Distinct signed reviews into a fresh log, then the same again; the bound is libsodium alone on two threads."""
    output = run(BENCH, "intake", folder, "--count", str(POSTS), "--rounds", str(ROUNDS))
    rounds = [json.loads(line) for line in output.splitlines()]

    def rates(key):
        return [one["count"] / one[key] for one in rounds]

    report.add("intake", "posts/s", rates("intake"), rates("verify"), ("ratio", ">=", 0.25))
    report.add("intake of duplicates", "posts/s", rates("duplicates"))


def ingest(report, folder):
    """A 2 GiB file indexed where it lies; the bound reads it once for its SHA-256."""
    file = f"{folder}/file.safetensors"
    write_model(file, 2 * GIB // SCALE)
    values, bounds = [], []
    for number in range(ROUNDS):
        settle()
        wall, _, output = timed("openssl", "dgst", "-sha256", "-r", file)
        bounds.append(wall)
        sha256 = output.split()[0]
        settle()
        wall, _, output = timed(BENCH, "adopt", file, f"{folder}/store{number}")
        values.append(wall)
        if output.strip() != sha256:
            raise Failure(f"the ingest says {output.strip()}, openssl {sha256}")
    report.add("ingest in place", "s", values, bounds, ("ratio", "<=", 2.0))


def publish(folder, size):
    """A served node with a published file; (node, path of the file, its SHA-256)."""
    os.makedirs(f"{folder}/files")
    file = f"{folder}/files/model.safetensors"
    write_model(file, size)
    settle()
    node = Waggle(WAGGLE, f"{folder}/A")
    try:
        reply = node.json(
            "publish", file, "--model", "@me/bench", "--version", "1.0", "--type", "LORA", "--base", "SDXL 1.0",
            "--real-person", "no", "--in-place", "--yes")
    except Failure:
        node.stop()
        raise
    return node, file, reply["files"][0]["sha256"]


def serve(report, folder):
    """curl of a whole blob; the bound is nginx, with sendfile, giving the same file to the same client."""
    size = GIB // SCALE
    node, file, sha256 = publish(folder, size)
    with node, Nginx(f"{folder}/nginx", os.path.dirname(file)) as nginx:
        urls = [f"{nginx.url}/{os.path.basename(file)}", f"{node.url}/blobs/{sha256}"]

        def rate(url):
            wall, _, received = timed("curl", "-sS", "--fail", "-o", "/dev/null", "-w", "%{size_download}", url)
            if int(received) != size:
                raise Failure(f"{url}: {received} of {size} bytes")
            return size / wall / (1 << 20)

        for url in urls:
            rate(url)
        bounds, values = zip(*[[rate(url) for url in urls] for _ in range(ROUNDS)])
    report.add("GET of a blob", "MiB/s", values, bounds, ("ratio", ">=", 0.5))


def fetch(report, folder):
    """`waggle get` on a node that has nothing yet, until the file is verified and durable."""
    size = GIB // SCALE
    walls, cpus, peaks, bound_walls, bound_cpus = [], [], [], [], []
    node, file, sha256 = publish(folder, size)
    with node:
        for number in range(ROUNDS):
            copy = f"{folder}/copy"
            pipe = f"curl -sS --fail {node.url}/blobs/{sha256} | tee {copy} | openssl dgst -sha256 -r"
            settle()
            before = node.cpu_seconds()
            wall, cpu, output = timed("bash", "-o", "pipefail", "-c", pipe)
            bound_walls.append(wall)
            bound_cpus.append((cpu + node.cpu_seconds() - before) * GIB / size)
            if output.split()[0] != sha256:
                raise Failure("the piped copy is another file")
            os.remove(copy)

            home = f"{folder}/B{number}"
            with Waggle(WAGGLE, home) as fetcher:
                fetcher.json("peer", "add", node.url, "--yes")
                wait_until(lambda: fetcher.knows(sha256), 60, "the release arrives")
                settle()
                fetcher.forget_peak()
                before = node.cpu_seconds() + fetcher.cpu_seconds()
                wall, cpu, _ = timed(*fetcher.command("get", sha256, "-o", f"{home}.files/"))
                walls.append(wall)
                cpus.append((cpu + node.cpu_seconds() + fetcher.cpu_seconds() - before) * GIB / size)
                peaks.append(fetcher.memory("VmHWM"))
            run("cmp", file, f"{home}.files/{os.path.basename(file)}")
            shutil.rmtree(home)
            shutil.rmtree(f"{home}.files")
    report.add("fetch and verify", "s", walls, bound_walls, ("ratio", "<=", 1.5))
    report.add("fetch and verify, CPU of both nodes", "s/GiB", cpus, bound_cpus)
    report.add("fetch and verify, peak memory", "MiB", peaks)


def idle(report, folder):
    """Resident memory of a fresh node five seconds after its start."""
    values = []
    for number in range(ROUNDS):
        with Waggle(WAGGLE, f"{folder}/idle{number}") as node:
            time.sleep(5)
            values.append(node.memory("VmRSS"))
    report.add("idle node", "MiB", values, goal=("value", "<=", 60))


def start(report, folder):
    """From `waggle serve` on a home of many posts to the first answer."""
    home = f"{folder}/many"
    run(WAGGLE, "init", "--home", home)
    run(BENCH, "home", home, "--count", str(POSTS))
    with Waggle(WAGGLE, home) as node:
        node.wait_until_applied()
    seconds, memory = [], []
    for _ in range(ROUNDS):
        settle()
        with Waggle(WAGGLE, home) as node:
            seconds.append(node.start_seconds)
            time.sleep(5)
            memory.append(node.memory("VmRSS"))
    report.add(f"start with {POSTS:,} posts", "s", seconds, goal=("value", "<=", 1.0))
    report.add(f"idle node with {POSTS:,} posts", "MiB", memory)


if __name__ == "__main__":
    main([intake, ingest, serve, fetch, idle, start])
