"""Plain web servers as sources: Debian's nginx and Python's http.server, named in a signed release."""

import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import samples
from node import Node, wait_until
from samples import sha256

MEBIBYTE = 1 << 20
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
        return True
    except OSError:
        return False


class Web:
    """nginx in front of a node: it passes the node's own routes on, gives no blobs, and serves three folders of files; a
    fourth address leads to Python's server, which knows no ranges.

    A release may name servers on loopback only at an address that the operator typed, and that is the node's.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.port, self.python_port = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        for name in ("good", "spoiled", "cut"):
            (root / name).mkdir(parents=True)
        self.log = root / "access.log"
        self._processes: list[subprocess.Popen] = []

    def start(self, node: Node) -> None:
        root = self.root
        places = " ".join(f"{name}_temp_path {root}/{name}_temp;" for name in
                          ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        folders = "\n".join(f"location /{name}/ {{ alias {root}/{name}/; }}" for name in ("good", "spoiled", "cut"))
        (root / "nginx.conf").write_text(f"""
daemon off; user root; worker_processes 1; pid {root}/pid; error_log {root}/error.log;
events {{ worker_connections 128; }}
http {{
    {places}
    log_format parts '$uri $status $body_bytes_sent';
    access_log {root}/access.log parts;
    server {{
        listen 127.0.0.1:{self.port};
        proxy_http_version 1.1;
        proxy_buffering off;
        location /w/ {{ proxy_pass {node.url}; proxy_set_header Host $http_host; }}
        location /blobs/ {{ return 404; }}
        location /python/ {{ proxy_pass http://127.0.0.1:{self.python_port}/; }}
        {folders}
    }}
}}
""")
        self._processes = [
            subprocess.Popen([NGINX, "-p", root, "-c", root / "nginx.conf", "-e", root / "error.log"]),
            subprocess.Popen([sys.executable, "-m", "http.server", str(self.python_port), "--bind", "127.0.0.1",
                              "--directory", str(root / "good")], stderr=subprocess.DEVNULL)]
        wait_until("the web servers", lambda: answers(self.port) and answers(self.python_port))

    def put(self, file: Path) -> None:
        """Serves a file under its hash: right, with a wrong byte in each 8 MiB, and cut short."""
        content, name = file.read_bytes(), sha256(file)
        (self.root / "good" / name).write_bytes(content)
        (self.root / "cut" / name).write_bytes(content[:len(content) // 3])
        spoiled = bytearray(content)
        for place in range(MEBIBYTE, len(content), 8 * MEBIBYTE):
            spoiled[place] ^= 0xFF
        (self.root / "spoiled" / name).write_bytes(spoiled)

    def sent(self, folder: str, name: str) -> int:
        """Bytes that went out of a file under this address."""
        lines = [line.split() for line in self.log.read_text().splitlines()]
        return sum(int(size) for uri, _, size in lines if uri == f"/{folder}/{name}")

    def stop(self) -> None:
        for process in self._processes:
            process.terminate()
            process.wait(timeout=30)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Node, Web, Path]]:
    root = tmp_path_factory.mktemp("mirrors")
    web = Web(root / "web")
    maker, reader = Node(root / "maker", public_url=web.url), Node(root / "reader")
    try:
        for node in (maker, reader):
            node.run("init")
            node.serve()
        web.start(maker)
        reader.run("peer", "add", web.url, "--yes")
        yield maker, reader, web, root
    finally:
        ends = [node.stop() for node in (maker, reader)]
        web.stop()
    assert ends == [0, 0], "a node did not stop by itself"


@pytest.mark.parametrize("seed, folders, asked", [
    (61, ["good"], ["good"]),
    (62, ["spoiled", "good"], ["spoiled", "good"]),
    (63, ["cut", "good"], ["cut", "good"]),
    (64, ["python"], ["python"]),
    (65, ["spoiled", "python"], ["spoiled", "python"])], ids=lambda value: "-".join(value) if isinstance(value, list) else "")
def test_a_release_comes_whole_from_the_servers_that_it_names(scene, seed, folders, asked, tmp_path: Path):
    maker, reader, web, root = scene
    file = samples.checkpoint(root / f"file{seed}.safetensors", mebibytes=40, seed=seed)
    web.put(file)
    mirrors = [word for folder in folders for word in ("--mirror", f"{web.url}/{folder}/{{sha256}}")]
    published = maker.json("publish", file, "--model", f"@me/file{seed}", "--version", "1.0", "--type", "Checkpoint",
                           "--base", "SDXL 1.0", "--real-person", "no", "--yes", *mirrors)
    wait_until("the reader to know the release", lambda: reader.run("show", published["release"], check=False).returncode == 0)
    reader.run("get", published["release"], "-o", f"{tmp_path}/")
    (got,) = tmp_path.iterdir()
    assert sha256(got) == sha256(file)
    for folder in asked:
        assert web.sent(folder, sha256(file)) > 0, f"/{folder}/ was never asked"


def test_a_spoiled_server_alone_is_named_and_another_start_goes_on_with_a_good_one(scene, tmp_path: Path):
    maker, _, web, root = scene
    file = samples.checkpoint(root / "alone.safetensors", mebibytes=40, seed=70)
    web.put(file)
    name = sha256(file)
    # One that has no opinion yet of this address: after the second wrong byte it would ask nothing more of it.
    reader = Node(root / "fresh")
    reader.run("init")
    reader.serve()
    reader.run("peer", "add", web.url, "--yes")
    good = web.root / "good" / name
    aside = good.rename(root / "aside")
    published = maker.json("publish", file, "--model", "@me/alone", "--version", "1.0", "--type", "Checkpoint", "--base",
                           "SDXL 1.0", "--real-person", "no", "--yes", "--mirror", f"{web.url}/spoiled/{{sha256}}",
                           "--mirror", f"{web.url}/good/{{sha256}}")
    wait_until("the reader to know the release", lambda: reader.run("show", published["release"], check=False).returncode == 0)
    try:
        goes_on(reader, web, published["release"], name, aside, good, tmp_path)
    finally:
        assert reader.stop() == 0
    # What the spoiled server sent before its wrong byte was kept.
    assert web.sent("good", name) < file.stat().st_size


def goes_on(reader: Node, web: Web, release: str, name: str, aside: Path, good: Path, folder: Path) -> None:
    failed = reader.run("get", release, "-o", f"{folder}/", check=False)
    assert failed.returncode == 4 and web.url in failed.stderr
    assert not list(folder.iterdir())
    aside.rename(good)
    reader.run("get", release, "-o", f"{folder}/")
    (got,) = folder.iterdir()
    assert sha256(got) == name
