"""Pages in a real browser: nothing from elsewhere, no errors, every picture shown, readable on every screen.

The pictures in .build/interop-screens are for people to look at.
"""

import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from importlib import resources

import pytest

from browser import Browser, Visit
from conftest import World

AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text()
PAGES = ["home", "model", "model-first-version", "model-plain", "image", "image-plain", "not-found", "models", "ranking",
         "gallery", "reviews", "discussion", "history", "images", "search", "tags", "tag", "creators", "creator",
         "collections", "articles", "hash", "about", "rules", "status", "help", "verify", "verified", "federation",
         "buzz"]
# Width, height, dark: a phone of the narrowest kind, a tablet, and a wide screen by day and at night.
SCREENS = {"phone": (320, 640, False), "tablet": (768, 1024, False), "laptop": (1440, 900, False),
           "night": (1440, 900, True)}
# Where a script does something beside that of all pages; every page can do without both.
SCRIPTED = {"verify", "verified"}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("browser"))
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def paths(world: World) -> dict[str, str]:
    """Where the pages are."""
    models = {model["name"]: model for model in world.maker.api("models")["items"]}
    images = world.maker.api("images?withMeta=true")["items"]
    harbour, gull = models["Teal harbour"], models["Möwe über dem Hafen"]
    told = next(image["id"] for image in images if image["meta"])
    return {
        "home": "/", "model": f"/models/{harbour['id']}", "model-plain": f"/models/{gull['id']}",
        "model-first-version": f"/models/{harbour['id']}?modelVersionId={harbour['modelVersions'][1]['id']}",
        "image": f"/images/{told}", "image-plain": f"/images/{next(i['id'] for i in images if i['id'] != told)}",
        "not-found": "/models/2147483647", "models": "/models?q=harbour&sort=downloads",
        **{page: f"/models/{harbour['id']}/{page}" for page in ("ranking", "gallery", "reviews", "discussion", "history")},
        "images": "/images?recipe=with", "search": "/search?q=harbour", "tags": "/tags", "creators": "/creators",
        "tag": f"/tags/{urllib.parse.quote(harbour['tags'][0])}" if harbour["tags"] else "/tags",
        "creator": f"/@{harbour['creator']['username']}", "collections": "/collections", "articles": "/articles",
        **{page: f"/{page}" for page in ("about", "rules", "status", "help", "verify", "federation", "buzz")},
        "verified": f"/verify?sha256={harbour['modelVersions'][0]['files'][0]['hashes']['SHA256']}", "hash": f"/hash/{harbour['modelVersions'][0]['files'][0]['hashes']['SHA256']}"}


def load(browser: Browser, world: World, paths: dict[str, str], page: str, screen: str = "laptop") -> Visit:
    width, height, dark = SCREENS[screen]
    browser.screen(width, height, dark)
    return browser.visit(world.maker.url + paths[page])


def answer(url: str) -> int:
    """The status that an address answers with in the end."""
    try:
        with urllib.request.urlopen(url, timeout=30) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_whole_and_asks_nobody_else(browser, world, paths, page, screen):
    visit = load(browser, world, paths, page, screen)
    browser.keep(f"{page}-{screen}")
    assert visit.status == (404 if page == "not-found" else 200)
    assert all(url.startswith(world.maker.url + "/") for url in visit.requests), visit.requests
    assert not visit.failures
    # The browser itself says that a page was a 404.
    assert [m for m in visit.messages if "status of 404" not in m or page != "not-found"] == []
    facts = browser.script("""({
        title: document.title, language: document.documentElement.lang, scripts: document.scripts.length,
        headings: document.querySelectorAll('h1').length, mains: document.querySelectorAll('main').length,
        pictures: [...document.images].map(i => [i.src, i.hasAttribute('alt') && (i.alt.trim() ||
            i.closest('a')?.innerText.trim()), i.naturalWidth, i.naturalHeight, i.getAttribute('width'),
            i.getAttribute('height')]),
        overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth})""")
    assert facts["title"].strip() and facts["language"] == "en"
    assert (facts["headings"], facts["mains"], facts["scripts"]) == (1, 1, 1 + int(page in SCRIPTED))
    for source, words, width, height, said_width, said_height in facts["pictures"]:
        # Empty where the words stand beside the picture, so that they are not read twice.
        assert words, f"{source} has no alternative text"
        # The room that is kept for a picture has its shape; what comes is the picture or a smaller copy.
        assert 0 < width <= int(said_width), f"{source} is not shown, or larger than it is"
        assert abs(height - width * int(said_height) / int(said_width)) <= 1, f"{source} has another shape"
    assert facts["overflow"] == 0, "the page scrolls sideways"
    # What stands in for a picture is below it, and no larger.
    assert browser.script("""[...document.querySelectorAll('.pic')].filter(e =>
        e.getBoundingClientRect().width - e.querySelector('img').getBoundingClientRect().width > 1).length""") == 0
    assert browser.script("""[...document.images].filter(i => {
        i.scrollIntoView({block: 'center', inline: 'center'});
        const r = i.getBoundingClientRect();
        return document.elementFromPoint(r.x + r.width / 2, r.y + r.height / 2) !== i;
    }).map(i => i.src)""") == []


