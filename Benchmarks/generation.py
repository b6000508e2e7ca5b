#!/usr/bin/env python3
"""`make bench-generation`: what a node adds to the engine that draws, and what a long queue costs; see README.md.

usage: generation.py [overhead|fresh|queue|recipes]...      (all without a name)
    BENCH_GENERATION_HOME=HOME  a home with the engine and the demo model; what is missing is installed from the Python package
                                index into .build/bench-generation-home and kept
    BENCH_SIZE=small            shorter jobs, one round
    BENCH_BIN=FOLDER            where `waggle` and `waggle-bench` are (.build/release)
"""

import glob
import http.client
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.parse

sys.dont_write_bytecode = True
import api
import pages
from processes import Failure, Waggle, run, wait_until
from report import BENCH, IS_SMALL, ROOT, ROUNDS, WAGGLE, main

HOME = os.environ.get("BENCH_GENERATION_HOME", f"{ROOT}/.build/bench-generation-home")
SETTINGS = {"rates.requests": "1000000", "dump": "off", "generation.threads": "1", "generation.guests": "1000"}
MODEL = f"{ROOT}/Examples/demo-model"
# A job of about ten seconds on one core; the picture is noise, as the demo model needs one step.
STEPS = 4 if IS_SMALL else 20
TURNS = 1 if IS_SMALL else ROUNDS
# Pictures by an engine that has its model, of each side and round.
WARM = 5
# Sides of pictures: the smallest, whose times the engine's figures are of, and what the demo model is made for.
SMALL, USUAL = 64, 128
# As many as wait in all, from as many addresses as it takes.
JOBS, ADDRESSES = 200, 10

# The engine alone: one process that loads the model and draws, then draws again.
BARE = """
import json, os, sys, time
out = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # the engine draws bars
import cyllama.sd as sd
model, steps, pictures, side = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[5])
sd.set_log_callback(lambda level, text: None)
params = sd.SDContextParams(model_path=model)
params.n_threads = 1
params.lora_apply_mode = sd.LoraApplyMode.AT_RUNTIME
params.free_params_immediately = False
params.enable_mmap = True
params.vae_decode_only = True
context = sd.SDContext(params)
for number in range(pictures):
    began = time.perf_counter()
    asked = sd.SDImageGenParams(prompt="a bee in a meadow", width=side, height=side, seed=101 + number)
    asked.batch_count = 1
    asked.sample_params.sample_steps = steps
    asked.sample_params.cfg_scale = 1.0
    context.generate_with_params(asked)[0].save_png(sys.argv[4])
    out.write(json.dumps(time.perf_counter() - began) + "\\n")
"""


def ready():
    """The home with what is needed: a minute the first time. What an earlier run did not come to the end of is done again."""
    if not os.path.exists(f"{HOME}/ready"):
        if not os.path.exists(f"{HOME}/keys"):
            run(WAGGLE, "init", "--home", HOME)
        if not os.path.exists(f"{HOME}/engine/engine.json"):
            run(WAGGLE, "gen", "setup", "--home", HOME)
        run(WAGGLE, "gen", "demo", "--folder", MODEL, "--home", HOME)
        # Files are looked through once.
        run(WAGGLE, "gen", "run", "--model", "demo-sdxs", "--prompt", "a bee", "--home", HOME)
        open(f"{HOME}/ready", "w").close()


def new_home(home):
    """A home of its own with the engine that is installed, and nothing else."""
    run(WAGGLE, "init", "--home", home)
    os.makedirs(f"{home}/engine", exist_ok=True)
    shutil.copy(f"{HOME}/engine/engine.json", f"{home}/engine")
    return home


def new_token(home):
    return json.loads(run(WAGGLE, "token", "new", "--scope", "generate,read", "--json", "--home", home))["token"]


