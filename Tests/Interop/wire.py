"""Just enough of the wire format to check a node from outside: protobuf fields, envelopes, key documents, node ids.

Written from Protocol/ alone and shares nothing with the program under test.
"""

import base64
import hashlib
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

POST_TYPE = b"application/vnd.waggle.post.v1+protobuf"
KEY_DOCUMENT = 1
ROLE_PERSON, ROLE_NODE = 1, 2


def fields(message: bytes) -> list[tuple[int, int | bytes]]:
    """The fields of a protobuf message, in order: varints as int, all else as bytes."""
    found: list[tuple[int, int | bytes]] = []
    at = 0

    def varint() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = message[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(message):
        tag = varint()
        match tag & 7:
            case 0:
                found.append((tag >> 3, varint()))
                continue
            case 1:
                size = 8
            case 2:
                size = varint()
            case 5:
                size = 4
            case kind:
                raise ValueError(f"wire type {kind}")
        if at + size > len(message):
            raise ValueError("the message is cut off")
        found.append((tag >> 3, message[at:at + size]))
        at += size
    return found


def values(message: bytes, number: int) -> list[bytes]:
    """The values of a repeated field of bytes or messages."""
    return [value for key, value in fields(message) if key == number and isinstance(value, bytes)]


def integer(message: bytes, number: int) -> int:
    """The value of an integer field; 0 when it is absent."""
    return next((value for key, value in fields(message) if key == number and isinstance(value, int)), 0)


def field(number: int, value: bytes) -> bytes:
    """One field of bytes, encoded."""
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def integer_field(number: int, value: int) -> bytes:
    """One integer field, encoded."""
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def pae(payload_type: bytes, payload: bytes) -> bytes:
    """The pre-authentication encoding of DSSE."""
    return b"DSSEv1 %d %b %d %b" % (len(payload_type), payload_type, len(payload), payload)


@dataclass
class Envelope:
    """A signed post as it travels."""

    payload: bytes
    signatures: dict[bytes, bytes]

    @staticmethod
    def parse(message: bytes) -> "Envelope":
        assert integer(message, 2) == 1, "envelope type"
        signatures = {values(s, 1)[0]: values(s, 2)[0] for s in values(message, 3)}
        return Envelope(values(message, 1)[0], signatures)

    @property
    def encoded(self) -> bytes:
        return pae(POST_TYPE, self.payload)

    @property
    def id(self) -> bytes:
        return hashlib.sha256(self.encoded).digest()

    @property
    def kind(self) -> int:
        return integer(self.payload, 6)

    def verify(self, key: bytes) -> None:
        """Throws unless `key` signed this."""
        Ed25519PublicKey.from_public_bytes(key).verify(self.signatures[key], self.encoded)


def author_text(author: bytes) -> str:
    """The text form of an author id: w1 and base32."""
    return "w1" + base64.b32encode(author).decode().lower().rstrip("=")


def author_bytes(text: str) -> bytes:
    """The 32 bytes of an author id."""
    body = text.removeprefix("w1").upper()
    return base64.b32decode(body + "=" * (-len(body) % 8))


def device_keys(author: bytes, chain: list[bytes]) -> list[bytes]:
    """The device keys that the newest of an author's key documents lists.

    Checks that the first document is the one which the id names, and that each is signed by a root of the first.
    """
    documents = [post for post in map(Envelope.parse, chain) if post.kind == KEY_DOCUMENT]
    assert documents[0].id == author, "the chain does not begin with the author's first key document"
    bodies = [values(post.payload, 101)[0] for post in documents]
    for post in documents:
        post.verify(values(bodies[0], 3)[0])
    return [values(device, 1)[0] for device in values(max(bodies, key=lambda body: integer(body, 1)), 7)]


def home_chain(home: Path, role: int) -> list[bytes]:
    """The key documents that lie in a home, genesis first: of its node or of its person."""
    posts = [base64.b64decode(line) for line in (home / "keys" / "genesis.posts").read_text().split()]
    genesis = next(post for post in posts if _role(post) == role and integer(_body(post), 1) == 1)
    author = Envelope.parse(genesis).id
    return [genesis] + [post for post in posts if values(Envelope.parse(post).payload, 2)[:1] == [author]]


def _body(post: bytes) -> bytes:
    return values(Envelope.parse(post).payload, 101)[0]


def _role(post: bytes) -> int:
    return integer(_body(post), 9)
