"""Programs made for Civitai, unchanged, through HTTPS at civitai.com, against a node that mirrored what they fetch."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import PROMPT, World
from samples import sha256

PROGRAMS = Path(sys.executable).parent


class Client:
    """Runs programs with a home of their own, on the way to our civitai.com."""

    def __init__(self, world: World, home: Path) -> None:
        self.environment = world.front.environment(home) | {"COLUMNS": "200", "DO_NOT_TRACK": "1"}
        self.folder = home

    def run(self, *arguments: str | Path) -> str:
        done = subprocess.run(arguments, cwd=self.folder, env=self.environment, capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, timeout=120)
        assert done.returncode == 0, f"{arguments}: {done.stdout[-1500:]}{done.stderr[-1500:]}"
        return done.stdout

    def python(self, code: str) -> dict:
        """Runs code that uses a client's library and prints JSON at its end."""
        return json.loads(self.run(sys.executable, "-c", f"import json\n{code}").splitlines()[-1])

    def saved(self, name: str) -> Path:
        """The one file of this name, or shape of name, that a program left."""
        found = [path for path in self.folder.rglob(name) if path.is_file()]
        assert len(found) == 1, f"{name}: {found}"
        return found[0]


@pytest.fixture
def client(world: World, tmp_path: Path) -> Client:
    return Client(world, tmp_path)


@pytest.fixture(scope="module")
def models(world: World) -> dict[str, dict]:
    """The models by name, as the mirror numbers them."""
    return {model["name"]: model for model in world.mirror.api("models")["items"]}


@pytest.fixture(scope="module")
def harbour(models) -> dict:
    return models["Teal harbour"]


@pytest.fixture(scope="module")
def gull(models) -> dict:
    return models["Möwe über dem Hafen"]


# civitai-downloader 1.3.5


def test_civitai_downloader_saves_the_primary_file_under_its_name(client: Client, world: World, harbour):
    link = f"https://civitai.com/api/download/models/{harbour['modelVersions'][0]['id']}"
    client.run(sys.executable, "-c", "from civitai_downloader import main; main()", "--url", link, "--output_path",
               ".", "--token", "none")
    assert sha256(client.saved(world.lora_second.name)) == sha256(world.lora_second)


# civitdl 2.2.0


def test_civitdl_saves_model_images_and_hashes(client: Client, world: World, harbour, gull):
    first = harbour["modelVersions"][1]
    page = f"https://civitai.com/models/{harbour['id']}?modelVersionId={first['id']}"
    client.run(PROGRAMS / "civitdl", page, str(gull["id"]), "out", "--with-prompt", "--strict-mode", "1",
               "--pause-time", "0.01", "--retry-count", "0")
    assert sha256(client.saved(f"teal-harbour-mid_*-vid_{first['id']}.safetensors")) == sha256(world.lora)
    assert sha256(client.saved(f"M*-vid_{gull['modelVersions'][0]['id']}.safetensors")) == sha256(world.checkpoint)
    assert sha256(world.lora).upper() in client.saved(f"teal-harbour-mid_*-vid_{first['id']}.csv").read_text()
    published = sorted(sha256(path) for path in world.pictures[:2])
    assert sorted(sha256(path) for path in client.folder.rglob("*.png")) == published
    prompts = [json.loads(client.saved(f"{image['id']}.json").read_text())["meta"] for image in first["images"]]
    assert [p["prompt"] for p in prompts if p] == [PROMPT]


# civitai-hub 0.3.2: refuses links to hosts that it does not know, and bytes of another hash


def test_civitai_hub_downloads_by_number_and_by_page(client: Client, world: World, harbour, gull):
    civitai = PROGRAMS / "civitai"
    client.run(civitai, "download", str(gull["id"]), "--local-dir", "out")
    first = harbour["modelVersions"][1]["id"]
    client.run(civitai, "download", f"https://civitai.com/models/{harbour['id']}?modelVersionId={first}",
               "--local-dir", "out")
    assert sha256(client.folder / "out" / world.checkpoint.name) == sha256(world.checkpoint)
    assert sha256(client.folder / "out" / world.lora.name) == sha256(world.lora)


