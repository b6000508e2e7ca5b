"""Plain download programs: curl and aria2."""

import hashlib
import json
import subprocess
from pathlib import Path

import pytest

from conftest import World
from node import wait_until
from samples import sha256


@pytest.fixture(scope="module")
def link(world: World) -> str:
    """The download address of the checkpoint, whose file name is not ASCII."""
    return version(world, world.checkpoint)["downloadUrl"]


def version(world: World, file: Path) -> dict:
    """What the API says of the release that a file belongs to."""
    found = world.maker.api(f"model-versions/by-hash/{sha256(file)}")
    assert found["files"][0]["hashes"]["SHA256"] == sha256(file).upper()
    return found


def run(*arguments: str | Path, cwd: Path, ends_with: int = 0) -> str:
    done = subprocess.run(arguments, cwd=cwd, capture_output=True, text=True, timeout=60)
    assert done.returncode == ends_with, f"{arguments[0]} exited {done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


def headers(text: str) -> list[dict[str, str]]:
    """The header blocks that `curl -D -` prints, in order, with the status line as ''."""
    blocks = [block.splitlines() for block in text.strip().split("\n\n")]
    return [{"": lines[0].strip()} | {name.lower(): value.strip() for name, _, value in
                                      (line.partition(":") for line in lines[1:])} for lines in blocks]


def test_curl_follows_the_redirect_and_gets_the_published_bytes(world: World, link, tmp_path):
    said = headers(run("curl", "-sSL", "-D", "-", "-o", "whole", link, cwd=tmp_path))
    assert sha256(tmp_path / "whole") == sha256(world.checkpoint)
    redirect, file = said
    assert redirect[""].split()[1] == "302" and redirect["cache-control"] == "no-store"
    assert redirect["location"].startswith(f"{world.maker.url}/blobs/{sha256(world.checkpoint)}/")
    assert file["etag"] == f'"{sha256(world.checkpoint)}"'
    assert file["accept-ranges"] == "bytes"
    assert int(file["content-length"]) == world.checkpoint.stat().st_size
    assert file["x-content-type-options"] == "nosniff" and "immutable" in file["cache-control"]


def test_redirect_and_file_both_say_the_name_in_both_forms(link, tmp_path):
    for said in headers(run("curl", "-sSIL", link, cwd=tmp_path)):
        kind, extended, plain = said["content-disposition"].split("; ")
        assert kind == "attachment"
        assert extended == ("filename*=UTF-8''M%C3%B6we%20%C3%BCber%20dem%20Hafen%20%28%E6%97%A5%E6%9C%AC%29"
                            ".safetensors")
        assert plain.startswith('filename="M') and plain.endswith('.safetensors"') and plain.isascii()


def test_curl_names_the_file_by_the_plain_name(world: World, link, tmp_path):
    run("curl", "-sSL", "-OJ", link, cwd=tmp_path)
    (saved,) = tmp_path.iterdir()
    assert saved.name.isascii() and saved.suffix == ".safetensors"
    assert sha256(saved) == sha256(world.checkpoint)


def test_curl_goes_on_where_it_stopped(world: World, link, tmp_path):
    part = tmp_path / "part"
    part.write_bytes(world.checkpoint.read_bytes()[:7_000_001])
    said = headers(run("curl", "-sSL", "-C", "-", "-D", "-", "-o", part, link, cwd=tmp_path))[-1]
    size = world.checkpoint.stat().st_size
    assert said[""].split()[1] == "206"
    assert said["content-range"] == f"bytes 7000001-{size - 1}/{size}"
    assert sha256(part) == sha256(world.checkpoint)


@pytest.mark.parametrize("asked, first, last", [
    ("0-0", 0, 0), ("1048575-1048576", 1048575, 1048576), ("-1", -1, -1), ("25165959-99999999999999999999", -1, -1)])
def test_ranges_give_just_those_bytes(world: World, link, tmp_path, asked, first, last):
    size = world.checkpoint.stat().st_size
    run("curl", "-sSL", "-r", asked, "-o", "range", link, cwd=tmp_path)
    assert (tmp_path / "range").read_bytes() == world.checkpoint.read_bytes()[first % size:last % size + 1]


def test_a_range_beyond_the_end_is_416_with_the_size(world: World, link, tmp_path):
    said = headers(run("curl", "-sSL", "-r", "99999999999-", "-D", "-", "-o", "none", link, cwd=tmp_path))[-1]
    assert said[""].split()[1] == "416"
    assert said["content-range"] == f"bytes */{world.checkpoint.stat().st_size}"


