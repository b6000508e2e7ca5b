"""Journey (c): somebody sets a node up in the browser, decides who may join and what is shown, and answers those who ask. With
scripts and without.
"""

import hashlib
import json
import re
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import samples
from browser import Browser
from node import BINARY, Node, environment, wait_until

PASSPHRASE = "nine bees in a row"


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.run_scripts(True)
    browser.close()


class Fresh(Node):
    """A node that nobody set up: its first start prints the link."""

    link = ""

    def begin(self, listen: str = "127.0.0.1:0") -> "Fresh":
        """Starts the server on an empty machine."""
        self._errors = (self.home.parent / f"{self.home.name}.log").open("w")
        self.process = subprocess.Popen([BINARY, "serve", "--listen", listen], env=environment(self.home), text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors)
        assert self.process.stdout
        for line in self.process.stdout:
            if found := re.search(r"serves (http://\S+)", line):
                self.url = found[1]
            if found := re.search(r"(http://\S+/setup\?token=\S+)", line):
                self.link = found[1]
            if "Stop:" in line:
                return self
        raise AssertionError(f"the node did not start: {Path(self._errors.name).read_text()[-2000:]}")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Fresh]:
    node = Fresh(tmp_path / "home")
    yield node.begin()
    assert node.stop() == 0


def fill(browser: Browser, **values: str | bool) -> None:
    """Puts values into the fields of the page, by name."""
    for name, value in values.items():
        field = name.replace("__", ".")
        browser.script(f"""(value => {{
            const all = document.getElementsByName({json.dumps(field)});
            for (const one of all) {{
                if (one.type === 'radio') {{ one.checked = one.value === value; }}
                else if (one.type === 'checkbox') {{ one.checked = value; }}
                else {{ one.value = value; }}
            }}
        }})({json.dumps(value)})""")


def here(browser: Browser) -> str:
    return browser.script("location.pathname")


def heading(browser: Browser) -> str:
    return browser.script("document.querySelector('h1').innerText")


