"""A node that exists as keys only: it signs requests with PyPI http-message-signatures (RFC 9421)."""

import datetime
import json
import secrets
from dataclasses import dataclass
from pathlib import Path

import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

import wire
from node import Node

COVERED = ("@method", "@target-uri", "content-digest")
POST_RESULT_NEW = 1


@dataclass
class Stranger:
    """Id, key documents and device key of a node that has no server."""

    id: bytes
    chain: list[bytes]
    key: Ed25519PrivateKey

    @staticmethod
    def make(home: Path) -> "Stranger":
        """Has `waggle init` make the keys, and reads them from the home."""
        Node(home).run("init")
        stored = json.loads((home / "keys" / "node.key").read_text())
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(stored["secret"]))
        stranger = Stranger(wire.author_bytes(stored["author"]), wire.home_chain(home, wire.ROLE_NODE), key)
        assert wire.device_keys(stranger.id, stranger.chain) == [key.public_key().public_bytes_raw()]
        return stranger

    @property
    def keyid(self) -> str:
        return wire.author_text(self.id)

    def introduce(self, url: str) -> None:
        """Tells a node this one's keys, which must be new to it."""
        reply = send(self.request(url + "/w/1/posts", b"".join(wire.field(1, document) for document in self.chain)))
        assert reply.status_code == 200, reply.content
        statuses = [wire.integer(result, 1) for result in wire.values(reply.content, 1)]
        assert statuses == [POST_RESULT_NEW] * len(self.chain)

    def request(self, url: str, body: bytes, signed_for: str = "", age: int = 0) -> requests.PreparedRequest:
        """A signed POST; `signed_for` is the URL that the signature names when it is not the one asked."""
        request = requests.Request("POST", signed_for or url, data=body,
                                   headers={"Content-Type": "application/x-protobuf"}).prepare()
        created = datetime.datetime.now() - datetime.timedelta(seconds=age)
        resolver = MappingKeyResolver(public_keys={}, private_keys={self.keyid: self.key})
        HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=resolver).sign(
            request, key_id=self.keyid, created=created, expires=created + datetime.timedelta(seconds=60),
            nonce=secrets.token_hex(16), label="w", tag="waggle-1", covered_component_ids=COVERED[:2], body=body)
        request.url = url
        return request


def send(request: requests.PreparedRequest) -> requests.Response:
    """Sends a request as it is, past any proxy."""
    with requests.Session() as session:
        session.trust_env = False
        return session.send(request, timeout=30)
