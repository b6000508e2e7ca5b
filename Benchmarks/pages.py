#!/usr/bin/env python3
"""`make bench-pages`: what visitors wait for, and what pictures cost; see README.md.

usage: pages.py [pages|growth|pictures]...      (all without a name)
    BENCH_SIZE=small     a tenth of the releases and images
    BENCH_API_HOME=HOME  the filled home of `make bench-api`; what is missing is made and kept
    BENCH_BIN=FOLDER     where `waggle` and `waggle-bench` are (.build/release)
"""

import collections
import json
import os
import random
import struct
import subprocess
import sys
import time
import urllib.parse
import zlib

sys.dont_write_bytecode = True
import api
from processes import run
from report import BENCH, IS_SMALL, ROUNDS, main

# A megapixel each, two runs of the tools.
PICTURES = 16 if IS_SMALL else 32


FULL_SEARCH = "search that fills its page"


def addresses(waggle, count=300):
    """Pages of each kind, each address another page."""
    models = api.some_models(waggle, 1000)
    images, path = [], "/api/v1/images?limit=200"
    while path and len(images) < 1000:
        page = json.loads(api.get(waggle, path))
        images += page["items"]
        following = page["metadata"].get("nextPage")
        path = following and following[len(waggle.url):]
    held = collections.Counter(word for model in models for word in set(model["name"].split()) if len(word) > 3)
    words = sorted(held)
    # Each of them fills a page, of a tenth of the catalog too.
    frequent = [word for word, _ in held.most_common(10)]
    tags = sorted({tag for model in models for tag in model["tags"]})
    bases = sorted({version["baseModel"] for model in models for version in model["modelVersions"]})
    draw = random.Random(3)
    quote = urllib.parse.quote
    kinds = {
        "front page": lambda: draw.choice(["/", "/?show=here"]),
        "gallery": lambda: f"/images?sort={draw.choice(['newest', 'reactions'])}&base={quote(draw.choice(bases))}",
        "gallery of a model": lambda: f"/models/{draw.choice(models)['id']}/gallery",
        "model": lambda: f"/models/{draw.choice(models)['id']}",
        "image": lambda: f"/images/{draw.choice(images)['id']}",
        "list of models": lambda: f"/models?tag={quote(draw.choice(tags))}&base={quote(draw.choice(bases))}",
        "search": lambda: f"/search?q={quote(draw.choice(words))}",
        FULL_SEARCH: lambda: f"/search?q={quote(f'{draw.choice(frequent)} -{draw.choice(words)}')}",
    }
    return {name: [path() for _ in range(count)] for name, path in kinds.items()}


def pages(report, folder):
    """Pages as visitors ask for them: 50 at a time, each one page a second."""
    with api.node() as waggle:
        for name, paths in addresses(waggle).items():
            api.warm(waggle, folder, paths)
            times = [api.load(waggle, folder, paths, connections=50, rate=50, seconds=10) for _ in range(ROUNDS)]
            report.add(f"{name}, median", "ms", [said["p50"] for said in times])
            report.add(f"{name}, p95", "ms", [said["p95"] for said in times], goal=("value", "<=", 40))


def growth(report, folder):
    """The same pages of a node with a tenth of everything: how often as long the whole takes.

    Of searches only those that fill their page: any other word is found ten times as often in ten times the catalog,
    and a page of ten times as many cards says nothing of the search.
    """
    def medians():
        with api.node() as waggle:
            found = {}
            for name, paths in addresses(waggle).items():
                if name == "search":
                    continue
                api.warm(waggle, folder, paths)
                found[name] = [api.load(waggle, folder, paths, connections=4, rate=20, seconds=5)["p50"]
                               for _ in range(ROUNDS)]
            return found

    whole = medians()
    kept = api.RELEASES, api.IMAGES, api.HOME
    try:
        api.RELEASES, api.IMAGES = kept[0] // 10, kept[1] // 10
        api.HOME = f"{kept[2]}-tenth"
        tenth = medians()
    finally:
        api.RELEASES, api.IMAGES, api.HOME = kept
    for name, values in whole.items():
        report.add(f"{name}, ten times the catalog", "ms", values, tenth[name], ("ratio", "<=", 1.5))


def picture(path, seed, text):
    """A PNG of a megapixel with the texture of a painting, so that it packs as badly as one, and a recipe in it."""
    noise = random.Random(seed)
    side = 1024
    strokes = [bytes(noise.randrange(256) for _ in range(3 * 64)) for _ in range(64)]
    rows = []
    for y in range(side):
        block = b"".join(strokes[(x // 64 * 7 + y // 16 * 13) % 64] for x in range(0, side, 64))
        rows.append(b"\0" + block)
    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    with open(path, "wb") as file:
        file.write(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
                   + chunk(b"tEXt", b"parameters\0" + text.encode()) + chunk(b"IDAT", zlib.compress(b"".join(rows), 6))
                   + chunk(b"IEND", b""))


def recipe(seed):
    """What A1111 writes into a picture."""
    return (f"a harbour at dusk, number {seed}, many boats\nNegative prompt: blurry\nSteps: 24, Sampler: Euler a, "
            f"CFG scale: 6.5, Seed: {seed}, Size: 1024x1024, Model hash: 0123456789, Model: base")


def pictures(report, folder):
    """Small copies a second and core; the bound is one run of the bare tool that makes a single copy of each."""
    os.makedirs(f"{folder}/pictures")
    for seed in range(PICTURES):
        picture(f"{folder}/pictures/{seed:03}.png", seed, recipe(seed))
    files = sorted(f"{folder}/pictures/{name}" for name in os.listdir(f"{folder}/pictures"))
    values, bounds = [], []
    for turn in range(ROUNDS):
        # One core: the tools are told to use one thread, and the copies are made one batch after another.
        said = json.loads(run("taskset", "-c", "0", BENCH, "thumbnails", f"{folder}/pictures", f"{folder}/copies-{turn}"))
        values.append(said["perSecond"])
        began = time.monotonic()
        subprocess.run(["taskset", "-c", "0", "vipsthumbnail", *files, "--size", "320x640>", "-o",
                        f"{folder}/%s-{turn}.webp[Q=75,strip]"], check=True, env={**os.environ, "VIPS_CONCURRENCY": "1"})
        bounds.append(len(files) / (time.monotonic() - began))
    report.add("pictures of a megapixel, four copies each, one core", "a second", values)
    report.add("small copies of them, beside one each by the bare tool", "a second", [4 * value for value in values], bounds,
               ("value", ">=", 25))


if __name__ == "__main__":
    main([pages, growth, pictures])