def status(url: str, method: str = "GET") -> int:
    try:
        with urllib.request.urlopen(urllib.request.Request(url, method=method), timeout=30) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def apply(node: Node, name: str, words: str) -> None:
    """Registers as a program does."""
    body = json.dumps({"account": name, "passphrase": PASSPHRASE, "application": words}).encode()
    request = urllib.request.Request(node.url + "/api/w1/accounts", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        assert reply.status in (201, 202)


def sign_in_by_link(browser: Browser, node: Fresh) -> None:
    assert browser.visit(node.link).status == 200
    assert browser.script("document.getElementById('token').value").startswith("wgl_u")
    fill(browser, passphrase=PASSPHRASE)
    browser.click("form[action='/setup'] button")
    assert "signed in as @me" in browser.script("document.body.innerText")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_a_node_is_set_up_in_the_browser(browser: Browser, fresh: Fresh, scripts: bool) -> None:
    node = fresh
    assert status(node.url + "/admin") == 401, "the first visitor is nobody"
    assert status(node.url + "/setup/name") == 401
    browser.run_scripts(scripts)
    browser.screen(1100, 900)
    began = time.monotonic()
    sign_in_by_link(browser, node)
    if scripts:
        browser.keep("setup-signed-in")
    browser.click("main a.button")
    assert here(browser) == "/setup/name"

    fill(browser, name="Models of the coast", rules="# Be kind\n\nNo *spam*.")
    browser.click("button[value=save]")
    assert here(browser) == "/setup/owner"
    browser.click("button[value=words]")
    words = browser.script("[...document.querySelectorAll('ol li')].map(e => e.innerText)")
    assert len(words) == 24
    if scripts:
        browser.keep("setup-words")
    browser.click("button[value=save]")
    assert here(browser) == "/setup/storage"
    browser.visit(node.url + "/setup/owner")
    assert not browser.script("document.querySelector('ol li')"), "the words are shown once"
    browser.visit(node.url + "/setup/storage")

    # Killed between two steps: nothing is lost, and it goes on where it was.
    node.process.kill()
    node.process.wait()
    node.begin(f"127.0.0.1:{node.port}")
    assert not node.link or "token" in node.link
    browser.visit(node.url + "/setup")
    assert here(browser) == "/setup/storage"

    fill(browser, storage__budget="much")
    browser.click("button[value=save]")
    assert "size such as" in browser.script("document.querySelector('[role=alert]').innerText")
    assert browser.script("document.getElementsByName('storage.budget')[0].value") == "much", "what was typed stays"
    fill(browser, storage__budget="2GB", storage__keep_free="100MB")
    browser.click("button[value=save]")
    assert here(browser) == "/setup/people"
    fill(browser, registration__mode="application", registration__question="Who are you?")
    if scripts:
        browser.keep("setup-people")
    browser.click("button[value=save]")
    fill(browser, ceiling="R")
    browser.click("button[value=save]")
    assert here(browser) == "/setup/federation"
    browser.click("button[value=skip]")
    assert here(browser) == "/setup/done"
    browser.click("form[action='/setup/done'] button")
    assert heading(browser) == "This node is set up"
    if scripts:
        browser.keep("setup-done")
    assert time.monotonic() - began < 180

    page = node.get("/").decode()
    assert "Models of the coast" in page
    settings = {setting["key"]: setting["value"] for setting in node.json("config", "ls")}
    assert settings["ceiling"] == "R" and settings["storage.budget"] == "2GB"
    assert settings["registration.mode"] == "application"
    log = node.json("audit")["entries"]
    assert any(entry["actor"] == "@me" and entry["subject"] == "ceiling" for entry in log)

    # The queue of registrations.
    apply(node, "ada", "I draw boats.")
    apply(node, "bob", "let me in")
    browser.visit(node.url + "/admin/registrations")
    assert "I draw boats." in browser.script("document.body.innerText")
    if scripts:
        browser.keep("admin-registrations")
    browser.click("form[aria-label='Approve @ada'] button")
    fill(browser, reason="Say who you are.")
    browser.click("form[aria-label='Reject @bob'] button")
    people = {line["account"]: line["state"] for line in node.json("account", "ls")}
    assert people == {"ada": "active", "bob": "rejected", "me": "active"}

    # Every page, as an admin sees it.
    for width in (1100, 320):
        browser.screen(width, 900)
        for name in ("", "/doctor", "/users", "/invites", "/peers", "/mirrors", "/storage", "/jobs", "/settings",
                     "/announcements", "/audit", "/lists"):
            visit = browser.visit(f"{node.url}/admin{name}")
            assert visit.status == 200 and not visit.failures and not visit.messages, (name, visit)
            assert browser.script("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), (name, width)
            if scripts:
                browser.keep(f"admin{name.replace('/', '-')}-{width}")


def test_the_ceiling_holds_on_every_route(browser: Browser, fresh: Fresh, tmp_path: Path) -> None:
    node = fresh
    file = samples.lora(tmp_path / "hidden.safetensors", seed=4)
    picture = samples.picture(tmp_path / "hidden.png", 64, 96, seed=1)
    node.run("publish", file, "--model", "@me/hidden", "--version", "1.0", "--level", "XXX", "--name",
             "Behind the curtain", "--sample", picture, "--real-person", "no", "--yes")
    node.run("account", "profile", "--name", "Me")
    browser.run_scripts(False)
    sign_in_by_link(browser, node)
    browser.visit(node.url + "/setup/content")
    fill(browser, ceiling="R")
    browser.click("button[value=save]")
    sha256 = node.json("show", "@me/hidden@1.0")["files"][0]["sha256"]
    token = node.run("token", "new", "--scope", "read").stdout.split()[0]
    paths = ["/", "/models", "/images", "/search?q=behind", "/api/v1/models?nsfw=true", "/api/v1/images?nsfw=X",
             "/api/w1/models", "/feeds/models.atom", "/sitemap.xml", "/models/1", "/@me"]
    for path in paths:
        for headers in ({}, {"Authorization": f"Bearer {token}"}):
            try:
                with urllib.request.urlopen(urllib.request.Request(node.url + path, headers=headers), timeout=30) as reply:
                    text = reply.read().decode()
            except urllib.error.HTTPError as error:
                text = error.read().decode()
            assert "curtain" not in text, path
    assert status(f"{node.url}/blobs/{sha256}") == 404


def test_a_new_node_is_reached_from_its_own_machine_alone_until_it_is_set_up(tmp_path: Path) -> None:
    address = subprocess.run(["hostname", "-I"], text=True, capture_output=True).stdout.split()
    if not address:
        pytest.skip("this machine has no address but loopback")
    outside = address[0] if ":" not in address[0] else f"[{address[0]}]"
    node = Fresh(tmp_path / "home").begin("0.0.0.0:0")
    try:
        far = f"http://{outside}:{node.port}/healthz"
        with pytest.raises(urllib.error.URLError):
            urllib.request.urlopen(far, timeout=5)
        assert status(node.url + "/healthz") == 200
        node.run("account", "setup", "--done")
        wait_until("the node to be reached from outside", lambda: _answers(far))
        assert status(node.url + "/healthz") == 200
        assert node.stop() == 0
        # Set up it stays.
        node.begin("0.0.0.0:0")
        assert _answers(f"http://{outside}:{node.port}/healthz")
    finally:
        node.stop()


def _answers(url: str) -> bool:
    try:
        return status(url) == 200
    except OSError:
        return False


def ask_for_takedown(node: Node, subject: str) -> str:
    """A request as somebody without an account sends it; the address of its status page."""
    body = json.dumps({"subjects": [subject], "reason": "likeness", "right": "depicted", "statement": "It shows me.",
                       "signature": "A. Person", "contact": "a@example.org"}).encode()
    request = urllib.request.Request(node.url + "/api/w1/takedowns", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        assert reply.status == 201
        return f"/report/status/{json.loads(reply.read())['secret']}"


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_cases_and_lists_are_decided_in_the_browser(browser: Browser, fresh: Fresh, tmp_path: Path, scripts: bool) -> None:
    node = fresh
    file = samples.lora(tmp_path / "harbour.safetensors", seed=5)
    node.run("publish", file, "--model", "@me/harbour", "--version", "1.0", "--real-person", "no", "--yes")
    blob = f"{node.url}/blobs/{node.json('show', '@me/harbour@1.0')['files'][0]['sha256']}"
    assert status(blob, "HEAD") == 200
    browser.run_scripts(scripts)
    sign_in_by_link(browser, node)

    def text() -> str:
        return browser.script("document.body.innerText")

    # The queue: what has a deadline comes first, and each button has its key.
    node.run("mod", "report", "@me/harbour", "--reason", "spam", "--text", "It is advertising.")
    status_page = ask_for_takedown(node, "@me/harbour")
    browser.visit(node.url + "/moderation")
    cases = browser.script("[...document.querySelectorAll('a[href^=\"/moderation/\"]')].map(e => e.getAttribute('href'))")
    assert cases == ["/moderation/T-2", "/moderation/R-1"]
    if scripts:
        browser.keep("moderation-queue")
    browser.click("a[href='/moderation/T-2']")
    assert "It shows me." in text()
    keys = browser.script("[...document.querySelectorAll('[accesskey]')].map(e => e.accessKey)")
    assert set("jaht") <= set(keys)
    browser.click("button[value=assign]")
    browser.visit(node.url + "/moderation?show=mine")
    assert "T-2" in text() and "R-1" not in text()

    # Hidden at once, then decided, told, and taken back.
    browser.click("a[href='/moderation/T-2']")
    browser.click("button[value=hide]")
    assert status(blob, "HEAD") == 451
    browser.click("button[value=block]")
    assert status(blob, "HEAD") == 451
    browser.visit(node.url + status_page)
    assert "it was removed" in text()
    browser.visit(node.url + "/transparency")
    assert "likeness" in text()
    browser.visit(node.url + "/account/cases/T-2")
    assert "T-2" in text() and "A. Person" not in text()
    browser.visit(node.url + "/moderation/T-2")
    if scripts:
        browser.keep("moderation-case")
    fill(browser, why="It was a mistake.")
    browser.click("button[value=undo]")
    assert status(blob, "HEAD") == 200
    log = node.json("audit")["entries"]
    assert {"mod hide", "mod decide", "mod undo"} <= {entry["action"] for entry in log if entry["subject"] == "T-2"}

    # A list as a draft: nothing happens before somebody approves, and leaving it leaves nothing behind.
    node.run("list", "new", "likeness", "--title", "Likeness")
    node.run("list", "add", "likeness", "@me/harbour@1.0", "--reason", "likeness")
    browser.visit(node.url + "/admin/lists")
    fill(browser, list="@me/likeness", mode="draft", grant="block")
    browser.click("form[aria-label='Subscribe to a list'] button")
    assert status(blob, "HEAD") == 200
    browser.visit(node.url + "/admin/lists?list=%40me%2Flikeness")
    assert "What waits would hide" in text()
    if scripts:
        browser.keep("admin-lists")
        assert browser.script("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    fill(browser, most="block")
    browser.click("form[aria-label='Approve all that waits @me/likeness'] button")
    assert status(blob, "HEAD") == 451
    browser.visit(node.url + "/admin/lists?list=%40me%2Flikeness")
    browser.click("form[aria-label='Unsubscribe @me/likeness'] button")
    assert status(blob, "HEAD") == 200


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_levels_are_disputed_and_room_is_given_out_in_the_browser(
        browser: Browser, fresh: Fresh, tmp_path: Path, scripts: bool) -> None:
    """Steps 5 and 9: people vote on a level, a moderator's lock beats all; who takes more room than they have is refused."""
    node = fresh
    node.run("publish", samples.lora(tmp_path / "pier.safetensors", seed=6), "--model", "@me/pier", "--version", "1.0",
             "--real-person", "no", "--yes")
    picture = samples.picture(tmp_path / "pier.png", 64, 96, seed=2)
    for name in ("ada", "bea", "cem"):
        node.run("account", "new", name)
    node.run("review", "@me/pier", "--recommend", "yes", "--image", picture, "--as", "ada")
    sha256 = hashlib.sha256(Path(picture).read_bytes()).hexdigest()
    blob, page = f"{node.url}/blobs/{sha256}", f"{node.url}/levels?of=file%3A{sha256}"
    assert status(blob) == 200
    browser.run_scripts(scripts)
    sign_in_by_link(browser, node)

    def text() -> str:
        return browser.script("document.body.innerText")

    # Two are too few, three are enough: at once, for everybody.
    node.run("level", f"file:{sha256}", "--vote", "R", "--as", "bea")
    node.run("level", f"file:{sha256}", "--vote", "X", "--as", "cem")
    assert browser.visit(page).status == 200
    assert "R: 1, X: 1" in text() and status(blob) == 200
    if scripts:
        browser.keep("level")
        assert browser.script("document.documentElement.scrollWidth <= innerWidth")
    browser.script("document.querySelector(\"form[action^='/levels?'] select[name=level]\").value = 'R'")
    browser.click("form[action^='/levels?'] button")
    assert status(blob) == 404
    assert node.json("level", f"file:{sha256}")["level"] == "R"

    # A moderator finds it in the list, and the lock beats all.
    browser.visit(node.url + "/moderation")
    browser.click("a[href='/levels/disputes']")
    assert "R: 2, X: 1" in text()
    browser.visit(page)
    browser.script("document.querySelector(\"form[action^='/levels/lock'] select[name=level]\").value = 'PG'")
    fill(browser, reason="A pier and nothing else.")
    browser.click("form[action^='/levels/lock'] button")
    assert "Locked by a moderator" in text() and "A pier and nothing else." in text()
    assert status(blob) == 200
    browser.visit(node.url + "/levels/disputes")
    if scripts:
        browser.keep("levels-disputes")
    assert "A pier and nothing else." in text()
    browser.visit(page)
    browser.script("document.querySelector(\"form[action^='/levels/lock'] select[name=level]\").value = 'none'")
    browser.click("form[action^='/levels/lock'] button")
    assert status(blob) == 404
    actions = {entry["action"] for entry in node.json("audit")["entries"]}
    assert {"mod level", "mod level unlock"} <= actions

    # Room: what the page promises, what somebody may keep, and what happens when it is used up.
    browser.visit(node.url + "/admin/storage")
    assert "At 90 % of the budget" in text() and "at 100 %" in text()
    browser.visit(node.url + "/admin/settings")
    for name in ("storage.budget", "storage.keep_free", "rates.send", "generation.guests"):
        assert browser.script(f"document.querySelectorAll(\"input[name=key][value='{name}']\").length") >= 1, name
    browser.visit(node.url + "/admin/users")
    # What may be changed of a row is folded away until somebody asks for it.
    browser.script("document.querySelector(\"form[aria-label='Quota of @ada']\").closest('details').open = true")
    browser.script("document.querySelector(\"form[aria-label='Quota of @ada'] [name=quota]\").value = '1MB'")
    browser.click("form[aria-label='Quota of @ada'] button")
    token = node.json("token", "new", "--scope", "read,publish", "--account", "ada")["token"]
    body = json.dumps({"name": "big.safetensors", "size": 5_000_000}).encode()
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(node.url + "/api/w1/uploads", body, headers)
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 422 and json.loads(refused.value.read())["code"] == "over-quota"
    small = json.dumps({"name": "small.safetensors", "size": 1000}).encode()
    request = urllib.request.Request(node.url + "/api/w1/uploads", small, headers)
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert reply.status == 201
