"""Examples/deploy as written: Debian's nginx in front of a node, and a unit that systemd reads."""

import http.client
import json
import re
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import samples
from node import BINARY, Node, environment, wait_until

DEPLOY = Path(__file__).resolve().parents[2] / "Examples" / "deploy"
NAME = "models.example"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Proxy:
    """nginx with the snippet; names, ports and the certificate are put in as its head says."""

    def __init__(self, folder: Path, node: Node) -> None:
        folder.mkdir()
        self.port, plain = free_port(), free_port()
        key, certificate = folder / "key.pem", folder / "certificate.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                        "-days", "2", "-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}"],
                       check=True, capture_output=True)
        text = (DEPLOY / "nginx.conf").read_text()
        text = re.sub(r"listen \[::\]:\d+[^;]*;", "", text)
        text = text.replace("listen 443", f"listen 127.0.0.1:{self.port}").replace("listen 80", f"listen 127.0.0.1:{plain}")
        text = text.replace("http://127.0.0.1:7700", node.url)
        text = text.replace("/etc/letsencrypt/live/models.example/fullchain.pem", str(certificate))
        text = text.replace("/etc/letsencrypt/live/models.example/privkey.pem", str(key))
        (folder / "nginx.conf").write_text(
            f"pid {folder}/pid; error_log {folder}/error.log; daemon off;\nevents {{}}\nhttp {{ access_log off;\n"
            + "".join(f"{name}_temp_path {folder}/{name};\n" for name in
                      ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")) + text + "\n}\n")
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        self.process = subprocess.Popen([program, "-p", str(folder), "-c", str(folder / "nginx.conf")],
                                        stderr=subprocess.DEVNULL)
        self.certificate = certificate
        self.folder = folder
        wait_until("nginx to listen", self._listens)

    def _listens(self) -> bool:
        assert self.process.poll() is None, (self.folder / "error.log").read_text()
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", self.port)) == 0

    def connect(self, source: str = "127.0.0.1") -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self.certificate))
        connection = http.client.HTTPSConnection(NAME, self.port, timeout=60, context=context)
        raw = socket.create_connection(("127.0.0.1", self.port), source_address=(source, 0), timeout=60)
        connection.sock = context.wrap_socket(raw, server_hostname=NAME)
        return connection

    def ask(self, method: str, path: str, body: bytes | None = None, source: str = "127.0.0.1",
            **headers: str) -> tuple[int, dict[str, str], bytes]:
        connection = self.connect(source)
        fields = {"Host": NAME} | {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, fields)
        reply = connection.getresponse()
        answer = reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read()
        connection.close()
        return answer

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Proxy, Path]]:
    root = tmp_path_factory.mktemp("deploy")
    node = Node(root / "home", public_url=f"https://{NAME}")
    node.run("init")
    file = samples.checkpoint(root / "big.safetensors", mebibytes=24, seed=3)
    node.run("publish", file, "--model", "@me/gull", "--version", "1.0", "--type", "Checkpoint", "--base", "SDXL 1.0",
             "--real-person", "no", "--yes")
    node.serve()
    proxy = Proxy(root / "proxy", node)
    yield node, proxy, file
    proxy.close()
    assert node.stop() == 0


def test_pages_ranges_and_downloads_pass(behind: tuple[Node, Proxy, Path]) -> None:
    node, proxy, file = behind
    status, _, body = proxy.ask("GET", "/")
    assert status == 200 and b"<h1>" in body
    sha256 = node.json("show", "@me/gull@1.0")["files"][0]["sha256"]
    status, fields, body = proxy.ask("GET", f"/blobs/{sha256}")
    assert status == 200 and body == file.read_bytes() and fields["accept-ranges"] == "bytes"
    status, fields, body = proxy.ask("GET", f"/blobs/{sha256}", Range="bytes=1000000-1000009")
    assert status == 206 and body == file.read_bytes()[1000000:1000010]
    version = json.loads(proxy.ask("GET", "/api/v1/models")[2])["items"][0]["modelVersions"][0]
    assert version["downloadUrl"].startswith(f"https://{NAME}/"), "links are those of the public name"