def test_civitai_hub_downloads_all_files_of_a_version(client: Client, world: World, harbour):
    client.run(PROGRAMS / "civitai", "download", str(harbour["id"]), "--all", "--local-dir", "out")
    for file in (world.lora, world.lora_second):
        assert sha256(client.folder / "out" / file.name) == sha256(file)


def test_civitai_hub_goes_on_with_a_part(client: Client, world: World, gull):
    said = client.python(f"""
from pathlib import Path
import civitai_hub
from civitai_hub.cache import CacheStore
info = civitai_hub.model_info({gull['id']})
store = CacheStore(Path('cache'), use_symlinks=True)
part = store.incomplete_path(info.model.id, info.files[0])
part.parent.mkdir(parents=True)
part.write_bytes(Path({str(world.checkpoint)!r}).read_bytes()[:10_000_019])
seen = []
path = civitai_hub.download({gull['id']}, cache_dir='cache', progress_cb=lambda done, total: seen.append(done))
print(json.dumps({{'path': str(path), 'first': seen[0]}}))""")
    assert said["first"] > 10_000_019, "it began again from the start"
    assert sha256(client.folder / said["path"]) == sha256(world.checkpoint)


@pytest.mark.parametrize("algorithm", ["SHA256", "AutoV2", "AutoV3", "CRC32"])
def test_civitai_hub_identifies_a_local_file_by_hash(client: Client, gull, algorithm):
    named = gull["modelVersions"][0]["files"][0]["hashes"][algorithm]
    assert str(gull["id"]) in client.run(PROGRAMS / "civitai", "by-hash", named.lower())


def test_civitai_hub_searches_and_finds_base_models(client: Client, harbour, gull):
    found = client.python(f"""
import civitai_hub
print(json.dumps({{
    'search': [m.id for m in civitai_hub.search('harbour', sort='Newest')],
    'none': [m.id for m in civitai_hub.search('zeppelin')],
    'type': [m.id for m in civitai_hub.search(type='Checkpoint')],
    'base': [m.id for m in civitai_hub.find_base_models({harbour['id']}).candidates]}}))""")
    assert found == {"search": [harbour["id"]], "none": [], "type": [gull["id"]], "base": [gull["id"]]}


def test_civitai_hub_says_not_found(client: Client):
    said = client.python("""
import civitai_hub
from civitai_hub.errors import NotFoundError
try:
    civitai_hub.find_by_hash('ab' * 32)
except NotFoundError:
    print(json.dumps('not found'))""")
    assert said == "not found"


# civitai-api 3.0.3: the strictest; every member of every shape is checked


def test_civitai_api_takes_every_shape(client: Client, world: World, harbour):
    first = harbour["modelVersions"][1]
    said = client.python(f"""
import httpx
from civitai_api.v1 import CiviClient
client = CiviClient(api_key='none', httpx_client=httpx.Client(), async_httpx_client=httpx.AsyncClient())
listed = client.models(limit=10).items
print(json.dumps({{
    'models': sorted(m.name for m in listed),
    'model': client.get_model_by_id({harbour['id']}).name,
    'version': client.get_model_by_versionId({first['id']}).files[0].hashes.SHA256,
    'hash': client.get_model_by_hash({sha256(world.lora)!r}).id,
    'images': sorted(i.url.split('/')[4] for i in client.images(limit=100).items)}}))""")
    assert said == {
        "models": ["Möwe über dem Hafen", "Teal harbour"], "model": "Teal harbour",
        "version": sha256(world.lora).upper(), "hash": first["id"],
        "images": sorted(sha256(path) for path in world.pictures)}


# civitai 1.0.0


