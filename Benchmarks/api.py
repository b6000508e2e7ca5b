#!/usr/bin/env python3
"""`make bench-api`: what programs ask over HTTP, of a node with 100,000 releases and 1,000,000 images; see README.md.

usage: api.py [hashes|lists|small]...      (all without a name)
    BENCH_SIZE=small     a tenth of the releases and images
    BENCH_API_HOME=HOME  a home that was filled before; what is missing is made in .build/bench-api-home and kept
    BENCH_BIN=FOLDER     where `waggle` and `waggle-bench` are (.build/release)
"""

import json
import os
import random
import statistics
import sys
import urllib.parse
import urllib.request

sys.dont_write_bytecode = True
from processes import Failure, Nginx, Server, Waggle, free_port, run
from report import BENCH, IS_SMALL, ROOT, ROUNDS, WAGGLE, main

RELEASES, IMAGES = (10_000, 100_000) if IS_SMALL else (100_000, 1_000_000)
HOME = os.environ.get("BENCH_API_HOME", f"{ROOT}/.build/bench-api-home-{RELEASES}")
# An address may ask as often as the load generator does.
SETTINGS = {"rates.requests": "1000000", "dump": "off"}


def node():
    """A served node with that many releases: minutes the first time, seconds later."""
    if not os.path.exists(f"{HOME}/filled"):
        run(WAGGLE, "init", "--home", HOME)
        run(BENCH, "home", HOME, "--releases", str(RELEASES), "--images", str(IMAGES))
        with Waggle(WAGGLE, HOME, settings=SETTINGS) as first:
            first.wait_until_applied(3600)
        open(f"{HOME}/filled", "w").close()
    return Waggle(WAGGLE, HOME, settings=SETTINGS)


def get(server, path):
    with urllib.request.urlopen(server.url + path, timeout=60) as reply:
        return reply.read()


def load(server, folder, paths, **options):
    """Puts a load on a server; what `waggle-bench http-load` says of it."""
    with open(f"{folder}/paths", "w") as file:
        file.writelines(path + "\n" for path in paths)
    arguments = [part for name, value in options.items() for part in (f"--{name}", str(value))]
    said = json.loads(run(BENCH, "http-load", str(server.port), f"{folder}/paths", *arguments))
    if said["errors"]:
        raise Failure(f"{said['errors']} of {said['requests']} answers were no 200")
    return said


def warm(server, folder, paths):
    """Reads the pages of the databases that are asked for once."""
    load(server, folder, paths, seconds=2)


def some_models(server, count):
    """Models of several orders, as the Civitai API lists them."""
    models = {}
    for sort in ("Newest", "Oldest", "Most Downloaded", "Highest Rated", "Most Discussed"):
        path = f"/api/v1/models?limit=100&sort={urllib.parse.quote(sort)}"
        while path and len(models) < count:
            page = json.loads(get(server, path))
            models.update((model["id"], model) for model in page["items"])
            following = page["metadata"].get("nextPage")
            path = following and following[len(server.url):]
            if len(models) % 500 == 0 and sort != "Most Discussed":
                break
    return list(models.values())


def prebuilt(folder, body):
    """The server library with these bytes, and nothing else in the way."""
    with open(f"{folder}/body.json", "wb") as file:
        file.write(body)
    port = free_port()
    return Server([BENCH, "http-bytes", f"{folder}/body.json", str(port)], port, "/", f"{folder}/bytes.log")


def hashes(report, folder):
    """Look-ups by hash; the bound is the server library that gives the bytes of one such answer without looking."""
    with node() as waggle:
        files = [file for model in some_models(waggle, 2000) for version in model["modelVersions"]
                 for file in version["files"]]
        paths = [f"/api/v1/model-versions/by-hash/{file['hashes']['SHA256']}" for file in files]
        random.Random(1).shuffle(paths)
        sizes = sorted((len(get(waggle, path)), path) for path in paths[:100])
        body = get(waggle, sizes[len(sizes) // 2][1])
        with prebuilt(folder, body) as bound:
            for server in (bound, waggle):
                warm(server, folder, paths)
            pairs = [[load(server, folder, paths, seconds=5)["perSecond"] for server in (waggle, bound)]
                     for _ in range(ROUNDS)]
        values, bounds = zip(*pairs)
        report.add("by-hash", "requests/s", values, bounds, ("ratio", ">=", 0.5))
        half = statistics.median(values) / 2
        times = [load(waggle, folder, paths, seconds=5, rate=half) for _ in range(ROUNDS)]
        report.add("by-hash at half load, median", "ms", [said["p50"] for said in times])
        report.add("by-hash at half load, p99", "ms", [said["p99"] for said in times], goal=("value", "<=", 5))


def lists(report, folder):
    """Lists and searches as programs ask them: 50 connections, each one request a second."""
    with node() as waggle:
        models = some_models(waggle, 1000)
        words = sorted({word for model in models for word in model["name"].split() if len(word) > 3})
        tags = sorted({tag for model in models for tag in model["tags"]})
        bases = sorted({version["baseModel"] for model in models for version in model["modelVersions"]})
        draw = random.Random(2)
        quote = urllib.parse.quote
        asked = {
            "model list, Civitai": lambda: f"/api/v1/models?limit=20&types=LORA&sort="
                                           f"{quote(draw.choice(['Newest', 'Most Downloaded', 'Highest Rated']))}",
            "model list by tag and base, Civitai": lambda: f"/api/v1/models?limit=20&tag={quote(draw.choice(tags))}"
                                                           f"&baseModels={quote(draw.choice(bases))}",
            "search, Civitai": lambda: f"/api/v1/models?limit=20&query={quote(draw.choice(words))}",
            "model list, native": lambda: f"/api/w1/models?sort={draw.choice(['newest', 'trending', 'updated'])}",
            "search, native": lambda: f"/api/w1/search?q={quote(draw.choice(words))}",
        }
        for name, path in asked.items():
            paths = [path() for _ in range(500)]
            warm(waggle, folder, paths)
            times = [load(waggle, folder, paths, connections=50, rate=50, seconds=10) for _ in range(ROUNDS)]
            report.add(f"{name}, median", "ms", [said["p50"] for said in times])
            report.add(f"{name}, p95", "ms", [said["p95"] for said in times], goal=("value", "<=", 40))


def small(report, folder):
    """A small JSON answer; the bound is nginx that serves the same bytes from a file."""
    with node() as waggle:
        os.makedirs(f"{folder}/www")
        for path in ("/healthz", "/nodeinfo/2.1"):
            name = path.replace("/", "-")
            with open(f"{folder}/www/{name}", "wb") as file:
                file.write(get(waggle, path))
            with Nginx(f"{folder}/nginx{name}", f"{folder}/www") as nginx:
                pairs = []
                for _ in range(ROUNDS):
                    pairs.append([
                        load(server, folder, [asked], seconds=5)["perSecond"]
                        for server, asked in ((waggle, path), (nginx, f"/{name}"))])
            values, bounds = zip(*pairs)
            goal = ("ratio", ">=", 0.5) if path == "/healthz" else None
            report.add(f"GET {path}", "requests/s", values, bounds, goal)


if __name__ == "__main__":
    main([hashes, lists, small])
