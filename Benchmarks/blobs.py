#!/usr/bin/env python3
"""`make bench-blobs`: how bytes are taken in and moved, each figure beside its bound of the same run; see README.md.

usage: blobs.py [ingest|plain|tls|limited|corrupt|killed|small]...      (all without a name)
    BENCH_SIZE, BENCH_BIN   as in run.py
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

sys.dont_write_bytecode = True
from processes import Failure, Nginx, Waggle, run, timed, wait_until, write_model
from proxy import Proxy
from report import BENCH, GIB, MIB, ROOT, ROUNDS, SCALE, WAGGLE, main, settle


# MARK: Nodes


def publish(node, folder, size):
    """A published file; (path, SHA-256)."""
    os.makedirs(f"{folder}/files", exist_ok=True)
    file = f"{folder}/files/model.safetensors"
    write_model(file, size)
    settle()
    reply = node.json(
        "publish", file, "--model", "@me/bench", "--version", "1.0", "--type", "LORA", "--base", "SDXL 1.0",
        "--real-person", "no", "--in-place", "--yes")
    return file, reply["files"][0]["sha256"]


def follow(node, peers, sha256):
    """Adds the peers, and returns when the node knows of the file."""
    for url in peers:
        node.json("peer", "add", url, "--yes")
    wait_until(lambda: node.knows(sha256), 60, "the release arrives")


@contextlib.contextmanager
def holders(folder, count, size, **proxy):
    """So many nodes that hold one file, each behind a proxy; (proxies, path of the file, its SHA-256)."""
    with contextlib.ExitStack() as stack:
        nodes, proxies = [], []
        for number in range(count):
            line = stack.enter_context(Proxy(**(proxy if number == 0 or "spoiled" not in proxy else {})))
            node = stack.enter_context(
                Waggle(WAGGLE, f"{folder}/holder{number}", arguments=["--public-url", line.url]))
            line.target = node.port
            nodes.append(node)
            proxies.append(line)
        file, sha256 = publish(nodes[0], folder, size)
        for node in nodes[1:]:
            node.json("peer", "add", nodes[0].url, "--yes")
            node.json("mirror", "add", "--all", "--budget", str(2 * size))
        for node in nodes[1:]:
            wait_until(lambda: is_whole(node, sha256), 300, "every holder has the file", every=0.2)
        settle()
        yield proxies, file, sha256


def is_whole(node, sha256):
    done = subprocess.run(["curl", "-sfI", f"{node.url}/blobs/{sha256}"], capture_output=True)
    return done.returncode == 0


def is_named(node, sha256):
    """Whether the node has read the file for its other names; until then it is at work on that."""
    url = f"{node.url}/api/v1/model-versions/by-hash/{sha256}"
    done = subprocess.run(["curl", "-sfk", url], capture_output=True)
    return done.returncode == 0 and all(file["hashes"].get("BLAKE3") for file in json.loads(done.stdout)["files"])


class AnonymousPeak(threading.Thread):
    """The most anonymous memory (RssAnon) of a process while the block runs, in MiB, looked at every 10 ms."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.peak, self.is_over = node, 0.0, threading.Event()

    def run(self):
        while not self.is_over.wait(0.01):
            self.peak = max(self.peak, self.node.memory("RssAnon"))

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.is_over.set()
        self.join()


# MARK: Ingest


def ingest(report, folder):
    """A 2 GiB file indexed where it lies; the bound reads it once for its SHA-256."""
    size = 2 * GIB // SCALE
    file = f"{folder}/file.safetensors"
    write_model(file, size)
    write_model(f"{folder}/first.safetensors", MIB)

    def disk(store):
        return int(run("du", "-sB1", store).split()[0])

    values, bounds, extra = [], [], []
    for number in range(ROUNDS):
        # A store that holds something already: what an empty one takes is not for this file.
        store = f"{folder}/store{number}"
        run(BENCH, "adopt", f"{folder}/first.safetensors", store)
        before = disk(store)
        settle()
        wall, _, output = timed("openssl", "dgst", "-sha256", "-r", file)
        bounds.append(wall)
        settle()
        wall, _, adopted = timed(BENCH, "adopt", file, store)
        values.append(wall)
        if adopted.strip() != output.split()[0]:
            raise Failure(f"the ingest says {adopted.strip()}, openssl {output}")
        extra.append((disk(store) - before) / size * 100)
    report.add("ingest in place", "s", values, bounds, ("ratio", "<=", 1.3))
    report.add("ingest in place, extra disk", "%", extra, goal=("value", "<=", 0.05))


