"""Stock BitTorrent and Metalink programs fetch a large file from two nodes, beside a server that sends wrong bytes."""

import subprocess
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import libtorrent
import pytest

import samples
from node import Node, wait_until
from range_server import RangeServer
from samples import sha256

MEBIBYTES = 300
METALINK = "{urn:ietf:params:xml:ns:metalink}"


@dataclass
class Pair:
    """Two nodes that hold one file and know of each other."""

    first: Node
    second: Node
    file: Path
    digest: str

    @property
    def torrent(self) -> bytes:
        return self.first.get(f"/blobs/{self.digest}.torrent")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    root = tmp_path_factory.mktemp("pair")
    file = samples.checkpoint(root / "large.safetensors", mebibytes=MEBIBYTES, seed=7)
    nodes = [Node(root / "first"), Node(root / "second")]
    first, second = nodes
    try:
        for node in nodes:
            node.run("init")
            node.serve()
        first.run("publish", file, "--model", "@me/large", "--version", "1.0", "--type", "Checkpoint", "--base",
                  "SDXL 1.0", "--name", "Large", "--real-person", "no", "--yes")
        second.run("mirror", "add", "--all", "--budget", "1GB")
        second.run("peer", "add", first.url, "--yes")
        wait_until("the second node to hold the file", lambda: all(
            first.json("status")[key] == second.json("status")[key] for key in ("releases", "blobBytes")), 120)
        first.run("peer", "add", second.url, "--yes")
        pair = Pair(first, second, file, sha256(file))
        wait_until("the first node to know of the second", lambda: second.url in first.get("/w/1/peers").decode())
        yield pair
    finally:
        ends = [node.stop() for node in nodes]
    assert ends == [0, 0], "a node did not stop by itself"


def swarm() -> libtorrent.session:
    """A client without any peer, tracker or distributed table, that may go to loopback."""
    return libtorrent.session({
        "listen_interfaces": "127.0.0.1:0", "enable_dht": False, "enable_lsd": False, "enable_upnp": False,
        "enable_natpmp": False, "ssrf_mitigation": False, "allow_multiple_connections_per_ip": True})


def fetch(torrent: bytes, folder: Path, *more_seeds: str, only: str | None = None) -> libtorrent.torrent_status:
    """Downloads a torrent with libtorrent to its end, from its own seeds and others, or from one alone."""
    session = swarm()
    params = libtorrent.add_torrent_params()
    params.ti = libtorrent.torrent_info(libtorrent.bdecode(torrent))
    params.save_path = str(folder)
    if only:
        params.url_seeds = [only]
    handle = session.add_torrent(params)
    if only:
        for seed in handle.url_seeds():
            if seed != only:
                handle.remove_url_seed(seed)
    for seed in more_seeds:
        handle.add_url_seed(seed)
    deadline = time.monotonic() + 180
    while not (status := handle.status()).is_seeding:
        assert not status.errc.value(), status.errc.message()
        assert time.monotonic() < deadline, f"at {status.progress:.0%} after 180 s"
        time.sleep(0.1)
    handle.flush_cache()
    session.pause()
    return status


def test_the_torrent_names_both_nodes_and_is_the_same_from_either(pair: Pair):
    kinds = [libtorrent.bdecode(node.get(f"/blobs/{pair.digest}.torrent")) for node in (pair.first, pair.second)]
    assert kinds[0][b"info"] == kinds[1][b"info"]
    seeds = [seed.decode() for seed in kinds[0][b"url-list"]]
    assert seeds == [f"{node.url}/blobs/{pair.digest}/" for node in (pair.first, pair.second)]
    info = libtorrent.torrent_info(kinds[0])
    assert info.info_hashes().has_v1() and info.info_hashes().has_v2()
    assert info.name() == pair.digest and info.piece_length() == 1 << 20
    assert info.total_size() == pair.file.stat().st_size