def test_uploads_pass_in_parts_and_are_not_gathered(behind: tuple[Node, Proxy, Path]) -> None:
    node, proxy, _ = behind
    token = node.run("token", "new", "--scope", "read,publish").stdout.split()[0]
    bearer = {"Authorization": f"Bearer {token}"}
    bytes_ = bytes(range(256)) * (16 << 10)
    begun = proxy.ask("POST", "/api/w1/uploads", json.dumps({"name": "x.bin", "size": len(bytes_)}).encode(),
                      Content_Type="application/json", **bearer)
    assert begun[0] == 201, begun
    path = begun[1]["location"].split(NAME)[-1]
    half = len(bytes_) // 2
    for start in (0, half):
        part = bytes_[start:start + half]
        status, fields, text = proxy.ask("PATCH", path, part, Upload_Offset=str(start),
                                         Content_Type="application/offset+octet-stream", **bearer)
        assert status in (200, 204), (status, text)
    assert not any((proxy.folder / "client_body").rglob("*"))


def test_event_streams_arrive_as_they_happen(behind: tuple[Node, Proxy, Path], tmp_path: Path) -> None:
    node, proxy, _ = behind
    connection = proxy.connect()
    token = node.run("token", "new", "--scope", "read").stdout.split()[0]
    connection.request("GET", "/api/w1/events", headers={
        "Host": NAME, "Accept": "text/event-stream", "Authorization": f"Bearer {token}"})
    reply = connection.getresponse()
    assert reply.status == 200 and reply.headers["content-type"].startswith("text/event-stream")
    seen = threading.Event()

    def read() -> None:
        while line := reply.fp.readline():
            if line.startswith(b"data:"):
                return seen.set()

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    file = samples.lora(tmp_path / "teal.safetensors", seed=9)
    node.run("publish", file, "--model", "@me/teal", "--version", "1.0", "--real-person", "no", "--yes")
    assert seen.wait(20), "nothing came through while the stream was open"
    connection.sock.close()


def test_the_node_counts_clients_and_not_the_proxy(behind: tuple[Node, Proxy, Path]) -> None:
    _, proxy, _ = behind

    def left(client: int) -> list[int]:
        # Two clients, the second of which says that it is the first: each has a count of its own.
        one, other = f"127.0.0.{client}", f"127.0.0.{client + 1}"
        answers = [proxy.ask("GET", "/api/w1/models", source=one)[1] for _ in range(3)]
        answers.append(proxy.ask("GET", "/api/w1/models", source=other, X_Forwarded_For=one)[1])
        return [int(re.search(r"r=(\d+)|^(\d+)", fields["ratelimit"] if "ratelimit" in fields
                              else fields["ratelimit-remaining"])[0].removeprefix("r=")) for fields in answers]

    # Ten a second come back: where a request takes as long as that, two other clients are asked.
    counts = []
    for client in range(2, 42, 2):
        counts.append(left(client))
        if counts[-1][0] > counts[-1][1] > counts[-1][2] and counts[-1][3] == counts[-1][0]:
            return
    raise AssertionError(counts)


def test_the_unit_is_one_that_systemd_reads(tmp_path: Path) -> None:
    program = shutil.which("systemd-analyze")
    if not program:
        pytest.skip("systemd is not installed")
    unit = tmp_path / "waggle.service"
    unit.write_text((DEPLOY / "waggle.service").read_text().replace("/usr/local/bin/waggle", str(BINARY))
                    .replace("User=waggle", "User=root"))
    done = subprocess.run([program, "verify", unit], text=True, capture_output=True)
    assert done.returncode == 0 and "Unknown" not in done.stderr, done.stderr


def test_systemd_is_told_when_the_node_serves(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
        path = tmp_path / "notify"
        notify.bind(str(path))
        notify.settimeout(60)
        home = tmp_path / "home"
        process = subprocess.Popen([BINARY, "serve", "--listen", "127.0.0.1:0"],
                                   env=environment(home) | {"NOTIFY_SOCKET": str(path)}, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            ready = notify.recv(4096).decode()
            assert ready.startswith("READY=1\n") and "STATUS=serving http://127.0.0.1:" in ready
            assert f"MAINPID={process.pid}\n" in ready
            process.terminate()
            assert notify.recv(4096).decode().startswith("STOPPING=1\n")
            assert process.wait(timeout=30) == 0
        finally:
            process.kill()
