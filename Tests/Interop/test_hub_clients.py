"""Clients of the Hugging Face Hub, unchanged but for HF_ENDPOINT: the newest huggingface_hub, and 0.24.7."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import samples
from conftest import World
from node import Node, environment
from samples import sha256

PROGRAMS = Path(sys.executable).parent
OLDER = PROGRAMS.parent / "older"


class Hub:
    """Runs Python with one version of the library, pointed at the node that published."""

    def __init__(self, node: Node, home: Path, path: str, token: str = "") -> None:
        self.folder = home
        self.environment = environment(home / "home") | {
            "HF_ENDPOINT": node.url, "HF_HOME": str(home / "hub"), "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1", "PYTHONPATH": path,
            "HF_HUB_DISABLE_IMPLICIT_TOKEN": "" if token else "1"}
        if token:
            self.environment["HF_TOKEN"] = token

    def python(self, code: str) -> dict:
        """Runs code that prints JSON at its end."""
        done = self.run(sys.executable, "-c", f"import json, huggingface_hub as hub\n{code}")
        return json.loads(done.splitlines()[-1])

    def run(self, *arguments: str | Path) -> str:
        done = subprocess.run(arguments, cwd=self.folder, env=self.environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120)
        assert done.returncode == 0, f"{arguments}: {done.stdout[-1500:]}{done.stderr[-3000:]}"
        return done.stdout


@pytest.fixture(params=["", str(OLDER)], ids=["newest", "0.24.7"])
def hub(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> Hub:
    return Hub(world.maker, tmp_path, request.param)


@pytest.fixture(params=["", str(OLDER)], ids=["newest", "0.24.7"])
def author(world: World, tmp_path: Path, request: pytest.FixtureRequest) -> Hub:
    """With a token that may publish."""
    token = world.maker.json("token", "new", "--scope", "read,publish")["token"]
    return Hub(world.maker, tmp_path, request.param, token)


@pytest.fixture(scope="module")
def owner(world: World) -> str:
    """The maker's name in addresses."""
    return world.maker.api("models")["items"][0]["creator"]["username"]


def test_a_file_is_downloaded_by_branch_version_and_commit(hub: Hub, world: World, owner: str):
    repo = f"{owner}/teal-harbour"
    said = hub.python(f"""
info = hub.model_info({repo!r})
paths = [hub.hf_hub_download({repo!r}, 'teal-harbour-2.safetensors', revision=r) for r in (None, '2.0', info.sha)]
first = hub.hf_hub_download({repo!r}, 'teal-harbour.safetensors', revision='1.0')
again = hub.hf_hub_download({repo!r}, 'teal-harbour.safetensors', revision='1.0')
print(json.dumps({{'paths': paths, 'first': first, 'again': again, 'sha': info.sha, 'tags': info.tags,
    'files': [s.rfilename for s in info.siblings]}}))""")
    assert {sha256(Path(path)) for path in said["paths"]} == {sha256(world.lora_second)}
    assert sha256(Path(said["first"])) == sha256(world.lora) and said["first"] == said["again"]
    assert len(said["sha"]) == 40 and "waggle" in said["tags"]
    assert sorted(said["files"]) == ["README.md", "teal-harbour-2.safetensors", "teal-harbour.safetensors"]


def test_a_snapshot_has_everything_and_a_card(hub: Hub, world: World, owner: str):
    said = hub.python(f"""
folder = hub.snapshot_download({owner + '/gull'!r})
card = hub.ModelCard.load(folder + '/README.md') if hasattr(hub, 'ModelCard') else None
print(json.dumps({{'folder': folder, 'tags': card.data.tags}}))""")
    folder = Path(said["folder"])
    names = {path.name for path in folder.iterdir()}
    assert "README.md" in names and len(names) == 2
    assert sha256(next(path for path in folder.iterdir() if path.suffix == ".safetensors")) == sha256(world.checkpoint)
    assert "checkpoint" in said["tags"]


def test_lists_pages_trees_and_what_is_not_there(hub: Hub, world: World, owner: str):
    repo = f"{owner}/teal-harbour"
    said = hub.python(f"""
from huggingface_hub import utils
def refused(call):
    try:
        call()
    except Exception as error:
        return type(error).__name__
api = hub.HfApi()
tree = list(api.list_repo_tree({repo!r}, recursive=True))
info = api.get_paths_info({repo!r}, ['teal-harbour-2.safetensors', 'nothing'])
print(json.dumps({{
    'all': [m.id for m in api.list_models()], 'one': [m.id for m in api.list_models(limit=1)],
    'found': [m.id for m in api.list_models(search='harbour', author={owner!r})],
    'tree': sorted((f.path, f.size, f.lfs.sha256 if f.lfs else None) for f in tree),
    'info': [(f.path, f.lfs.sha256) for f in info],
    'refs': [t.name for t in api.list_repo_refs({repo!r}).tags],
    'there': api.file_exists({repo!r}, 'README.md'), 'absent': api.file_exists({repo!r}, 'model_index.json'),
    'repo': api.repo_exists({repo!r}), 'norepo': api.repo_exists({owner + '/nothing'!r}),
    'hidden': api.repo_exists({owner + '/hidden'!r}),
    'revision': refused(lambda: hub.hf_hub_download({repo!r}, 'README.md', revision='9.9')),
    'entry': refused(lambda: hub.hf_hub_download({repo!r}, 'model_index.json')),
    'repository': refused(lambda: hub.hf_hub_download({owner + '/nothing'!r}, 'README.md'))}}))""")
    assert set(said["all"]) == {f"{owner}/teal-harbour", f"{owner}/gull"} and len(said["one"]) == 1
    assert said["found"] == [repo]
    files = {path: (size, digest) for path, size, digest in said["tree"]}
    assert files["teal-harbour-2.safetensors"] == (world.lora_second.stat().st_size, sha256(world.lora_second))
    assert files["README.md"][1] is None
    assert said["info"] == [["teal-harbour-2.safetensors", sha256(world.lora_second)]]
    assert said["refs"] == ["2.0", "1.0"]
    assert (said["there"], said["absent"], said["repo"], said["norepo"], said["hidden"]) == (
        True, False, True, False, False)
    assert said["revision"] == "RevisionNotFoundError" and "EntryNotFound" in said["entry"]
    assert said["repository"] == "RepositoryNotFoundError"


