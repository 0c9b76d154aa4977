"""Chromium without a window, told what to do over its debugging protocol; just enough to take a picture."""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from websockets.sync.client import ClientConnection, connect

_SECONDS = 60.0
# What a page complains of in these ways is a fault of it.
_COMPLAINTS = {"error", "assert"}


class Page:
    """Hold one page of the browser, and what it complained of since it was opened."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def open(self, url: str) -> None:
        """Begin to load an address."""
        self.complaints.clear()
        self._call("Page.navigate", url=url)

    def value_of(self, expression: str) -> Any:
        """Return the first value of an expression that is there, as data; wait for it."""
        end = time.monotonic() + _SECONDS
        while time.monotonic() < end:
            found = self._call("Runtime.evaluate", expression=expression, returnByValue=True)["result"].get("value")
            if found is not None:
                return found
            time.sleep(0.1)
        raise TimeoutError(f"no {expression} within {_SECONDS:g} s; the page complains: {self.complaints}")

    def picture(self, width: int, height: int) -> bytes:
        """Return the upper left of the page as a PNG."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        return base64.b64decode(self._call("Page.captureScreenshot", format="png", clip=clip)["data"])

    def _call(self, method: str, **parameters: Any) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            said = json.loads(self._socket.recv(timeout=_SECONDS))
            if said.get("id") == number:
                if "error" in said:
                    raise RuntimeError(f"{method}: {said['error']['message']}")
                return said["result"]
            self._hear(said.get("method"), said.get("params", {}))

    def _hear(self, method: str | None, said: dict[str, Any]) -> None:
        if method == "Runtime.exceptionThrown":
            details = said["exceptionDetails"]
            self.complaints.append(str(details.get("exception", {}).get("description", details["text"])))
        elif method == "Runtime.consoleAPICalled" and said["type"] in _COMPLAINTS:
            self.complaints.append(" ".join(str(part.get("value", part.get("description"))) for part in said["args"]))
        elif method == "Log.entryAdded" and said["entry"]["level"] == "error":
            self.complaints.append(f"{said['entry']['text']} {said['entry'].get('url', '')}")


@contextmanager
def browser_page(program: str, folder: Path, width: int) -> Iterator[Page]:
    """Run a browser with an empty profile in ``folder`` and yield its page."""
    command = [
        program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
        "--remote-debugging-port=0", f"--user-data-dir={folder}", f"--window-size={width},3000", "about:blank",
    ]  # fmt: skip
    with (folder.parent / "browser.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    try:
        port = _port(folder / "DevToolsActivePort", process)
        with urlopen(f"http://127.0.0.1:{port}/json/list", timeout=_SECONDS) as answer:
            [target] = [one for one in json.load(answer) if one["type"] == "page"]
        # A picture is some megabytes of text.
        with connect(target["webSocketDebuggerUrl"], max_size=1 << 28, compression=None) as socket:
            yield Page(socket)
    finally:
        process.terminate()
        process.wait(10)


def _port(file: Path, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None:
        if file.exists() and (text := file.read_text(encoding="ascii")):
            return text.split("\n")[0]
        time.sleep(0.05)
    raise TimeoutError("the browser opened no debugging port; its log is beside its profile")