def test_a_release_has_its_torrent_by_the_signed_name(pair: Pair, tmp_path: Path):
    torrent = pair.second.get(f"/blobs/{pair.digest}.torrent?name={pair.file.name}")
    assert torrent != pair.torrent
    fetch(torrent, tmp_path)
    assert sha256(tmp_path / pair.file.name) == pair.digest


def test_libtorrent_fetches_from_one_node_alone(pair: Pair, tmp_path: Path):
    fetch(pair.torrent, tmp_path, only=f"{pair.second.url}/blobs/{pair.digest}/")
    assert sha256(tmp_path / pair.digest) == pair.digest


def test_libtorrent_ends_with_the_right_bytes_beside_a_server_that_lies(pair: Pair, tmp_path: Path):
    with RangeServer(pair.file, lies=True) as liar:
        status = fetch(pair.torrent, tmp_path, f"{liar.url}/blobs/{pair.digest}/")
        assert liar.sent > 0, "the liar was never asked"
    assert sha256(tmp_path / pair.digest) == pair.digest
    assert status.total_done == pair.file.stat().st_size


def aria2(*arguments: str | Path, cwd: Path) -> None:
    done = subprocess.run(
        ["aria2c", "--quiet", "--seed-time=0", "--enable-dht=false", "--enable-dht6=false", "--bt-enable-lpd=false",
         "--enable-peer-exchange=false", "--split=3", "--min-split-size=1M", "--max-connection-per-server=2",
         "--file-allocation=none", *arguments], cwd=cwd, capture_output=True, text=True, timeout=180)
    assert done.returncode == 0, f"aria2c exited {done.returncode}: {done.stdout}{done.stderr}"


def test_aria2_follows_the_torrent_of_a_node(pair: Pair, tmp_path: Path):
    aria2("--follow-torrent=mem", f"{pair.first.url}/blobs/{pair.digest}.torrent", cwd=tmp_path)
    assert sha256(tmp_path / pair.digest) == pair.digest


def test_aria2_ends_with_the_right_bytes_of_a_torrent_beside_a_server_that_lies(pair: Pair, tmp_path: Path):
    with RangeServer(pair.file, lies=True) as liar:
        (tmp_path / "large.torrent").write_bytes(pair.torrent)
        # To aria2 the three are one server with as many connections as it may have: enough for each to be asked.
        aria2("--torrent-file=large.torrent", "--split=9", "--max-connection-per-server=9",
              f"{liar.url}/blobs/{pair.digest}/", cwd=tmp_path)
        assert liar.sent > 0, "the liar was never asked"
    assert sha256(tmp_path / pair.digest) == pair.digest


def test_aria2_follows_the_metalink_of_a_node(pair: Pair, tmp_path: Path):
    aria2("--follow-metalink=mem", "--follow-torrent=false", f"{pair.first.url}/blobs/{pair.digest}.meta4",
          cwd=tmp_path)
    assert sha256(tmp_path / pair.file.name) == pair.digest


def test_aria2_ends_with_the_right_bytes_of_a_metalink_beside_a_server_that_lies(pair: Pair, tmp_path: Path):
    document = ElementTree.fromstring(pair.first.get(f"/blobs/{pair.digest}.meta4"))
    file = document.find(f"{METALINK}file")
    assert [url.text for url in file.findall(f"{METALINK}url")] == [
        f"{node.url}/blobs/{pair.digest}/{pair.file.name}" for node in (pair.first, pair.second)]
    assert len(file.find(f"{METALINK}pieces")) == -(-pair.file.stat().st_size // (1 << 20))
    for torrent in file.findall(f"{METALINK}metaurl"):
        file.remove(torrent)
    with RangeServer(pair.file, lies=True) as liar:
        ElementTree.SubElement(file, f"{METALINK}url", priority="1").text = f"{liar.url}/{pair.file.name}"
        (tmp_path / "large.meta4").write_bytes(ElementTree.tostring(document))
        aria2("--metalink-file=large.meta4", cwd=tmp_path)
        assert liar.sent > 0, "the liar was never asked"
    assert sha256(tmp_path / pair.file.name) == pair.digest