def test_a_token_says_who_it_is_and_shows_what_its_account_sees(author: Hub, world: World, owner: str):
    said = author.python(f"""
me = hub.whoami()
path = hub.hf_hub_download({owner + '/hidden'!r}, 'hidden.safetensors')
print(json.dumps({{'name': me['name'], 'role': me['auth']['accessToken']['role'], 'path': path}}))""")
    assert said["name"] == owner and said["role"] == "write"
    assert sha256(Path(said["path"])) == sha256(world.hidden)


def test_the_cache_is_verified(world: World, tmp_path: Path, owner: str):
    hub = Hub(world.maker, tmp_path, "")
    hub.run(PROGRAMS / "hf", "download", f"{owner}/teal-harbour")
    assert "erif" in hub.run(PROGRAMS / "hf", "cache", "verify", f"{owner}/teal-harbour")


@pytest.mark.parametrize("path", ["", str(OLDER)], ids=["newest", "0.24.7"])
def test_what_is_pushed_becomes_a_signed_release(writable: Node, tmp_path: Path, path: str):
    author = Hub(writable, tmp_path, path, writable.json("token", "new", "--scope", "read,publish")["token"])
    name = "pushed"
    repo = "me/pushed"
    folder = tmp_path / "push"
    folder.mkdir()
    weights = samples.lora(folder / "pytorch_lora_weights.safetensors", seed=len(name), rank=4)
    samples.picture(folder / "sample.png", 64, 64, seed=9)
    (folder / "README.md").write_text(
        "---\nlicense: cc0-1.0\nbase_model_name: SDXL 1.0\ntags:\n- lora\n- harbour\n"
        "instance_prompt: teal evening\n---\nPushed by a trainer.\n")
    said = author.python(f"""
api = hub.HfApi()
url = api.create_repo('pushed', exist_ok=True)
first = api.upload_folder(repo_id={repo!r}, folder_path={str(folder)!r}, commit_message='v1.0')
info = api.model_info({repo!r})
second = api.upload_file(path_or_fileobj=b'{{"steps": 3}}', path_in_repo='train.json', repo_id={repo!r})
words = api.upload_file(path_or_fileobj=b'---\\ntags:\\n- lora\\n---\\nOther words.', path_in_repo='README.md',
                        repo_id={repo!r})
after = api.model_info({repo!r}, files_metadata=True)
again = api.create_repo({repo!r}, exist_ok=True)
print(json.dumps({{'url': str(url), 'first': first.oid, 'sha': info.sha, 'tags': info.tags,
    'files': sorted(s.rfilename for s in info.siblings), 'second': second.oid, 'words': words.oid,
    'after': sorted(s.rfilename for s in after.siblings), 'newest': after.sha,
    'oids': [s.lfs['sha256'] for s in after.siblings if s.lfs]}}))""")
    assert said["url"].endswith("/pushed") and said["first"] == said["sha"]
    assert said["files"] == ["README.md", "pytorch_lora_weights.safetensors"]
    assert {"lora", "harbour", "license:cc0-1.0"} <= set(said["tags"])
    assert said["second"] == said["newest"] == said["words"] != said["first"]
    assert said["after"] == ["README.md", "pytorch_lora_weights.safetensors", "train.json"]
    assert sha256(weights) in said["oids"]
    shown = writable.json("show", f"@me/{name}@v1.0")
    assert shown["release"].startswith(said["first"])
    assert writable.json("show", f"@me/{name}")["description"] == "Other words."
    gone = author.python(f"""
hub.HfApi().delete_repo({repo!r})
print(json.dumps({{'there': hub.HfApi().repo_exists({repo!r})}}))""")
    assert gone["there"] is False


def test_nobody_pushes_without_a_token_or_to_others(hub: Hub, author: Hub, owner: str):
    code = """
def refused(call):
    try:
        call()
    except Exception as error:
        return getattr(getattr(error, 'response', None), 'status_code', str(type(error)))
api = hub.HfApi()
print(json.dumps({'create': refused(lambda: api.create_repo(REPO)),
    'file': refused(lambda: api.upload_file(path_or_fileobj=b'x', path_in_repo='x.json', repo_id=REPO))}))"""
    assert author.python(f"REPO = 'somebody/else'{code}") == {"create": 403, "file": 403}
    assert hub.python(f"REPO = {owner + '/teal-harbour'!r}{code}")["create"] == 401
