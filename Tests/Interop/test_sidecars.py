"""Proofs of a release's files, checked by minisign, OpenSSH, and openssl with the script of Examples/verify."""

import os
import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

import samples
from conftest import World
from node import BINARY, Node

EXAMPLE = Path(__file__).resolve().parents[2] / "Examples" / "verify"
AUTH, NOT_FOUND, INTEGRITY = 5, 3, 6


def ran(folder: Path, *words: str | Path, stdin: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Runs a program in a folder, with nothing of the surroundings but where programs are."""
    with (stdin or Path(os.devnull)).open() as given:
        return subprocess.run(words, cwd=folder, env={"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}, stdin=given,
                              text=True, capture_output=True, timeout=60)


def flip(path: Path, at: int | None = None) -> None:
    """Turns one bit of a file, in its middle unless told otherwise."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2 if at is None else at] ^= 1
    path.write_bytes(data)


@dataclass
class Proofs:
    """A copy of a published file with everything that proves it, in a folder of its own."""

    folder: Path
    file: Path
    author: str
    key: str

    def minisign(self, *more: str) -> subprocess.CompletedProcess[str]:
        return ran(self.folder, "minisign", "-V", "-m", self.file.name, *(more or ("-P", self.key)))

    def ssh(self, namespace: str = "waggle-release@v1", author: str = "") -> subprocess.CompletedProcess[str]:
        return ran(self.folder, "ssh-keygen", "-Y", "verify", "-f", "allowed_signers", "-I", author or self.author,
                   "-n", namespace, "-s", f"{self.file.name}.sig", stdin=self.file)

    def script(self, author: str = "") -> subprocess.CompletedProcess[str]:
        return ran(self.folder, EXAMPLE / "verify.sh", self.file.name, "release.waggle", *([author] if author else []))


def export(world: World, folder: Path, reference: str, published: Path, extra: tuple[str, ...] = ()) -> Proofs:
    file = folder / published.name
    shutil.copyfile(published, file)
    made = world.maker.run("export", reference, "--format", "minisig", "--output", folder / f"{file.name}.minisig",
                           "--key-file", folder / "minisign.pub", *extra)
    assert "minisign -Vm" in made.stderr
    world.maker.run("export", reference, "--format", "sshsig", "--output", folder / f"{file.name}.sig",
                    "--key-file", folder / "allowed_signers", *extra)
    world.maker.run("export", reference, "--format", "waggle", "--output", folder / "release.waggle")
    key = (folder / "minisign.pub").read_text().splitlines()[1]
    return Proofs(folder, file, world.maker.json("show", reference)["author"], key)


@pytest.fixture
def proofs(world: World, tmp_path: Path) -> Proofs:
    return export(world, tmp_path, "@me/teal-harbour@1.0", world.lora)


def test_minisign_accepts_the_file_and_shows_what_was_signed_with_it(world: World, proofs: Proofs):
    release = world.maker.json("show", "@me/teal-harbour@1.0")["release"]
    for done in (proofs.minisign(), proofs.minisign("-p", "minisign.pub")):
        assert done.returncode == 0, done.stderr
        assert f"waggle release:{release}\tversion:1.0\tfile:{proofs.file.name}" in done.stdout


def test_openssh_accepts_the_file_for_this_author_and_meaning_alone(proofs: Proofs):
    done = proofs.ssh()
    assert done.returncode == 0 and proofs.author in done.stdout, done.stderr
    assert proofs.ssh(namespace="file").returncode != 0
    assert proofs.ssh(author="w1" + "a" * 52).returncode != 0


def test_the_script_accepts_the_file_with_openssl_alone(proofs: Proofs):
    done = proofs.script(proofs.author)
    assert done.returncode == 0 and proofs.author in done.stdout, done.stderr
    assert proofs.script("w1" + "a" * 52).returncode == 1


def test_one_flipped_bit_of_the_file_is_refused_by_all(proofs: Proofs):
    flip(proofs.file)
    for done in (proofs.minisign(), proofs.ssh(), proofs.script()):
        assert done.returncode != 0 and "Good:" not in done.stdout, done.stdout


def test_one_flipped_bit_of_a_signature_is_refused(proofs: Proofs):
    # The middle of either file is inside the base64 of a signature.
    for name, check in ((f"{proofs.file.name}.minisig", proofs.minisign), (f"{proofs.file.name}.sig", proofs.ssh)):
        lines = (proofs.folder / name).read_text().splitlines(keepends=True)
        whole = "".join(lines)
        signed = whole.index(lines[1]) + len(lines[1]) // 2 if name.endswith("minisig") else len(whole) - 60
        flip(proofs.folder / name, signed)
        assert check().returncode != 0


def test_a_changed_trusted_comment_is_refused(proofs: Proofs):
    path = proofs.folder / f"{proofs.file.name}.minisig"
    path.write_text(path.read_text().replace("version:1.0", "version:2.0"))
    assert proofs.minisign().returncode != 0


def test_no_flipped_bit_of_a_bundle_makes_the_script_take_another_file_or_author(proofs: Proofs):
    good = (proofs.folder / "release.waggle").read_bytes()
    signed = good.index(proofs.file.name.encode()) + len(proofs.file.name)
    seed = random.randrange(1 << 32)
    noise = random.Random(seed)
    other = samples.lora(proofs.folder / "other.safetensors", seed=99)
    # Up to here stand magic and release; behind it the model and hashes of units, which this script does not need.
    for at in [0, 2, 30, *(noise.randrange(signed) for _ in range(8))]:
        flip(proofs.folder / "release.waggle", at)
        assert proofs.script(proofs.author).returncode == 1, f"seed {seed}, byte {at}"
        (proofs.folder / "release.waggle").write_bytes(good)
    keys = good.index(b"this computer")
    flip(proofs.folder / "release.waggle", keys)
    assert "REFUSED" in proofs.script(proofs.author).stderr
    (proofs.folder / "release.waggle").write_bytes(good)
    proofs.file = other
    assert "not a file of this release" in proofs.script(proofs.author).stderr


def test_a_second_file_and_a_name_from_anywhere_in_the_world_are_signed_too(world: World, tmp_path: Path):
    second, strange = tmp_path / "second", tmp_path / "strange"
    second.mkdir()
    strange.mkdir()
    proofs = export(world, second, "@me/teal-harbour@2.0", world.lora, ("--file", world.lora.name))
    assert proofs.minisign().returncode == 0 and proofs.ssh().returncode == 0 and proofs.script().returncode == 0
    proofs = export(world, strange, "@me/gull@1.0", world.checkpoint)
    assert proofs.minisign().returncode == 0 and proofs.ssh().returncode == 0 and proofs.script().returncode == 0
    unknown = world.maker.run("export", "@me/gull@1.0", "--format", "sshsig", "--file", "nothing", check=False)
    assert unknown.returncode == NOT_FOUND and world.checkpoint.name in unknown.stderr


def test_who_does_not_have_the_key_is_told_what_to_take_instead(world: World, tmp_path: Path):
    release = world.maker.json("show", "@me/teal-harbour@1.0")["release"]
    for form in ("minisig", "sshsig"):
        done = world.mirror.run("export", release, "--format", form, "--output", tmp_path / "x", check=False)
        assert done.returncode == AUTH and "--format waggle" in done.stderr and "dsse" in done.stderr
        assert not (tmp_path / "x").exists()


def test_verify_says_who_signed_with_which_key_and_since_when(world: World, proofs: Proofs):
    bundle = proofs.folder / "release.waggle"
    offline = world.mirror.json("verify", proofs.file, "--release", bundle)
    assert offline["author"] == proofs.author and offline["files"][0]["state"] == "good"
    signer = offline["signer"]
    assert signer["state"] == "in-force" and signer["label"] == "this computer" and signer["since"] > 0
    assert signer["keysVersion"] == 2 and signer["rotations"] == [] and not signer["isDisputed"]
    known = world.mirror.json("verify", proofs.file)
    assert known["signer"] == signer and known["release"] == offline["release"]
    alone = world.mirror.json("verify", bundle)
    assert alone["signer"] == signer and [file["state"] for file in alone["files"]] == ["not checked"]
    held = world.mirror.json("verify", offline["release"])
    assert held["signer"] == signer and [file["state"] for file in held["files"]] == ["good"]
    words = world.mirror.run("verify", proofs.file, "--release", bundle).stdout
    assert '"this computer"' in words and signer["key"][:16] in words and proofs.author in words
    flip(proofs.file)
    assert world.mirror.run("verify", proofs.file, "--release", bundle, check=False).returncode == INTEGRITY


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """A copy of the checked-in example."""
    return Path(shutil.copytree(EXAMPLE, tmp_path / "example"))


def test_the_example_runs_as_it_is(example: Path):
    author = (example / "author.txt").read_text().strip()
    arguments = ("sh", "verify.sh", "waggle-teal.safetensors", "waggle-teal.waggle")
    done = ran(example, *arguments, author)
    assert done.returncode == 0 and author in done.stdout, done.stderr
    for name in ("waggle-teal.safetensors", "waggle-teal.waggle"):
        good = (example / name).read_bytes()
        flip(example / name, 300)
        assert ran(example, *arguments, author).returncode == 1, name
        (example / name).write_bytes(good)


def test_every_command_of_the_example_s_text_works(example: Path):
    blocks = (example / "README.md").read_text().split("```sh\n")[1:]
    script = "\n".join(block.split("```")[0] for block in blocks)
    assert script.count("openssl pkeyutl") == 1 and "minisign -V" in script and "ssh-keygen -Y verify" in script
    done = ran(example, "sh", "-euc", script)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Signature Verified Successfully" in done.stdout and 'Good "waggle-release@v1" signature' in done.stdout
    assert done.stdout.count("Good: ") == 1


def test_our_own_program_reads_the_example(example: Path, tmp_path: Path):
    done = Node(tmp_path / "nowhere").json("verify", example / "waggle-teal.safetensors", "--release",
                                           example / "waggle-teal.waggle")
    assert done["author"] == (example / "author.txt").read_text().strip()


@pytest.mark.parametrize("form", ["minisig", "sshsig", "waggle"])
def test_the_command_that_is_told_checks_what_was_written_under_any_name(world: World, tmp_path: Path, form: str):
    shutil.copyfile(world.lora, tmp_path / world.lora.name)
    proof, keys = tmp_path / "its proof", tmp_path / "whose key"
    more = ("--key-file", keys) if form == "sshsig" else ()
    made = world.maker.run("export", "@me/teal-harbour@1.0", "--format", form, "--output", proof, *more)
    told = made.stderr.split("To check: ")[1].splitlines()[0]
    told = told.replace("waggle verify FILE", f"{BINARY} verify {world.lora.name}")
    done = ran(tmp_path, "sh", "-c", told)
    assert done.returncode == 0, (told, done.stderr)
    proof.write_bytes(b"something else")
    assert ran(tmp_path, "sh", "-c", told).returncode != 0