@pytest.mark.parametrize("page", PAGES)
def test_nothing_moves_while_a_page_loads(browser, world, paths, page):
    load(browser, world, paths, page)
    shift = browser.script("""new Promise(done => {
        let sum = 0;
        new PerformanceObserver(list => { for (const entry of list.getEntries()) sum += entry.value; })
            .observe({type: 'layout-shift', buffered: true});
        setTimeout(() => done(sum), 50);
    })""")
    assert shift == 0


@pytest.mark.parametrize("screen", ["phone", "night"])
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing_against_wcag_2_2_aa(browser, world, paths, page, screen):
    load(browser, world, paths, page, screen)
    browser.script(AXE + ";0")
    found = json.loads(browser.script("""axe.run({resultTypes: ['violations'],
        runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']})
        .then(result => JSON.stringify(result.violations.map(v => [v.id, v.help, v.nodes.map(n => n.html)])))"""))
    assert found == []


def test_dark_and_light_differ_as_the_person_likes(browser, world, paths):
    colours = []
    for dark in (False, True):
        browser.screen(800, 600, dark)
        browser.visit(world.maker.url)
        style = browser.script("(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))")
        colours.append([sum(map(int, c[c.index("(") + 1:-1].split(",")[:3])) for c in style])
    (light_ground, light_text), (dark_ground, dark_text) = colours
    assert light_ground > 600 > 200 > light_text
    assert dark_ground < 200 < 600 < dark_text


def test_a_page_can_be_used_by_keyboard(browser, world, paths):
    load(browser, world, paths, "home")
    for kind in ("keyDown", "keyUp"):
        browser.call("Input.dispatchKeyEvent", type=kind, key="Tab", code="Tab", windowsVirtualKeyCode=9)
    assert browser.script("document.activeElement.getAttribute('href')") == "#main"
    assert browser.script("document.activeElement.getBoundingClientRect().width") > 40, "the skip link is not seen"


def test_what_an_author_writes_is_text_and_not_a_program(browser, world, paths):
    load(browser, world, paths, "model-first-version")
    assert "<script>alert('never')</script>" in browser.script("document.body.innerText")


def test_a_link_to_a_version_shows_that_version(browser, world, paths):
    load(browser, world, paths, "model-first-version")
    assert browser.script("document.querySelector('[aria-current=page]').innerText") == "1.0"
    published = world.maker.json("publish", world.checkpoint, "--model", "@me/gull", "--version", "1.0", "--base",
                                 "SDXL 1.0", "--yes")
    assert not published["is_new"]
    browser.visit(published["url"])
    assert browser.script("document.querySelector('h1').innerText") == "Möwe über dem Hafen"


def test_a_picture_names_the_release_that_its_metadata_name_by_hash(browser, world, paths):
    load(browser, world, paths, "image")
    links = browser.script("[...document.querySelectorAll('[aria-labelledby=resources] a')].map(link => link.href)")
    assert len(links) == 1 and links[0].startswith(world.maker.url + paths["model"])


def test_the_download_button_gives_the_published_file(browser, world, paths):
    load(browser, world, paths, "model")
    address = browser.script("document.querySelector('aside a.button').href")
    assert world.maker.get(address.removeprefix(world.maker.url)) == world.lora_second.read_bytes()


def test_every_link_of_every_page_leads_somewhere(browser, world, paths):
    seen: set[str] = set()
    for page in PAGES:
        load(browser, world, paths, page)
        seen |= set(browser.script("[...document.links].filter(link => !link.hash).map(link => link.href)"))
    assert seen and all(link.startswith(world.maker.url) for link in seen), seen
    # Publishing begins with signing in, and so does saying that a level is wrong.
    personal = {link for link in seen if link.startswith((f"{world.maker.url}/publish", f"{world.maker.url}/levels?of="))}
    assert personal and {answer(link) for link in personal} == {401}
    seen -= personal
    assert {link: status for link in seen if (status := answer(link)) != 200} == {}


def test_visitors_see_nothing_of_a_model_above_their_level(browser, world, paths):
    load(browser, world, paths, "home")
    assert "Behind the curtain" not in browser.script("document.documentElement.innerHTML")
    number = world.maker.json("show", "@me/hidden@1.0")["id"]
    visit = browser.visit(f"{world.maker.url}/models/{number}")
    assert visit.status == 404