# MARK: One source


def transfer(report, folder, name, holder, fetcher_settings, goals):
    """`waggle get` on an empty node until verified, durable and exported; the bound is the pipe over plain HTTP."""
    size = GIB // SCALE
    walls, cpus, peaks, bound_walls, peers = [], [], [], [], {}
    os.makedirs(folder, exist_ok=True)
    with Waggle(WAGGLE, f"{folder}/A") as plain:
        file, sha256 = publish(plain, folder, size)
        blob = f"{plain.url}/blobs/{sha256}"
        pipe = f"curl -sS --fail {blob} | tee {folder}/copy | openssl dgst -sha256 -r"
        with contextlib.ExitStack() as stack:
            node = holder(stack, plain)
            for one in {plain, node}:
                wait_until(lambda: is_named(one, sha256), 120, "the holder has nothing else to do", every=0.5)
            for number in range(ROUNDS):
                settle()
                wall, _, output = timed("bash", "-o", "pipefail", "-c", pipe)
                bound_walls.append(wall)
                if output.split()[0] != sha256:
                    raise Failure("the piped copy is another file")
                os.remove(f"{folder}/copy")
                home = f"{folder}/B{number}"
                with Waggle(WAGGLE, home, settings=fetcher_settings) as fetcher:
                    follow(fetcher, [node.url], sha256)
                    settle()
                    before = node.cpu_seconds() + fetcher.cpu_seconds()
                    with AnonymousPeak(fetcher) as memory:
                        wall, cpu, _ = timed(*fetcher.command("get", sha256, "-o", f"{home}.files/"))
                    walls.append(wall)
                    cpus.append((cpu + node.cpu_seconds() + fetcher.cpu_seconds() - before) * GIB / size)
                    peaks.append(memory.peak)
                run("cmp", file, f"{home}.files/{os.path.basename(file)}")
                shutil.rmtree(home)
                shutil.rmtree(f"{home}.files")
                if node is plain:
                    for peer, wall in others(folder, file, blob, sha256).items():
                        peers.setdefault(peer, []).append(wall)
    report.add(f"transfer, {name}", "s", walls, bound_walls, ("ratio", "<=", goals[0]))
    report.add(f"transfer, {name}, CPU of both nodes", "s/GiB", cpus, goal=("value", "<=", goals[1]))
    report.add(f"transfer, {name}, peak anonymous memory", "MiB", peaks, goal=("value", "<=", 96))
    for peer, seconds in peers.items():
        report.add(f"beside it: {peer}", "s", seconds, bound_walls)


def others(folder, file, blob, sha256):
    """Seconds of the programs that are installed for the same bytes."""
    seconds = {}

    def measure(name, *command):
        settle()
        seconds[name] = timed(*command)[0]
        os.remove(f"{folder}/other")

    if shutil.which("aria2c"):
        measure("aria2, 8 connections", "aria2c", "-q", "-x8", "-s8", "-k1M", "--file-allocation=none",
                f"--checksum=sha-256={sha256}", "-d", folder, "-o", "other", blob)
    python = with_libtorrent()
    if python:
        # The first question for a torrent makes its piece hashes, which are kept.
        run("curl", "-sSf", "-o", f"{folder}/torrent", f"{blob}.torrent")
        os.makedirs(f"{folder}/torrents", exist_ok=True)
        settle()
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "torrent.py")
        seconds["libtorrent, web seed"] = timed(python, script, f"{folder}/torrent", f"{folder}/torrents")[0]
        shutil.rmtree(f"{folder}/torrents")
    if shutil.which("rsync"):
        measure("rsync -W of the file, no hash", "rsync", "-W", file, f"{folder}/other")
    return seconds


def with_libtorrent():
    """A Python that has libtorrent: this one, or that of `make interop`; None where neither does."""
    for python in [sys.executable, f"{ROOT}/.build/interop-venv/bin/python"]:
        if os.access(python, os.X_OK):
            if subprocess.run([python, "-c", "import libtorrent"], capture_output=True).returncode == 0:
                return python
    return None


