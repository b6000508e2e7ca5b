"""Stands in for the way to a real host: an HTTPS proxy that ends TLS with a certificate of its own authority.

Programs that know no address but https://civitai.com run unchanged: they are told of this proxy and of the authority by
the usual variables of the environment, and a node whose public URL is https://civitai.com answers.
"""

import os
import select
import socket
import ssl
import subprocess
import threading
from contextlib import suppress
from pathlib import Path

HOSTS = ["civitai.com", "civitai.red"]


def make_authority(folder: Path) -> tuple[Path, Path, Path]:
    """An authority, and a certificate and key for HOSTS signed by it. Returns the three paths."""
    authority, key, certificate = folder / "authority.pem", folder / "host.key", folder / "host.pem"
    names = ",".join(f"DNS:{host}" for host in HOSTS)

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-subj", "/CN=Interop test authority", "-addext", "basicConstraints=critical,CA:TRUE",
            "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", "authority.key", "-out", str(authority))
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={HOSTS[0]}",
            "-keyout", str(key), "-out", "host.csr")
    (folder / "extensions").write_text(
        f"subjectAltName={names}\nextendedKeyUsage=serverAuth\nauthorityKeyIdentifier=keyid\n")
    openssl("x509", "-req", "-in", "host.csr", "-CA", str(authority), "-CAkey", "authority.key", "-CAcreateserial",
            "-days", "2", "-extfile", "extensions", "-out", str(certificate))
    return authority, certificate, key


class Front:
    """Takes `CONNECT host:443` for HOSTS and pipes what is inside the TLS to a node; refuses all else."""

    def __init__(self, folder: Path, node_port: int) -> None:
        self.authority, certificate, key = make_authority(folder)
        self.node_port = node_port
        self.refused: list[str] = []
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(certificate, key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return "http://127.0.0.1:%d" % self.listener.getsockname()[1]

    def environment(self, home: Path) -> dict[str, str]:
        """What a program is started with to go through here."""
        home.mkdir(parents=True, exist_ok=True)
        return {
            "PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", "PYTHONUNBUFFERED": "1",
            "HTTPS_PROXY": self.url, "https_proxy": self.url, "NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1",
            "SSL_CERT_FILE": str(self.authority), "REQUESTS_CA_BUNDLE": str(self.authority),
            "CURL_CA_BUNDLE": str(self.authority),
        }

    def close(self) -> None:
        self.listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with suppress(OSError), client:
            head = b""
            while b"\r\n\r\n" not in head and len(head) < 16384:
                if not (more := client.recv(4096)):
                    return
                head += more
            method, target, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
            if method != "CONNECT" or target not in [f"{host}:443" for host in HOSTS]:
                self.refused.append(target)
                client.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                return
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with self.context.wrap_socket(client, server_side=True) as inside, \
                    socket.create_connection(("127.0.0.1", self.node_port)) as node:
                _exchange(inside, node)


def _exchange(inside: ssl.SSLSocket, node: socket.socket) -> None:
    """Carries bytes both ways until either end closes. One thread, because a TLS connection is no place for two."""
    while True:
        ready = [inside] if inside.pending() else select.select([inside, node], [], [])[0]
        for source in ready:
            sink = node if source is inside else inside
            if not (data := source.recv(1 << 16)):
                return
            sink.sendall(data)
