"""What our scanners say of good and bad weights, beside what picklescan and fickling say; and our PDQ beside pdqhash."""

import json
import logging
import os
import subprocess
from pathlib import Path

import numpy
import pdqhash
import pytest
from fickling import is_likely_safe
from PIL import Image, ImageDraw
from picklescan.scanner import scan_file_path

import pickle_samples

WAGGLE = os.environ["WAGGLE_BINARY"]

GOOD, BAD = pickle_samples.good(), pickle_samples.bad()

# Where one of the others says something else than we do, and why. A good file that picklescan does not like and that is not
# explained here fails the check.
PICKLESCAN_ON_GOOD = {
    "torch": "it reads the bytes of storages as pickles, and these were made to look like some",
    ".npy": "it takes a file of numpy for one by its name alone, and fails",
}
PICKLESCAN_ON_BAD = "it lets names pass that it knows as good wherever they lead, and has no eye for ids, extension codes and containers"
FICKLING_ON_GOOD = "what is imported or built without being used is unsafe to it, it knows not all opcodes, and no containers"
FICKLING_ON_BAD = "it reads the first pickle of a file alone"

logging.getLogger("picklescan").setLevel(logging.CRITICAL + 1)


def scan(path: Path) -> dict:
    """Our verdict, with the exit code that belongs to it."""
    done = subprocess.run([WAGGLE, "mod", "scan", path, "--json"], capture_output=True, text=True, timeout=60)
    report = json.loads(done.stdout)
    assert done.returncode == (0 if report["verdict"] == "safe" else 1), done.stderr
    return report


def picklescan(path: Path) -> str:
    try:
        result = scan_file_path(str(path))
    except Exception as error:
        return f"error ({type(error).__name__})"
    if result.infected_files or result.issues_count:
        return "danger"
    return "error" if result.scan_err else "safe"


def fickling(path: Path) -> str:
    try:
        return "safe" if is_likely_safe(str(path)) else "danger"
    except Exception as error:
        return f"error ({type(error).__name__})"


def written(folder: Path, files: dict[str, bytes]) -> dict[str, Path]:
    paths = {}
    for number, (name, content) in enumerate(files.items()):
        paths[name] = folder / f"{number:03}.bin"
        paths[name].write_bytes(content)
    return paths


def test_no_bad_file_is_safe_and_every_good_one_is(tmp_path: Path) -> None:
    assert len(GOOD) + len(BAD) >= 60
    rows = []
    for kind, files in (("good", GOOD), ("bad", BAD)):
        folder = tmp_path / kind
        folder.mkdir()
        for name, path in written(folder, files).items():
            report = scan(path)
            # They would read a bomb for minutes.
            others = ("not asked",) * 2 if "bomb" in name or "terabyte" in name else (picklescan(path), fickling(path))
            rows.append((kind, name, report["verdict"], *others))
            if kind == "bad":
                assert report["verdict"] != "safe", name
                assert report["findings"], name
            else:
                assert report["verdict"] == "safe", (name, report["findings"])
    assert not Path("/tmp/waggle-interop-was-run").exists()

    def differing(kind: str, place: int) -> list[tuple]:
        return [row for row in rows if row[0] == kind and (row[place] == "safe") != (row[2] == "safe")]

    print(f"\n{len(GOOD)} good and {len(BAD)} bad files; waggle is right on all of them")
    for title, place, on_good, on_bad in (("picklescan", 3, PICKLESCAN_ON_GOOD, PICKLESCAN_ON_BAD),
                                          ("fickling", 4, FICKLING_ON_GOOD, FICKLING_ON_BAD)):
        flagged, missed = differing("good", place), differing("bad", place)
        print(f"{title}: {len(flagged)} good files are not safe to it, {len(missed)} bad ones are\n  good: {on_good}\n"
              f"  bad: {on_bad}")
        for _, name, ours, *others in flagged + missed:
            print(f"  {ours:10} {others[place - 3]:24} {name}")
    # Nobody else calls something bad that we call safe without our knowing why.
    for _, name, *_ in differing("good", 3):
        assert any(known in name for known in PICKLESCAN_ON_GOOD), name


def test_a_file_that_is_read_by_its_bytes_alone(tmp_path: Path) -> None:
    evil = tmp_path / "harmless.txt"
    evil.write_bytes(BAD["protocol 0, REDUCE"])
    assert scan(evil)["verdict"] == "danger"
    told = subprocess.run([WAGGLE, "mod", "scan", evil], capture_output=True, text=True)
    assert told.returncode == 1 and told.stdout.startswith("danger\tpickle")
    assert subprocess.run([WAGGLE, "mod", "scan", tmp_path / "none"], capture_output=True).returncode == 3


def pictures(folder: Path) -> list[Path]:
    """Soft colours with hard shapes on them, in many sizes and the common formats."""
    random = numpy.random.default_rng(10)
    paths = []
    for number in range(24):
        width, height = int(random.integers(60, 1400)), int(random.integers(60, 1100))
        grid = random.integers(0, 256, (int(random.integers(3, 20)), int(random.integers(3, 20)), 3)).astype("uint8")
        picture = Image.fromarray(grid).resize((width, height), Image.Resampling.BICUBIC)
        draw = ImageDraw.Draw(picture)
        for _ in range(8):
            x, y, size = int(random.integers(0, width)), int(random.integers(0, height)), int(random.integers(5, 80))
            colour = tuple(int(value) for value in random.integers(0, 256, 3))
            draw.ellipse((x - size, y - size, x + size, y + size), fill=colour)
        path = folder / f"{number}.{('png', 'jpg', 'webp')[number % 3]}"
        picture.save(path, **({"lossless": True} if path.suffix == ".webp" else {}))
        paths.append(path)
    return paths


@pytest.mark.skipif(not Path("/usr/bin/vipsthumbnail").exists(), reason="libvips-tools is not installed")
def test_pdq_is_that_of_the_reference(tmp_path: Path) -> None:
    worst = 0
    for path in pictures(tmp_path):
        report = scan(path)
        assert report["verdict"] == "safe", report
        bits, quality = pdqhash.compute(numpy.array(Image.open(path).convert("RGB")))
        ours = [int(digit) for digit in f"{int(report['pdq'], 16):0256b}"]
        distance = sum(int(a != b) for a, b in zip(ours, bits, strict=True))
        worst = max(worst, distance)
        assert distance <= 2, (path.name, distance)
        assert abs(report["quality"] - quality) <= 2
    print(f"\nPDQ: at most {worst} of 256 bits differ from pdqhash's")


def test_a_picture_that_is_none(tmp_path: Path) -> None:
    path = tmp_path / "broken.png"
    whole = pictures(tmp_path)[0].read_bytes()
    path.write_bytes(whole[:60] + b"\x00" * 200)
    assert scan(path)["verdict"] == "malformed"