def test_curl_fetches_nothing_twice_when_it_has_the_tag(world: World, link, tmp_path):
    run("curl", "-sSL", "--etag-save", "tag", "-o", "first", link, cwd=tmp_path)
    again = run("curl", "-sSL", "--etag-compare", "tag", "-o", "again", "-w", "%{http_code} %{size_download}", link,
                cwd=tmp_path)
    assert again == "304 0"


def test_the_digest_field_is_that_of_the_bytes(world: World, link, tmp_path):
    import base64

    said = headers(run("curl", "-sSIL", link, cwd=tmp_path))[-1]
    digest = base64.b64encode(hashlib.sha256(world.checkpoint.read_bytes()).digest()).decode()
    assert said["repr-digest"] == f"sha-256=:{digest}:"


def test_every_file_of_a_version_has_its_own_link(world: World, tmp_path):
    for file in version(world, world.lora_second)["files"]:
        run("curl", "-sSL", "-o", "file", file["downloadUrl"], cwd=tmp_path)
        assert sha256(tmp_path / "file").upper() == file["hashes"]["SHA256"]
        assert sha256(tmp_path / "file") == sha256(world.path(file["name"]))
        assert file["sizeKB"] * 1024 == (tmp_path / "file").stat().st_size


def test_every_file_gets_all_six_names(world: World):
    import blake3

    for node in (world.maker, world.mirror):
        for path in (world.lora, world.checkpoint):
            def named() -> dict:
                found = node.api(f"model-versions/by-hash/{sha256(path)}")["files"]
                hashes = next(file["hashes"] for file in found if file["hashes"]["SHA256"] == sha256(path).upper())
                return hashes if hashes["BLAKE3"] else {}

            hashes = wait_until(f"all names of {path.name}", named)
            assert hashes["BLAKE3"] == blake3.blake3(path.read_bytes()).hexdigest().upper()
            # AutoV1 looks at bytes after the first MiB, so a smaller file has none.
            early = 8 if path.stat().st_size > 1 << 20 else 0
            assert {name: len(text) for name, text in hashes.items()} == {
                "SHA256": 64, "AutoV1": early, "AutoV2": 10, "AutoV3": 12, "CRC32": 8, "BLAKE3": 64}


def test_curl_fetches_several_ranges_at_once(world: World, link, tmp_path):
    said = headers(run("curl", "-sSL", "-r", "0-9,7000000-7000004", "-D", "-", "-o", "parts", link, cwd=tmp_path))[-1]
    assert said[""].split()[1] == "206"
    kind, boundary = said["content-type"].split("; boundary=")
    assert kind == "multipart/byteranges"
    whole = world.checkpoint.read_bytes()
    parts = (tmp_path / "parts").read_bytes().split(f"\r\n--{boundary}".encode())
    assert [part.partition(b"\r\n\r\n")[2] for part in parts[1:-1]] == [whole[:10], whole[7000000:7000005]]
    assert parts[-1] == b"--\r\n"


def test_aria2_fetches_in_parts_and_checks_the_hash(world: World, link, tmp_path):
    digest = sha256(world.checkpoint)
    run("aria2c", "--quiet", "--split=8", "--max-connection-per-server=8", "--min-split-size=1M",
        f"--checksum=sha-256={digest}", link, cwd=tmp_path)
    (saved,) = tmp_path.iterdir()
    assert saved.name == world.checkpoint.name
    assert sha256(saved) == digest


def test_aria2_refuses_other_bytes(world: World, link, tmp_path):
    run("aria2c", "--quiet", f"--checksum=sha-256={'0' * 64}", link, cwd=tmp_path, ends_with=32)


def test_aria2_goes_on_where_it_stopped(world: World, link, tmp_path):
    (tmp_path / "part").write_bytes(world.checkpoint.read_bytes()[:9_000_000])
    run("aria2c", "--quiet", "--continue=true", "--out=part", f"--checksum=sha-256={sha256(world.checkpoint)}", link,
        cwd=tmp_path)
    assert sha256(tmp_path / "part") == sha256(world.checkpoint)


def test_what_visitors_may_not_see_has_no_address(world: World, tmp_path):
    digest = sha256(world.hidden)
    assert json.loads(world.maker.run("show", digest, "--json").stdout)["level"] == "XXX"
    for path in (f"/blobs/{digest}", f"/blobs/{digest}/x.safetensors", f"/api/v1/model-versions/by-hash/{digest}"):
        code = run("curl", "-sS", "-o", "none", "-w", "%{http_code}", world.maker.url + path, cwd=tmp_path)
        assert code == "404", path
    names = [model["name"] for model in world.maker.api("models")["items"]]
    assert "Teal harbour" in names and "Behind the curtain" not in names
