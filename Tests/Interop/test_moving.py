"""Somebody moves from one node to another with a browser alone, with scripts and without: the old home leads to the new one,
the words are typed there, and what was signed comes along.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

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
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Node]]:
    """Two nodes that take everybody. The operator of the second named the first: addresses of this machine are not dialled
    because somebody typed them into a page."""
    nodes = []
    for name in ("old", "new"):
        node = Node(tmp_path_factory.mktemp(name) / "home")
        node.run("init")
        (node.home / "waggle.toml").write_text('[registration]\nmode = "open"\n')
        nodes.append(node)
    try:
        for node in nodes:
            node.serve()
        nodes[1].run("peer", "add", nodes[0].url, "--yes")
        yield nodes[0], nodes[1]
    finally:
        ends = [node.stop() for node in nodes]
    assert ends == [0, 0], "a node did not stop by itself"


def type_into(browser: Browser, form: str, **fields: str) -> None:
    """Types into the fields of a form, by their names."""
    for name, value in fields.items():
        browser.script(f"(e => {{ e.value = {value!r}; }})(document.querySelector('{form} [name={name}]'))")


def text(browser: Browser, selector: str = "main") -> str:
    return browser.script(f"document.querySelector('{selector}').innerText")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_somebody_moves_with_a_browser_alone(browser: Browser, homes: tuple[Node, Node], scripts: bool) -> None:
    old, new = homes
    name = "ada" if scripts else "bea"
    browser.run_scripts(scripts)
    try:
        browser.call("Network.clearBrowserCookies")
        browser.visit(old.url + "/signup")
        type_into(browser, "main form", account=name, name=name.title(), passphrase=PASSPHRASE)
        browser.click("main form button")
        words = browser.script("[...document.querySelectorAll('main ol li')].map(e => e.innerText.trim()).join(' ')")
        assert len(words.split()) == 24
        browser.visit(old.url + "/articles/new")
        type_into(browser, "main form", title=f"On wax by {name}", text="Words that come along.")
        browser.click("main form button")
        assert text(browser, "h1") == f"On wax by {name}"

        # The old home says how, and leads to the new one.
        browser.visit(old.url + "/account/move")
        browser.keep(f"move-old-{name}")
        type_into(browser, "[aria-labelledby=go] form", to=new.url)
        browser.click("[aria-labelledby=go] form button")
        browser.click("[aria-labelledby=go] a.button")
        assert browser.script("location.href").startswith(new.url + "/signup/move?")
        assert browser.script("document.querySelector('main [name=from]').value") == old.url
        assert browser.script("document.querySelector('main [name=account]').value") == name

        # A slip is told at its field, and nothing of the words has to be typed again.
        type_into(browser, "main form", words=words, account="me", passphrase=PASSPHRASE)
        browser.click("main form button")
        assert browser.script("document.querySelector('main [name=account]').getAttribute('aria-invalid')") == "true"
        assert browser.script("document.querySelector('main [name=words]').value") == words
        browser.keep(f"move-slip-{name}")
        type_into(browser, "main form", account=name, passphrase=PASSPHRASE)
        browser.click("main form button")
        assert "You live here now" in text(browser), text(browser)
        assert "Your old home knows it" in text(browser)
        browser.keep(f"move-done-{name}")
        assert f"@{name}" in text(browser, "header")

        # What was signed there is here, under the same name, and the profile says where they live.
        browser.click("main a.button")
        assert name.title() in text(browser, "h1")
        browser.visit(f"{new.url}/articles")
        assert f"On wax by {name}" in text(browser)
        browser.visit(new.url + "/account/move")
        assert browser.script("document.querySelector('[aria-labelledby=come]') === null")

        # The old home signs nothing any more, and says where they went.
        wait_until("the old home to let go", lambda: any(
            line["account"] == name and line["state"] == "moved" for line in old.json("account", "ls")))
        browser.call("Network.clearBrowserCookies")
        browser.visit(old.url + "/signin")
        type_into(browser, "main form", account=name, passphrase=PASSPHRASE)
        browser.click("main form button")
        assert "moved to another node" in text(browser)
    finally:
        browser.run_scripts(True)


@pytest.mark.parametrize("width", [320, 768, 1280])
def test_the_pages_of_a_move_look_as_they_should(browser: Browser, homes: tuple[Node, Node], width: int) -> None:
    browser.call("Network.clearBrowserCookies")
    browser.screen(width, 900, dark=width == 1280)
    visit = browser.visit(homes[1].url + f"/signup/move?from={homes[0].url}&account=ada")
    assert visit.status == 200 and not visit.messages and not visit.failures, f"{visit}"
    over = browser.script("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert over <= 0, f"{over} too wide at {width} pixels"
    browser.keep(f"move-here-{width}")
    browser.screen(1280, 900)
