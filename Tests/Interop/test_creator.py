"""Journey (b): somebody opens an account, brings a file, and signs a release of it with samples; with scripts and without.
And an upload of 200 MB whose connection breaks twice.
"""

import hashlib
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import samples
from browser import Browser
from node import Node, wait_until

PASSPHRASE = "nine bees in a row"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("browser"))
    browser.screen(1280, 900)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node that takes everybody."""
    node = Node(tmp_path_factory.mktemp("open") / "home")
    node.run("init")
    (node.home / "waggle.toml").write_text('[registration]\nmode = "open"\n')
    try:
        yield node.serve()
    finally:
        end = node.stop()
    assert end == 0, "the node did not stop by itself"


class CuttingProxy:
    """Hands connections on to a node, and cuts those that bring a lot: one after so many bytes, then another."""

    def __init__(self, port: int, cuts: list[int]) -> None:
        self.port_behind = port
        self.cuts = cuts
        self.brought = 0
        self.done = 0
        self.lock = threading.Lock()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.server.close()

    def _accept(self) -> None:
        while True:
            try:
                front, _ = self.server.accept()
            except OSError:
                return
            back = socket.create_connection(("127.0.0.1", self.port_behind))
            threading.Thread(target=self._hand_on, args=(front, back, True), daemon=True).start()
            threading.Thread(target=self._hand_on, args=(back, front, False), daemon=True).start()

    def _hand_on(self, source: socket.socket, sink: socket.socket, counts: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if counts:
                    with self.lock:
                        self.brought += len(data)
                        if self.done < len(self.cuts) and self.brought >= self.cuts[self.done]:
                            self.done += 1
                            break
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def type_into(browser: Browser, **fields: str) -> None:
    """Types into the fields of the page, by their names."""
    for name, value in fields.items():
        browser.script(f"(e => {{ e.value = {value!r}; }})(document.querySelector('main [name={name}]'))")


def join(browser: Browser, url: str, name: str) -> None:
    """Opens an account, and looks at the words."""
    browser.call("Network.clearBrowserCookies")
    assert browser.visit(url + "/signup").status == 200
    type_into(browser, account=name, name=name.title(), passphrase=PASSPHRASE)
    browser.click("main form button")
    assert browser.script("document.querySelectorAll('main ol li').length") == 24
    browser.click("main a.button")
    assert f"@{name}" in browser.script("document.querySelector('header').innerText")


def wait_for(browser: Browser, code: str, seconds: float = 60) -> None:
    """Waits until something is true in the page, and that page is loaded: its end is not to be taken for the next one's."""
    wait_until(code, lambda: browser.script(f"document.readyState === 'complete' && !!({code})"), seconds)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_release_is_published_from_the_browser(browser: Browser, home: Node, tmp_path: Path, scripts: bool) -> None:
    browser.run_scripts(scripts)
    try:
        name = "ada" if scripts else "bea"
        join(browser, home.url, name)
        file = samples.lora(tmp_path / f"teal-{name}.safetensors", seed=11 if scripts else 12)
        recipe = ("teal harbour at dusk <lora:teal:0.8>\nSteps: 24, Sampler: Euler a, CFG scale: 6.5, Seed: 7, Size: 64x96, "
                  f'Lora hashes: "teal: {samples.autov3(file)}"')
        picture = samples.picture(tmp_path / f"{name}.png", 64, 96, seed=5, text=recipe)
        browser.visit(home.url + "/publish")
        browser.click("button[value=release]")

        browser.choose("#f-file", file)
        browser.click(".drop form button") if not scripts else browser.script("document.querySelector('.drop form').requestSubmit()")
        if scripts:
            wait_for(browser, "document.querySelector('.rows .file')")
        assert file.name in browser.script("document.querySelector('main').innerText")
        browser.click("main > .reading > p > a.button")

        type_into(browser, model=f"teal-{name}", version="1.0", name="Teal harbour", description="Evenings at the harbour.",
                  tags="landscape, style", words="teal harbour", base="SDXL 1.0")
        browser.script("document.querySelector('main [name=type]').value = 'LORA'")
        browser.click("main form button")
        assert "step=samples" in browser.script("location.href"), browser.script("document.querySelector('main').innerText")

        browser.choose("#f-file", picture)
        browser.click(".drop form button") if not scripts else browser.script("document.querySelector('.drop form').requestSubmit()")
        if scripts:
            wait_for(browser, "document.querySelector('.rows .file')")
        assert "made with this file" in browser.script("document.querySelector('main').innerText")
        browser.click("main > .reading > p > a.button")

        assert f"@{name}/teal-{name}@1.0" in browser.script("document.querySelector('main').innerText")
        browser.script("document.querySelector('main [name=person]').value = 'no'")
        browser.click("main form button")
        assert browser.script("document.querySelector('h1').innerText") == "Teal harbour"
        text = browser.script("document.querySelector('main').innerText")
        assert hashlib.sha256(file.read_bytes()).hexdigest() in text
        assert "verified" in _recipe(browser)
    finally:
        browser.run_scripts(True)


