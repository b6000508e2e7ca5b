"""Headless Chromium through its DevTools protocol. It can reach 127.0.0.1 and nothing else."""

import base64
import json
import os
import re
import shutil
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import websocket

SCREENS = Path(os.environ["INTEROP_SCREENS"])
SECONDS = 30

# What Chromium would ask the world without being told to.
QUIET = [
    "--disable-background-networking", "--disable-component-update", "--disable-default-apps", "--disable-sync",
    "--disable-extensions", "--no-default-browser-check", "--no-first-run", "--no-pings", "--metrics-recording-only",
    "--disable-features=OptimizationHints,MediaRouter,Translate,AutofillServerCommunication",
]


class ProtocolError(Exception):
    """The browser refused a command, or a script threw."""


@dataclass
class Visit:
    """What happened while a page was loaded."""

    status: int = 0
    requests: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    messages: list[str] = field(default_factory=list)


class Browser:
    """One Chromium with one tab."""

    def __init__(self, folder: Path) -> None:
        program = shutil.which("chromium") or shutil.which("chromium-browser")
        assert program, "chromium is not installed"
        self.log = (folder / "chromium.log").open("w+")
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--lang=en",
             "--remote-debugging-port=0", "--remote-allow-origins=*", f"--user-data-dir={folder / 'profile'}",
             "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", *QUIET, "about:blank"],
            stdout=subprocess.DEVNULL, stderr=self.log, env={"PATH": os.environ["PATH"], "HOME": str(folder)})
        self.socket = websocket.create_connection(self._address(), timeout=SECONDS)
        self.number = 0
        # Whether pages may run scripts; ours here run in any case, as far as they wait for nothing.
        self.scripts = True
        self.session = ""
        self.events: list[dict[str, Any]] = []
        tab = next(t for t in self.call("Target.getTargets")["targetInfos"] if t["type"] == "page")
        self.session = self.call("Target.attachToTarget", targetId=tab["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def _address(self) -> str:
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            if found := re.search(r"DevTools listening on (ws://\S+)", Path(self.log.name).read_text()):
                return found[1]
            time.sleep(0.05)
        raise AssertionError(f"chromium did not start: {Path(self.log.name).read_text()[-2000:]}")

    def close(self) -> None:
        """Ends the browser."""
        try:
            self.session = ""
            self.call("Browser.close")
            self.socket.close()
            self.process.wait(timeout=10)
        finally:
            self.process.kill()
            self.log.close()

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command and its result; what comes in between is kept as events."""
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        self.socket.send(json.dumps(message | ({"sessionId": self.session} if self.session else {})))
        while True:
            reply = json.loads(self.socket.recv())
            if reply.get("id") != self.number:
                self.events.append(reply)
            elif "error" in reply:
                raise ProtocolError(f"{method}: {reply['error']}")
            else:
                return reply["result"]

    def script(self, code: str) -> Any:
        """The value of an expression in the page; promises are waited for."""
        done = self.call("Runtime.evaluate", expression=code, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in done:
            raise ProtocolError(str(done["exceptionDetails"]))
        return done["result"].get("value")

    def screen(self, width: int, height: int, dark: bool = False) -> None:
        """Sets the size of the window and the colour scheme that the person likes."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def click(self, selector: str, loads: bool = True) -> None:
        """Presses what a selector finds first, as a mouse does, and waits for the page that it leads to, if it does."""
        place = self.script(f"""(e => {{ e.scrollIntoView({{block: 'center'}}); const r = e.getClientRects()[0];
            return [r.x + Math.min(r.width, 40) / 2, r.y + r.height / 2]; }})
            (document.querySelector({json.dumps(selector)}))""")
        self.events.clear()
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)
        if loads:
            self._loaded()

    def press(self, key: str, loads: bool = False) -> None:
        """A key down and up; `loads` when another page comes of it."""
        code = {"Tab": 9, "Enter": 13}.get(key, 0)
        self.events.clear()
        text = {"text": "\r"} if key == "Enter" else {"text": key} if len(key) == 1 else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, code=key, windowsVirtualKeyCode=code, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key, windowsVirtualKeyCode=code)
        if loads:
            self._loaded()

    def choose(self, selector: str, file: Path) -> None:
        """Chooses a file in a form."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", nodeId=node, files=[str(file)])

    def _loaded(self) -> None:
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(json.loads(self.socket.recv()))

    def run_scripts(self, allowed: bool) -> None:
        """Lets pages run scripts, or not."""
        self.scripts = allowed
        self.call("Emulation.setScriptExecutionDisabled", value=not allowed)

    def visit(self, url: str) -> Visit:
        """Loads a page with all its images, also those further down."""
        self.events.clear()
        self.call("Network.clearBrowserCache")
        frame = self.call("Page.navigate", url=url)
        assert "errorText" not in frame or frame["errorText"] == "net::ERR_HTTP_RESPONSE_CODE_FAILURE", frame
        self._loaded()
        if self.scripts:
            self._see()
        return self._read(url)

    def _see(self) -> None:
        """Has every picture shown."""
        self.script("""(async () => {
            for (const image of document.images) { image.loading = 'eager'; }
            await Promise.all([...document.images].map(image => image.decode().catch(() => {})));
            await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
        })()""")

    def _read(self, url: str) -> Visit:
        visit = Visit()
        urls: dict[str, str] = {}
        for event in self.events:
            body = event.get("params", {})
            match event["method"]:
                case "Network.requestWillBeSent":
                    urls[body["requestId"]] = body["request"]["url"]
                    visit.requests.append(body["request"]["url"])
                case "Network.responseReceived":
                    if body["response"]["url"] == url:
                        visit.status = body["response"]["status"]
                case "Network.loadingFailed":
                    visit.failures.append(f"{urls.get(body['requestId'])}: {body['errorText']}")
                case "Log.entryAdded":
                    visit.messages.append(body["entry"]["text"])
                case "Runtime.consoleAPICalled" | "Runtime.exceptionThrown":
                    visit.messages.append(json.dumps(body))
        return visit

    def keep(self, name: str) -> None:
        """Saves what the page looks like and what it is made of, for people to see."""
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        (SCREENS / f"{name}.png").write_bytes(base64.b64decode(data))
        (SCREENS / f"{name}.html").write_text(self.script("document.documentElement.outerHTML"))
