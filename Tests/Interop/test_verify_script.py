"""The script of Examples/verify and our own program judge the same key chains, made here from Protocol/ alone."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field as default
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from node import Node
from test_sidecars import EXAMPLE, ran
from wire import POST_TYPE, field, integer_field, pae

FILE = b"a very small model"
RELEASE, POST = b"\x02", b"\x06"
RETIRED, LOST = 1, 2
# The release is from this second.
SIGNED = 2000


def key(name: str) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(name.encode()).digest())


def public(name: str) -> bytes:
    return key(name).public_key().public_bytes_raw()


def seal(payload: bytes, signers: list[str]) -> bytes:
    signed = pae(POST_TYPE, payload)
    signatures = sorted((public(name), key(name).sign(signed)) for name in signers)
    return field(1, payload) + integer_field(2, 1) + b"".join(
        field(3, field(1, public) + field(2, signature)) for public, signature in signatures)


def post_id(envelope: bytes) -> bytes:
    length, at = envelope[1] & 0x7F, 2
    if envelope[1] >= 0x80:
        length, at = length | envelope[2] << 7, 3
    return hashlib.sha256(pae(POST_TYPE, envelope[at:at + length])).digest()


def device(name: str = "laptop", scopes: bytes = RELEASE, until: int = 0) -> bytes:
    return field(1, public(name)) + field(2, name.encode()) + field(3, scopes) + (
        integer_field(5, until) if until else b"")


def revocation(reason: int, since: int, name: str = "laptop") -> bytes:
    return field(1, public(name)) + integer_field(2, since) + integer_field(3, reason)


@dataclass
class Chain:
    """Key documents one after the other; what is not said stays as it was."""

    roots: list[str] = default(default_factory=lambda: ["root"])
    next_roots: list[str] = default(default_factory=lambda: ["next"])
    envelopes: list[bytes] = default(default_factory=list)
    author: bytes = b""

    def add(self, created: int, devices: list[bytes], revocations: list[bytes] = [], by: list[str] | None = None,
            roots: list[str] | None = None, next_roots: list[str] | None = None) -> "Chain":
        self.roots, self.next_roots = roots or self.roots, next_roots or self.next_roots
        previous = post_id(self.envelopes[-1]) if self.envelopes else b""
        body = integer_field(1, len(self.envelopes) + 1) + (field(2, previous) if previous else b"")
        body += b"".join(field(3, public(name)) for name in self.roots) + integer_field(4, 1)
        body += b"".join(field(5, hashlib.sha256(public(name)).digest()) for name in self.next_roots)
        body += integer_field(6, 1) + b"".join(field(7, entry) for entry in devices)
        body += b"".join(field(8, entry) for entry in revocations) + integer_field(9, 1)
        payload = integer_field(1, 1) + (field(2, self.author) if self.author else b"") + integer_field(4, created)
        self.envelopes.append(seal(payload + integer_field(6, 1) + field(101, body), by or self.roots))
        self.author = self.author or post_id(self.envelopes[0])
        return self

    def bundle(self, signer: str = "laptop") -> bytes:
        digest = hashlib.sha256(FILE).digest()
        # Of a file of one block, the root is the hash of the block.
        file = field(1, digest) + field(2, digest) + integer_field(3, len(FILE)) + field(4, b"small.safetensors")
        body = field(1, self.author) + field(2, b"small") + field(3, b"1.0") + field(10, file)
        payload = integer_field(1, 1) + field(2, self.author) + field(3, public(signer)) + integer_field(4, SIGNED)
        release = seal(payload + integer_field(6, 11) + field(111, body), [signer])
        return field(1, b"waggle-release-bundle-1") + field(2, release) + b"".join(
            field(4, envelope) for envelope in self.envelopes)


def listed() -> Chain:
    return Chain().add(1, []).add(1000, [device()])


CASES: dict[str, tuple[bool, Callable[[], bytes]]] = {
    "a listed key": (True, lambda: listed().bundle()),
    "a key that no document lists": (False, lambda: listed().bundle("stranger")),
    "a key without the scope": (False, lambda: Chain().add(1, [device(scopes=POST)]).bundle()),
    "a key of several scopes": (True, lambda: Chain().add(1, [device(scopes=POST + RELEASE)]).bundle()),
    "retired afterwards": (True, lambda: listed().add(3000, [device()], [revocation(RETIRED, SIGNED)]).bundle()),
    "retired before": (False, lambda: listed().add(3000, [device()], [revocation(RETIRED, SIGNED - 1)]).bundle()),
    "retired once, and not named again": (
        False, lambda: listed().add(3000, [device()], [revocation(RETIRED, 1500)]).add(3001, [device()]).bundle()),
    "another key retired": (
        True, lambda: listed().add(3000, [device()], [revocation(RETIRED, 1, "phone")]).bundle()),
    "lost": (False, lambda: listed().add(3000, [device()], [revocation(LOST, 2500)]).bundle()),
    "left out afterwards": (True, lambda: listed().add(SIGNED, []).bundle()),
    "left out before": (False, lambda: listed().add(SIGNED - 1, []).bundle()),
    "left out and listed again": (True, lambda: listed().add(1500, []).add(3000, [device()]).bundle()),
    "at its end": (True, lambda: Chain().add(1, [device(until=SIGNED)]).bundle()),
    "after its end": (False, lambda: Chain().add(1, [device(until=SIGNED - 1)]).bundle()),
    "rotated": (
        True, lambda: listed().add(3000, [device()], roots=["next"], next_roots=["last"]).bundle()),
    "rotated to a key that was not announced": (
        False, lambda: listed().add(3000, [device()], roots=["thief"], next_roots=["last"]).bundle()),
    "an update by a key that is no root": (
        False, lambda: Chain().add(1, []).add(1000, [device()], by=["thief"]).bundle()),
    "an update older than its parent": (False, lambda: listed().add(999, [device()]).bundle()),
}


@pytest.mark.parametrize("name", CASES)
def test_script_and_program_agree(name: str, tmp_path: Path):
    is_good, make = CASES[name]
    (tmp_path / "small.safetensors").write_bytes(FILE)
    (tmp_path / "release.waggle").write_bytes(make())
    script = ran(tmp_path, EXAMPLE / "verify.sh", "small.safetensors", "release.waggle")
    assert script.returncode == (0 if is_good else 1), script.stdout + script.stderr
    ours = Node(tmp_path / "nowhere").run("verify", tmp_path / "small.safetensors", "--release",
                                          tmp_path / "release.waggle", check=False)
    assert ours.returncode == (0 if is_good else 6), ours.stdout + ours.stderr