def _recipe(browser: Browser) -> str:
    browser.click(".samples a")
    return browser.script("document.querySelector('[aria-labelledby=resources]').innerText")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_review_brings_a_picture(browser: Browser, home: Node, tmp_path: Path, scripts: bool) -> None:
    """A form with words and a file: nothing typed is lost when the file is none."""
    home.run("publish", samples.lora(tmp_path / "wax.safetensors", seed=21 + scripts), "--model", f"@me/wax-{scripts}".lower(),
             "--version", "1.0", "--type", "LORA", "--real-person", "no", "--yes")
    release = home.json("show", f"@me/wax-{scripts}@1.0".lower())["release"]
    browser.run_scripts(scripts)
    try:
        join(browser, home.url, "fay" if scripts else "gil")
        bad = tmp_path / "bad.png"
        bad.write_bytes(b"no picture")
        browser.visit(f"{home.url}/reviews/new?release={release}")
        type_into(browser, text="It draws fog.")
        browser.script("document.querySelector('main [name=verdict]').value = 'yes'")
        browser.choose("#f-file", bad)
        browser.click("main form button", loads=not scripts)
        wait_for(browser, "document.querySelector('main .error')")
        assert browser.script("document.querySelector('main [name=text]').value") == "It draws fog."
        browser.choose("#f-file", samples.picture(tmp_path / "fog.png", 64, 64, seed=3))
        browser.click("main form button")
        assert "/models/" in browser.script("location.pathname")
        assert "It draws fog." in browser.script("document.querySelector('main').innerText")
    finally:
        browser.run_scripts(True)


def test_two_hundred_megabytes_are_cut_twice_and_go_on(browser: Browser, home: Node, tmp_path: Path) -> None:
    size = 200 << 20
    proxy = CuttingProxy(home.port, [60 << 20, 130 << 20])
    try:
        url = f"http://127.0.0.1:{proxy.port}"
        join(browser, url, "cleo")
        file = samples.checkpoint(tmp_path / "large.safetensors", mebibytes=200, seed=9)
        assert file.stat().st_size >= size
        browser.visit(url + "/publish")
        browser.click("button[value=release]")
        browser.choose("#f-file", file)
        browser.script("document.querySelector('.drop form').requestSubmit()")
        wait_for(browser, "document.querySelector('.rows .file')", 180)
        assert proxy.done == 2, "the connection was cut twice"
        # What was brought before a cut was not brought again, but for a piece each time.
        assert proxy.brought < file.stat().st_size + (24 << 20), f"{proxy.brought} bytes for {file.stat().st_size}"
        browser.click("main > .reading > p > a.button")
        type_into(browser, model="large", version="1.0", name="Large")
        browser.script("document.querySelector('main [name=type]').value = 'Checkpoint'")
        browser.click("main form button")
        browser.visit(browser.script("location.href").replace("step=samples", "step=sign"))
        browser.script("document.querySelector('main [name=person]').value = 'no'")
        browser.click("main form button")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        assert digest in browser.script("document.querySelector('main').innerText")
    finally:
        proxy.close()


def test_what_was_typed_comes_back_after_the_session_is_over(browser: Browser, home: Node) -> None:
    join(browser, home.url, "dora")
    browser.visit(home.url + "/articles/new")
    type_into(browser, title="On wax", text="Long words that nobody wants to type twice.")
    browser.call("Network.clearBrowserCookies")
    browser.click("main form button")
    assert "kept" in browser.script("document.querySelector('main').innerText")
    type_into(browser, account="dora", passphrase=PASSPHRASE)
    browser.click("main form button")
    assert "Long words" in browser.script("document.querySelector('main [name=text]').value")
    browser.click("main form button")
    assert browser.script("document.querySelector('h1').innerText") == "On wax"


@pytest.mark.parametrize("width", [320, 1280])
def test_the_pages_of_a_member_look_as_they_should(browser: Browser, home: Node, width: int) -> None:
    browser.screen(width, 900)
    join(browser, home.url, f"eva{width}")
    for path in ("/publish", "/articles/new", "/collections/new", "/account", "/account/notifications", "/account/library", "/account/settings",
                 "/account/keys", "/account/tokens", "/account/export", "/account/move"):
        visit = browser.visit(home.url + path)
        assert visit.status == 200 and not visit.messages and not visit.failures, f"{path}: {visit}"
        over = browser.script("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        assert over <= 0, f"{path} at {width} pixels: {over} too wide"
        browser.keep(f"member{path.replace('/', '-')}-{width}")
    browser.call("Network.clearBrowserCookies")
    for path in ("/signin", "/signup"):
        browser.visit(home.url + path)
        browser.keep(f"member{path.replace('/', '-')}-{width}")
    browser.screen(1280, 900)