def bare(folder, steps, pictures, side=128):
    """The engine by itself; seconds of the whole process, and of each picture."""
    with open(f"{HOME}/engine/engine.json") as file:
        engine = json.load(file)
    if engine.get("isBuilt"):
        raise Failure(f"the engine of {HOME} was compiled and loads its model for every job: `waggle gen setup --home {HOME}` "
                      "installs the one that these figures are about")
    model = f"{HOME}/engine/demo/demo-sdxs.safetensors"
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": engine["site"], "OMP_NUM_THREADS": "1"}
    began = time.perf_counter()
    done = subprocess.run([engine["python"], "-s", "-B", "-c", BARE, model, str(steps), str(pictures), f"{folder}/bare.png",
                           str(side)],
                          env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise Failure(f"the engine alone: {done.stderr[-2000:]}")
    return time.perf_counter() - began, [json.loads(line) for line in done.stdout.splitlines()]


def forget_model():
    """The system's memory has nothing of the file either."""
    with open(f"{HOME}/engine/demo/demo-sdxs.safetensors", "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def ask(server, method, path, body=None, token=None, source=None, form=False):
    """One request; status, headers, body."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120,
                                            source_address=(source, 0) if source else None)
    headers = {"Origin": server.url}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    if body is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded" if form else "application/json"
    try:
        connection.request(method, path, body, headers)
        reply = connection.getresponse()
        return reply.status, dict(reply.getheaders()), reply.read()
    finally:
        connection.close()


def drawn(server, token, steps, seed, side=128):
    """Orders a picture; seconds until its last event."""
    order = {"model": "demo-sdxs", "prompt": "a bee in a meadow", "steps": steps, "cfg_scale": 1, "seed": seed,
             "width": side, "height": side}
    began = time.perf_counter()
    status, _, reply = ask(server, "POST", "/api/w1/generate", json.dumps(order), token)
    if status != 202:
        raise Failure(f"an order: {status} {reply[:500]}")
    name = json.loads(reply)["id"]
    # The stream of events ends when the job is over.
    _, _, events = ask(server, "GET", f"/api/w1/generate/jobs/{name}/events", token=token)
    seconds = time.perf_counter() - began
    last = json.loads([line for line in events.decode().splitlines() if line.startswith("data: ")][-1][6:])
    if last["state"] != "done":
        raise Failure(f"a job ended as {last['state']}: {last.get('error')}")
    return seconds


def overhead(report, folder):
    """Jobs through the node beside the same of the engine alone, each begun with nothing loaded."""
    ready()
    token = new_token(HOME)
    long, alone, parts = [], [], []
    # By the side of the picture, the node's and the engine's own.
    cold, warm, bare_cold, bare_warm = ({SMALL: [], USUAL: []} for _ in range(4))
    for turn in range(TURNS):
        # Neither side reads the file from the disk.
        bare(folder, 1, 1)
        whole, _ = bare(folder, STEPS, 1)
        alone.append(whole)
        with Waggle(WAGGLE, HOME, settings=SETTINGS) as server:
            long.append(drawn(server, token, STEPS, 101 + turn))
        for side in (SMALL, USUAL):
            forget_model()
            whole, alone_times = bare(folder, 1, 1 + WARM, side)
            bare_cold[side].append(whole - sum(alone_times[1:]))
            bare_warm[side].append(alone_times[1])
            forget_model()
            with Waggle(WAGGLE, HOME, settings=SETTINGS) as server:
                cold[side].append(drawn(server, token, 1, 101, side))
                times = [drawn(server, token, 1, 102 + number, side) for number in range(WARM)]
            warm[side].append(times[0])
        parts.append((statistics.median(times) - statistics.median(alone_times[1:])) * 1000)
    report.add("a job of ten seconds, cold", "s", long, alone, ("ratio", "<=", 1.05))
    report.add("the node's part of a warm job", "ms", parts, goal=("value", "<=", 150))
    report.add("the first picture, nothing loaded, one thread", "s", cold[USUAL], goal=("value", "<=", 5))
    # A warm engine saves its start and the model's way into memory, which do not grow with the picture.
    report.add("the second picture, warm, 64x64", "s", warm[SMALL], cold[SMALL], ("ratio", "<=", 0.6))
    report.add("beside it: of the engine alone", "s", bare_warm[SMALL], bare_cold[SMALL])
    report.add("beside it: 128x128", "s", warm[USUAL], cold[USUAL])
    report.add("beside it: 128x128 of the engine alone", "s", bare_warm[USUAL], bare_cold[USUAL])


def fresh(report, folder):
    """A node that has the engine and nothing else: the demo model is published, and the first order is drawn."""
    ready()
    times = []
    for turn in range(TURNS):
        home = new_home(f"{folder}/fresh-{turn}")
        token = new_token(home)
        cores = os.sched_getaffinity(0)
        # What is started from here on has this one core.
        os.sched_setaffinity(0, {min(cores)})
        try:
            with Waggle(WAGGLE, home, settings=SETTINGS) as server:
                began = time.perf_counter()
                run(WAGGLE, "gen", "demo", "--folder", MODEL, "--home", home)
                drawn(server, token, 1, 101)
                times.append(time.perf_counter() - began)
        finally:
            os.sched_setaffinity(0, cores)
    report.add("from the engine installed to the first picture, one core", "s", times, goal=("value", "<=", 5))


def fill(server, model):
    """Has 200 jobs wait; the addresses of their pages."""
    paths = []
    for number in range(JOBS):
        fields = {"model": model, "prompt": f"a bee in a meadow, {number}", "seed": str(number), "do": "draw"}
        status, headers, reply = ask(server, "POST", "/generate", urllib.parse.urlencode(fields),
                                     source=address(number), form=True)
        if status != 303:
            raise Failure(f"job {number}: {status} {reply[-500:]}")
        paths.append({name.lower(): value for name, value in headers.items()}["location"])
    if (waiting := count_open(server)) != JOBS:
        raise Failure(f"{waiting} jobs wait instead of {JOBS}")
    return paths


def empty(server, paths):
    """Takes them back."""
    for number, path in enumerate(paths):
        ask(server, "POST", f"{path}/cancel", "", source=address(number), form=True)
    wait_until(lambda: count_open(server) == 0, 60, "an empty queue", every=1)


def address(number):
    return f"127.0.0.{2 + number % ADDRESSES}"


def count_open(server):
    return server.json("gen", "doctor")["open"]


def queue(report, folder):
    """Pages while 200 jobs wait, and what the node's memory does."""
    ready()
    home = new_home(f"{folder}/queue")
    with Waggle(WAGGLE, home, settings=SETTINGS) as server:
        run(WAGGLE, "gen", "demo", "--folder", MODEL, "--home", home)
        model = server.json("gen", "models")[0]["sha256"]
        run(WAGGLE, "gen", "pause", "--home", home)
        # What any node keeps ready is there before memory is looked at.
        api.warm(server, folder, ["/generate"])
        before = server.memory("VmRSS")
        paths = fill(server, model)
        api.warm(server, folder, paths)
        full = server.memory("VmRSS")
        for name, asked in [("a job's page, 200 wait", paths), ("the form, 200 wait", ["/generate"])]:
            times = [api.load(server, folder, asked, connections=20, rate=20, seconds=5) for _ in range(TURNS)]
            report.add(f"{name}, median", "ms", [said["p50"] for said in times])
            report.add(f"{name}, p95", "ms", [said["p95"] for said in times], goal=("value", "<=", 50))
        report.add("memory with 200 jobs", "MiB", [full], [before])
        report.add("memory after the load", "MiB", [server.memory("VmRSS")], [full], ("ratio", "<=", 1.1))
        empty(server, paths)
        paths = fill(server, model)
        api.warm(server, folder, paths)
        report.add("memory with the next 200 jobs", "MiB", [server.memory("VmRSS")], [full], ("ratio", "<=", 1.1))
        empty(server, paths)


def recipes(report, folder):
    """What pictures say of how they were made: those of this node in each format, and large ones of A1111's kind."""
    ready()
    os.makedirs(f"{folder}/pictures")
    for ending in ("png", "jpg", "webp"):
        run(WAGGLE, "gen", "run", "--model", "demo-sdxs", "--prompt", "a bee in a meadow", "--seed", "101", "--out",
            f"{folder}/pictures/drawn.{ending}", "--home", HOME)
    for seed in range(3):
        pages.picture(f"{folder}/pictures/{seed}.png", seed, pages.recipe(seed))
    said = [json.loads(run(BENCH, "recipes", f"{folder}/pictures")) for _ in range(ROUNDS)]
    if any(one["recipes"] != one["read"] for one in said):
        raise Failure("a picture's recipe was not found")
    report.add("recipes read from pictures", "a second", [one["perSecond"] for one in said], goal=("value", ">=", 500))


if __name__ == "__main__":
    if not glob.glob("/usr/bin/bwrap"):
        sys.exit("bubblewrap is missing; `make bench-generation` installs it")
    main([overhead, fresh, queue, recipes])
