"""Journey (d): somebody comes by, looks, finds out what a picture was made with, and checks a file. With scripts and
without, by mouse and by keyboard alone; and what it costs on the wire.
"""

import gzip
import hashlib
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import samples
from browser import Browser
from conftest import World
from node import Node, wait_until

# Bytes as gzip: what a page may cost.
GALLERY, MODEL, STYLE = 8 << 10, 9 << 10, 3 << 10


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def crowd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node with a model of six versions and more pictures than fit on a page."""
    root = tmp_path_factory.mktemp("crowd")
    node = Node(root / "home")
    node.run("init")
    about = root / "about.md"
    about.write_text("A LoRA for evenings at the harbour: teal water, low sun, many boats.\n\n" * 8)
    for version in range(6):
        file = samples.lora(root / f"teal-{version}.safetensors", seed=version, rank=1)
        pictures = []
        for number in range(9):
            seed = version * 9 + number
            path = samples.picture(
                root / f"{seed}.png", 64, 96, seed=seed, text=f"harbour {seed}, boats, calm water\n"
                f"Steps: 24, Sampler: Euler a, CFG scale: 6.5, Seed: {seed * 7919}, Size: 64x96, "
                f'Lora hashes: "teal: {samples.autov3(file)}"')
            pictures += ["--sample", path]
        node.run("publish", file, "--model", "@me/teal", "--version", f"{version}.0", "--name", "Teal harbour",
                 "--description-file", about, "--trigger", "teal harbour", "--tag", "landscape", *pictures,
                 "--real-person", "no", "--yes")
    try:
        node.serve()
        yield node
    finally:
        node.stop()


def fetch(url: str) -> tuple[bytes, dict[str, str]]:
    """What a browser is sent, as it is sent."""
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept-Encoding": "gzip"}), timeout=30) as reply:
        return reply.read(), {name.lower(): value for name, value in reply.headers.items()}


def test_pages_are_as_small_as_they_should_be(crowd: Node) -> None:
    model = crowd.api("models")["items"][0]["id"]
    sizes = {}
    for path, most in {"/images": GALLERY, f"/models/{model}/gallery": GALLERY, "/": GALLERY,
                       f"/models/{model}": MODEL, "/style.css": STYLE}.items():
        body, headers = fetch(crowd.url + path)
        assert headers["content-encoding"] == "gzip"
        text = gzip.decompress(body).decode()
        if "images" in path or "gallery" in path:
            assert text.count('<li class="card">') == 48
            wait_until("the colours of the pictures", lambda: "color=\"#" in crowd.get(path).decode())
            body, _ = fetch(crowd.url + path)
        sizes[path] = len(body)
        assert len(body) <= most, f"{path} has {len(body)} bytes"
    print(sizes)


def test_a_page_says_what_a_browser_may_do_with_it(crowd: Node) -> None:
    _, headers = fetch(crowd.url + "/")
    policy = headers["content-security-policy"]
    assert policy == ("default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; "
                      "form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    picture = crowd.api("images")["items"][0]["url"]
    _, headers = fetch(picture)
    assert "sandbox" in headers["content-security-policy"] and headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_from_the_front_page_to_the_exact_file(browser: Browser, world: World, scripts: bool) -> None:
    browser.run_scripts(scripts)
    try:
        browser.screen(1440, 900)
        assert browser.visit(world.maker.url + "/").status == 200
        told = next(image["id"] for image in world.maker.api("images?withMeta=true")["items"] if image["meta"])
        browser.visit(world.maker.url + "/images?recipe=with")
        browser.click(f"a[href='/images/{told}']")
        facts = browser.script("""({prompt: document.querySelector('[aria-labelledby=prompt] p').innerText,
            settings: document.querySelector('[aria-labelledby=settings]').innerText,
            states: [...document.querySelectorAll('[aria-labelledby=resources] tbody tr')].map(r => r.innerText)})""")
        assert "teal harbour at dusk" in facts["prompt"]
        assert "1234567890" in facts["settings"] and "Euler a" in facts["settings"]
        assert any("verified" in state for state in facts["states"])
        browser.click("[aria-labelledby=resources] td a")
        assert browser.script("document.querySelector('h1').innerText") == "Teal harbour"
        assert browser.script("document.querySelector('[aria-current=page]').innerText") == "1.0"
        digest = hashlib.sha256(world.lora.read_bytes()).hexdigest()
        assert digest in browser.script("document.querySelector('[aria-labelledby=files]').innerText")
    finally:
        browser.run_scripts(True)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_file_is_checked_on_the_spot(browser: Browser, world: World, tmp_path: Path, scripts: bool) -> None:
    browser.run_scripts(scripts)
    try:
        stranger = tmp_path / "stranger.bin"
        stranger.write_bytes(bytes(range(256)) * 5000 + b"end")
        renamed = tmp_path / "renamed.safetensors"
        body = world.lora.read_bytes()
        length = int.from_bytes(body[:8], "little")
        header = body[8:8 + length].rstrip()[:-1] + b',"note":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}'
        renamed.write_bytes(len(header).to_bytes(8, "little") + header + body[8 + length:])
        for file, words in [(world.lora, "exactly what was signed"), (stranger, "Unknown here"),
                            (renamed, "the header is another")]:
            visit = browser.visit(world.maker.url + "/verify")
            assert visit.status == 200 and not visit.messages
            browser.choose("#file", file)
            browser.click(".drop button")
            assert words in browser.script("document.querySelector('main').innerText")
            assert hashlib.sha256(file.read_bytes()).hexdigest() in browser.script("location.href")
    finally:
        browser.run_scripts(True)


def test_the_way_by_keyboard_alone(browser: Browser, world: World) -> None:
    browser.screen(1440, 900)
    browser.visit(world.maker.url + "/")
    browser.press("Tab")
    browser.press("Enter")
    browser.press("Tab")
    assert browser.script("document.activeElement.closest('main') !== null"), "the skip link leads into the page"
    seen = 0
    while not browser.script("document.activeElement.matches('.card > a')"):
        browser.press("Tab")
        seen += 1
        assert seen < 12, "the first card is far away"
    outline = browser.script("getComputedStyle(document.activeElement).outlineWidth")
    assert outline == "3px", "the focus is not seen"
    target = browser.script("document.activeElement.href")
    browser.press("Enter", loads=True)
    assert browser.script("location.href") == target
    # Everything that can be pressed is reached, in the order in which it is read, and is large enough.
    browser.visit(world.maker.url + "/models")
    order = []
    for _ in range(200):
        browser.press("Tab")
        place = browser.script("""(e => e === document.body ? null : [[...document.querySelectorAll('*')].indexOf(e),
            e.getBoundingClientRect().height, e.tagName])(document.activeElement)""")
        if place is None:
            break
        order.append(place)
    assert [index for index, _, _ in order] == sorted(index for index, _, _ in order)
    reachable = browser.script("""[...document.querySelectorAll('a[href],button,input,select,summary')]
        .filter(e => e.checkVisibility() && e.tabIndex >= 0).length""")
    assert len(order) >= reachable - 1, f"{len(order)} of {reachable}"


def test_keys_and_copying_where_scripts_run(browser: Browser, world: World) -> None:
    """What scripts add; each of it can be done without."""
    browser.screen(1440, 900)
    browser.call("Emulation.setFocusEmulationEnabled", enabled=True)
    browser.visit(world.maker.url + "/models")
    here = "document.activeElement"
    browser.press("j")
    first = browser.script(f"{here}.closest('.card') === document.querySelector('.card') && {here}.href")
    assert first
    browser.press("/")
    assert browser.script(f"{here}.id") == "search"
    # Where somebody writes a key is a letter.
    browser.press("j")
    assert browser.script(f"{here}.id") == "search"
    browser.script(f"{here}.blur()")
    browser.press("?")
    assert "The next in a list" in browser.script("document.querySelector('dialog').innerText")
    browser.click("dialog .quiet", loads=False)
    browser.press("j")
    assert browser.script(f"!{here}.closest('.card')"), "the keys are off"
    browser.visit(world.maker.url + "/help")
    browser.click("[data-keys] button", loads=False)
    browser.click("dialog .quiet", loads=False)
    browser.visit(first)
    browser.click("code.line + button", loads=False)
    wait_until("the copy", lambda: browser.script("document.querySelector('code.line + button').innerText") == "Copied")
    browser.click("[aria-labelledby=files] [data-copy]", loads=False)
    assert browser.script("document.querySelector('[aria-labelledby=files] [data-copy]').getAttribute('role')") == "button"


def test_a_list_goes_on_by_itself_where_somebody_wants_it(browser: Browser, crowd: Node) -> None:
    browser.screen(1440, 900)
    cards = "document.querySelectorAll('.card').length"
    browser.visit(crowd.url + "/images")
    browser.script("scrollTo(0, document.body.scrollHeight)")
    assert browser.script(cards) == 48, "nobody asked for more"
    browser.click("#goes-on", loads=False)
    wait_until("more cards", lambda: browser.script(cards) > 48)
    links = browser.script("[...document.querySelectorAll('.card > a')].map(a => a.href)")
    assert len(links) == len(set(links)), "each picture once"
    browser.visit(crowd.url + "/images")
    browser.script("scrollTo(0, document.body.scrollHeight)")
    wait_until("more cards on another visit", lambda: browser.script(cards) > 48)
    # Whoever has enough of it says so where a list begins: at its end there is nothing to go on. A low window is far from it.
    browser.screen(1000, 300)
    browser.visit(crowd.url + "/images")
    browser.click("#goes-on", loads=False)
    browser.script("scrollTo(0, document.body.scrollHeight)")
    assert browser.script(cards) == 48


def test_the_chosen_palette_stays_and_never_flashes(browser: Browser, world: World) -> None:
    browser.screen(1000, 700, dark=False)
    browser.visit(world.maker.url + "/models?sort=oldest")
    ground = "getComputedStyle(document.body).backgroundColor"
    light = browser.script(ground)
    browser.click("footer button[value=dark]")
    assert browser.script("location.pathname + location.search") == "/models?sort=oldest"
    dark = browser.script(ground)
    assert dark != light
    # The stylesheet itself differs: whatever is painted first is painted dark.
    assert browser.script("document.styleSheets[0].cssRules[0].cssText").find("color-scheme: dark") > 0
    browser.visit(world.maker.url + "/creators")
    assert browser.script(ground) == dark
    browser.click("footer button[value=system]")
    assert browser.script(ground) == light


@pytest.mark.parametrize("width", [320, 768, 1440])
def test_nothing_scrolls_sideways_at_twice_the_text(browser: Browser, world: World, width: int) -> None:
    browser.screen(width, 900)
    model = world.maker.api("models")["items"][0]["id"]
    for path in ("/", "/models", f"/models/{model}", "/verify", "/status", "/help"):
        browser.visit(world.maker.url + path)
        browser.script("document.documentElement.style.fontSize = '200%'")
        over = browser.script("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{path} at {width} pixels: {over} too wide"
