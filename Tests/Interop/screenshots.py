"""Ten pages of the demonstration as pictures, for people to look at: `make screenshots`.

With `--node http://…` the pages of a node that runs already.
"""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from browser import SCREENS, Browser

REPOSITORY = Path(__file__).resolve().parents[2]
# Width, height, dark.
SIZES = {"phone": (320, 720, False), "tablet": (768, 1024, False), "desk": (1440, 900, False),
         "night": (1440, 900, True)}


@contextmanager
def demonstration() -> Iterator[str]:
    """Two nodes with something to look at; the address of the one that mirrors."""
    binary = Path(os.environ["WAGGLE_BINARY"])
    demo = subprocess.Popen(
        [binary.parent / "waggle-demo", "--waggle", binary, "--examples", REPOSITORY / "Examples"], text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        assert demo.stdout
        for line in demo.stdout:
            print(line, end="", flush=True)
            if found := re.search(r"models\s+(http://\S+)/models$", line):
                yield found[1]
                return
        raise SystemExit("the demonstration ended early")
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(timeout=60)


def pages(node: str) -> dict[str, str]:
    """What a visitor meets, in the order of the visit."""
    def api(path: str) -> list[dict]:
        with urllib.request.urlopen(f"{node}/api/v1/{path}", timeout=30) as reply:
            return json.load(reply)["items"]

    models = api("models?limit=100")
    richest = max(models, key=lambda model: len(model["modelVersions"][0]["images"]))
    image = api("images?withMeta=true&limit=1")[0]
    file = richest["modelVersions"][0]["files"][0]
    return {
        "01-home": "/", "02-models": "/models?sort=downloads", "03-model": f"/models/{richest['id']}",
        "04-gallery": f"/models/{richest['id']}/gallery", "05-images": "/images?recipe=with",
        "06-image": f"/images/{image['id']}", "07-search": "/search?q=bee",
        "08-creator": f"/@{urllib.parse.quote(richest['creator']['username'])}", "09-collections": "/collections",
        "10-hash": f"/hash/{file['hashes']['SHA256']}"}


def main() -> None:
    """Writes PAGE-SIZE.png into the folder of screens."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--node", help="the address of a node that runs already")
    options.add_argument("--pages", help="only pages whose names hold one of these words, with commas between")
    options.add_argument("--sizes", default=",".join(SIZES), help=f"some of {', '.join(SIZES)}")
    options.add_argument("--path", action="append", default=[], help="name=/path: one page more")
    chosen = options.parse_args()
    SCREENS.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        browser = Browser(Path(folder))
        try:
            if chosen.node:
                take(browser, chosen.node.rstrip("/"), chosen)
            else:
                with demonstration() as node:
                    take(browser, node, chosen)
        finally:
            browser.close()
    print(f"the pictures are in {SCREENS}")


def take(browser: Browser, node: str, chosen: argparse.Namespace) -> None:
    """All pages in all sizes."""
    wanted = pages(node) | dict(pair.split("=", 1) for pair in chosen.path)
    words = chosen.pages.split(",") if chosen.pages else [""]
    for name, path in wanted.items():
        if not any(word in name for word in words):
            continue
        for size in chosen.sizes.split(","):
            browser.screen(*SIZES[size])
            visit = browser.visit(node + path)
            if visit.status != 200 or visit.failures or visit.messages:
                print(f"{path}: {visit.status} {visit.failures} {visit.messages}", file=sys.stderr)
            browser.keep(f"{name}-{size}")


if __name__ == "__main__":
    main()