def plain(report, folder):
    transfer(report, folder, "plain", lambda stack, node: node, {}, (0.8, 3))


def tls(report, folder):
    """The same over the node's own TLS, from a second node that holds the file."""
    names = "subjectAltName=IP:127.0.0.1"
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=bench", "-addext", names, "-keyout", f"{folder}/key.pem", "-out", f"{folder}/certificate.pem")
    authorities = {"tls.authorities": f"{folder}/certificate.pem"}

    def holder(stack, plain):
        settings = {"tls.certificate": f"{folder}/certificate.pem", "tls.key": f"{folder}/key.pem"}
        node = stack.enter_context(Waggle(WAGGLE, f"{folder}/T", settings=settings))
        node.json("peer", "add", plain.url, "--yes")
        node.json("mirror", "add", "--all", "--budget", "8GiB")
        wait_until(lambda: node.json("status")["blobs"] == 1, 300, "the TLS node has the file", every=0.2)
        return node

    transfer(report, folder, "TLS", holder, authorities, (1.2, 5))


# MARK: Several sources


def limited(report, folder):
    """Three holders, each behind a line of the same rate; the bound is all three lines full."""
    rate, size = 40 * MIB, 768 * MIB // SCALE
    with holders(folder, 3, size, rate=rate) as (proxies, file, sha256):
        achieved = []
        for number in range(ROUNDS):
            home = f"{folder}/B{number}"
            with Waggle(WAGGLE, home) as fetcher:
                follow(fetcher, [proxy.url for proxy in proxies], sha256)
                wall, _, _ = timed(*fetcher.command("get", sha256, "-o", f"{home}.files/"))
                achieved.append(size / wall / MIB)
            run("cmp", file, f"{home}.files/{os.path.basename(file)}")
            shutil.rmtree(home)
    report.add("3 limited sources", "MiB/s", achieved, [3 * rate / MIB] * ROUNDS, ("ratio", ">=", 0.93))


def corrupt(report, folder):
    """Three holders, one behind a line that spoils a byte in every 8 MiB: bytes beyond the file's own."""
    size = 256 * MIB // SCALE
    with holders(folder, 3, size, spoiled=8 * MIB) as (proxies, file, sha256):
        units = []
        for number in range(ROUNDS):
            home = f"{folder}/B{number}"
            with Waggle(WAGGLE, home) as fetcher:
                follow(fetcher, [proxy.url for proxy in proxies], sha256)
                before = sum(proxy.bytes for proxy in proxies)
                run(*fetcher.command("get", sha256, "-o", f"{home}.files/"))
                units.append((sum(proxy.bytes for proxy in proxies) - before - size) / MIB)
            run("cmp", file, f"{home}.files/{os.path.basename(file)}")
            shutil.rmtree(home)
    report.add("one of 3 sources corrupt, extra bytes", "units", units, goal=("value", "<=", 2))