def test_civitai_1_walks_pages_and_reads_models_and_images(client: Client, world: World, harbour, gull):
    said = client.python(f"""
import requests
from civitai import images, models
first = models.get(limit=1)
second = requests.get(first.nextPage).json()
model = models.get_model({harbour['id']})
print(json.dumps({{
    'pages': [first.items[0].id, second['items'][0]['id']], 'cursor': first.nextCursor,
    'ends': sorted(set(second['metadata']) & {{'nextPage', 'nextCursor'}}),
    'numbered': models.get(limit=1, page=2).items[0].id,
    'link': model.modelVersions[0].downloadUrl, 'words': model.modelVersions[0].trainedWords,
    'version': models.get_by_hash({sha256(world.lora)[:10]!r}).id,
    'images': len(images.get(limit=10, modelId={harbour['id']}).items)}}))""")
    assert said.pop("cursor")
    newest = [model["id"] for model in world.mirror.api("models")["items"]]
    assert said == {
        "pages": newest, "ends": [], "numbered": newest[1],
        "link": f"https://civitai.com/api/download/models/{harbour['modelVersions'][0]['id']}",
        "words": ["teal harbour"], "version": harbour["modelVersions"][1]["id"], "images": 3}


# civitai-dl 0.1.2: looks at the version, then takes the name from the file's own field


def test_civitai_dl_downloads_models_by_number(client: Client, world: World, harbour, gull):
    first = harbour["modelVersions"][1]["id"]
    client.run(PROGRAMS / "civitai-dl", "download", "model", str(harbour["id"]), "--version", str(first), "--output",
               "out")
    # Its command for several at once fails before it asks anything.
    client.run(PROGRAMS / "civitai-dl", "download", "model", str(gull["id"]), "--output", "newest")
    saved = {sha256(path) for path in client.folder.rglob("*.safetensors")}
    assert saved == {sha256(world.lora), sha256(world.checkpoint)}


# comfy-cli 1.23.0


def test_comfy_downloads_by_page_and_by_link(client: Client, world: World, harbour, gull):
    workspace = client.folder / "ComfyUI"
    workspace.mkdir()
    client.run(PROGRAMS / "comfy", "--skip-prompt", "tracking", "disable")
    for link, kind in [(f"https://civitai.com/models/{harbour['id']}", "loras"),
                       (f"https://civitai.com/api/download/models/{gull['modelVersions'][0]['id']}", "checkpoints")]:
        client.run(PROGRAMS / "comfy", "--skip-prompt", "--workspace", workspace, "model", "download", "--url", link,
                   "--relative-path", f"models/{kind}", "--filename", f"{kind}.safetensors")
    assert sha256(workspace / "models" / "loras" / "loras.safetensors") == sha256(world.lora_second)
    assert sha256(workspace / "models" / "checkpoints" / "checkpoints.safetensors") == sha256(world.checkpoint)


# What programs that are not run here send (web UI extensions, ComfyUI-Lora-Manager)


def test_many_hashes_are_looked_up_at_once(client: Client, world: World, harbour, gull):
    said = client.python(f"""
import requests
hashes = [{sha256(world.lora).upper()!r}, {sha256(world.checkpoint)!r}, {sha256(world.hidden)!r}, 'ab' * 32]
base = 'https://civitai.com/api/v1/model-versions/by-hash'
print(json.dumps({{
    'versions': sorted(v['id'] for v in requests.post(base, json=hashes).json()),
    'ids': sorted((m['modelId'], m['hash']) for m in requests.post(base + '/ids', json=hashes).json())}}))""")
    second, first = (version["id"] for version in harbour["modelVersions"])
    only = gull["modelVersions"][0]["id"]
    assert set(said["versions"]) >= {first, only} and set(said["versions"]) <= {first, second, only}
    assert {tuple(pair) for pair in said["ids"]} == {
        (harbour["id"], sha256(world.lora).upper()), (gull["id"], sha256(world.checkpoint).upper())}
