"""Proofs of a release, checked by programs that know nothing of Waggle."""

import base64
import hashlib
import json
import subprocess
from pathlib import Path

import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.exceptions import VerificationError
from securesystemslib.signer import SSlibKey

import wire
from conftest import World

# The fixed beginning of an ed25519 key as DER (RFC 8410).
DER_PREFIX = bytes.fromhex("302a300506032b6570032100")


@pytest.fixture(scope="module")
def document(world: World, tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The DSSE document of the first release."""
    path = tmp_path_factory.mktemp("proofs") / "release.json"
    world.maker.run("export", "@me/teal-harbour@1.0", "--format", "dsse", "--output", path)
    return json.loads(path.read_text())


@pytest.fixture(scope="module")
def key(world: World, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The author's device key, found as a stranger would: the author's id, then the chain in the bundle."""
    path = tmp_path_factory.mktemp("proofs") / "release.waggle"
    world.maker.run("export", "@me/teal-harbour@1.0", "--format", "waggle", "--output", path)
    author = wire.author_bytes(world.maker.json("show", "@me/teal-harbour@1.0")["author"])
    keys = wire.device_keys(author, wire.values(path.read_bytes(), 4))
    assert len(keys) == 1
    return keys[0]


def changed(document: dict, part: str) -> dict:
    """A copy with one bit of the payload or of the signature turned."""
    copy = json.loads(json.dumps(document))
    holder, name = (copy, "payload") if part == "payload" else (copy["signatures"][0], "sig")
    data = bytearray(base64.b64decode(holder[name]))
    data[len(data) // 2] ^= 1
    holder[name] = base64.b64encode(data).decode()
    return copy


def by_securesystemslib(document: dict, key: bytes) -> bool:
    keyid = document["signatures"][0]["keyid"]
    try:
        Envelope.from_dict(json.loads(json.dumps(document))).verify(
            [SSlibKey(keyid, "ed25519", "ed25519", {"public": key.hex()})], 1)
    except VerificationError:
        return False
    return True


def by_openssl(document: dict, key: bytes, folder: Path) -> bool:
    payload = base64.b64decode(document["payload"])
    (folder / "key.der").write_bytes(DER_PREFIX + key)
    (folder / "pae").write_bytes(wire.pae(document["payloadType"].encode(), payload))
    (folder / "signature").write_bytes(base64.b64decode(document["signatures"][0]["sig"]))
    done = subprocess.run(
        ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key.der", "-rawin", "-in", "pae",
         "-sigfile", "signature"], cwd=folder, capture_output=True, text=True)
    assert (done.returncode == 0) == ("Signature Verified Successfully" in done.stdout), done.stderr
    return done.returncode == 0


def test_an_export_is_valid_dsse_for_securesystemslib_and_openssl(document, key, tmp_path):
    assert document["payloadType"] == wire.POST_TYPE.decode()
    assert by_securesystemslib(document, key)
    assert by_openssl(document, key, tmp_path)


@pytest.mark.parametrize("part", ["payload", "signature"])
def test_one_turned_bit_is_refused_by_both(document, key, tmp_path, part):
    assert not by_securesystemslib(changed(document, part), key)
    assert not by_openssl(changed(document, part), key, tmp_path)


def test_another_key_is_refused_by_both(document, key, tmp_path):
    other = wire.author_bytes("w1" + "a" * 52)
    assert not by_securesystemslib(document, other)
    assert not by_openssl(document, other, tmp_path)


def test_the_proof_is_the_same_bytes_on_a_mirror_and_names_the_file(world: World, document, tmp_path):
    payload = base64.b64decode(document["payload"])
    release = hashlib.sha256(wire.pae(wire.POST_TYPE, payload)).hexdigest()
    assert world.maker.json("show", "@me/teal-harbour@1.0")["release"] == release
    world.mirror.run("export", release, "--format", "dsse", "--output", tmp_path / "mirrored.json")
    assert json.loads((tmp_path / "mirrored.json").read_text()) == document
    assert hashlib.sha256(world.lora.read_bytes()).digest() in payload