def killed(report, folder):
    """The receiver is killed at half, started again and asked again: bytes that came twice."""
    size = GIB // SCALE
    with holders(folder, 1, size, rate=400 * MIB) as ([proxy], file, sha256):
        again = []
        for number in range(ROUNDS):
            home = f"{folder}/B{number}"
            with Waggle(WAGGLE, home) as fetcher:
                follow(fetcher, [proxy.url], sha256)
                before = proxy.bytes
                get = fetcher.command("get", sha256, "-o", f"{home}.files/")
                first = subprocess.Popen(get, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                wait_until(lambda: proxy.bytes - before > size / 2, 60, "half is here", every=0.005)
                fetcher.process.send_signal(signal.SIGKILL)
                fetcher.process.wait()
                first.wait()
            with Waggle(WAGGLE, home) as fetcher:
                run(*fetcher.command("get", sha256, "-o", f"{home}.files/"))
                again.append((proxy.bytes - before - size) / size * 100)
            run("cmp", file, f"{home}.files/{os.path.basename(file)}")
            shutil.rmtree(home)
            shutil.rmtree(f"{home}.files")
    report.add("kill -9 at half, fetched again", "%", again, goal=("value", "<=", 1))


# MARK: Small blobs


@contextlib.contextmanager
def copiers(folder, files):
    """What else brings the files to `{folder}/copy`, of the programs that are installed; shell commands by name."""
    commands = {}
    with contextlib.ExitStack() as stack:
        if shutil.which("rsync"):
            # Two processes and a pipe between them, also on one machine.
            commands["rsync -a over a local pipe"] = f"rsync -a {files}/ {folder}/copy/"
        if shutil.which("curl") and (shutil.which("nginx") or os.path.exists("/usr/sbin/nginx")):
            # After its end: the next round makes it anew.
            stack.callback(shutil.rmtree, f"{folder}/nginx", ignore_errors=True)
            nginx = stack.enter_context(Nginx(f"{folder}/nginx", files))
            with open(f"{folder}/urls", "w") as urls:
                for name in sorted(os.listdir(files)):
                    urls.write(f'url = "{nginx.url}/{name}"\noutput = "{folder}/copy/{name}"\n')
            commands["curl from nginx, one connection"] = (
                f"mkdir {folder}/copy && curl -sS --fail --fail-early -K {folder}/urls")
        yield commands


def put_away(folder):
    """Makes room for the next copy without removing the last: ext4 without a journal passes over every inode that was freed
    in the last minutes, one by one, and a copy after a removal comes to a fifth of what it is elsewhere."""
    os.rename(f"{folder}/copy", tempfile.mkdtemp(prefix="copy-", dir=folder))


def small(report, folder):
    """10,000 files of 10 KiB into a store, and from there to another node; the bound is `cp -r` of the folder, on the
    disk as what the store has taken is. Beside it `cp -r` alone, whose files a power cut would take, and what a person
    would use instead of a node, on the disk too."""
    count = 10_000 // SCALE
    files = f"{folder}/files"
    os.makedirs(files)
    for number in range(count):
        with open(f"{files}/{number:05}", "wb") as file:
            # A zero first: one of many thousand random files reads as a pickle of before pickles had a mark, and the scan
            # puts it out of service.
            file.write(bytes(1) + os.urandom((10 << 10) - 1))
    bounds, loose, ingests, transfers, peers = [], [], [], [], {}
    for number in range(ROUNDS):
        for rates, after in [(loose, "true"), (bounds, f"sync -f {folder}/copy")]:
            settle()
            wall, _, _ = timed("sh", "-c", f"cp -r {files} {folder}/copy && {after}")
            rates.append(count / wall)
            put_away(folder)
        with copiers(folder, files) as commands:
            for name, command in commands.items():
                settle()
                wall, _, _ = timed("sh", "-c", f"{command} && sync -f {folder}/copy")
                peers.setdefault(name, []).append(count / wall)
                if len(os.listdir(f"{folder}/copy")) != count:
                    raise Failure(f"{name} did not bring {count} files")
                put_away(folder)
        settle()
        (home, other) = (f"{folder}/A{number}", f"{folder}/B{number}")
        run(WAGGLE, "init", "--home", home)
        line = json.loads(run(BENCH, "small", home, files))
        ingests.append(line["count"] / line["seconds"])
        with Waggle(WAGGLE, home) as node:
            with Waggle(WAGGLE, other) as fetcher:
                fetcher.json("peer", "add", node.url, "--yes")
                wait_until(lambda: fetcher.json("status")["images"] == count, 60, "the posts arrive", every=0.2)
                fetcher.wait_until_applied()
            run(WAGGLE, "mirror", "add", "--all", "--budget", "1GB", "--home", other)
            settle()
            wall, _, _ = timed(WAGGLE, "mirror", "run", "--home", other)
            transfers.append(count / wall)
            held = json.loads(run(WAGGLE, "status", "--json", "--home", other))["blobs"]
            if held != count:
                raise Failure(f"{held} of {count} small blobs arrived")
    report.add("10 KiB files, ingest", "files/s", ingests, bounds, ("ratio", ">=", 3))
    report.add("10 KiB files, transfer", "files/s", transfers, bounds, ("ratio", ">=", 3))
    report.add("10 KiB files, ingest, beside files not on the disk", "files/s", ingests, loose)
    report.add("10 KiB files, transfer, beside files not on the disk", "files/s", transfers, loose)
    for name, rates in peers.items():
        report.add(f"beside it: {name}", "files/s", rates, bounds)


if __name__ == "__main__":
    main([ingest, plain, tls, limited, corrupt, killed, small])
