"""A small client for ChromeDriver, which opens a page in headless Chromium."""

from __future__ import annotations

import base64
import contextlib
import shutil
import subprocess
from pathlib import Path
from typing import Any, Iterator

import pytest
import requests

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"),
)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
COMMAND_S = 60.0


class Browser:
    """One window of a browser."""

    def __init__(self, driver: str, profile: Path) -> None:
        self._http = requests.Session()
        options = {"args": [*FLAGS, f"--user-data-dir={profile}"]}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        started = self._send("POST", f"{driver}/session", {"capabilities": {"alwaysMatch": wanted}})
        self._url = f"{driver}/session/{started['sessionId']}"

    def _send(self, method: str, url: str, body: Any = None) -> Any:
        answer = self._http.request(method, url, json=body, timeout=COMMAND_S).json()["value"]
        assert not (isinstance(answer, dict) and "stacktrace" in answer), answer
        return answer

    def close(self) -> None:
        self._send("DELETE", self._url)
        self._http.close()

    def open(self, file: Path) -> None:
        self._send("POST", f"{self._url}/url", {"url": file.resolve().as_uri()})

    def run(self, script: str, *arguments: Any) -> Any:
        """Return the value of an expression in JavaScript."""
        return self._send("POST", f"{self._url}/execute/sync", {"script": f"return {script}", "args": list(arguments)})

    def devtools(self, command: str, **parameters: Any) -> Any:
        """Send a command of the Chrome DevTools Protocol."""
        body = {"cmd": command, "params": parameters}
        return self._send("POST", f"{self._url}/goog/cdp/execute", body)

    def look(self, width: int, scheme: str, height: int = 900) -> None:
        """Set the width of the window, and the colour scheme: ``light`` or ``dark``."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.devtools("Emulation.setDeviceMetricsOverride", **size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.devtools("Emulation.setEmulatedMedia", features=features)

    def press(self, *keys: str) -> None:
        """Type keys, one after the other."""
        steps = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        body = {"actions": [{"type": "key", "id": "keyboard", "actions": steps}]}
        self._send("POST", f"{self._url}/actions", body)

    def messages(self) -> list[str]:
        """Return the messages on the console since the last call, such as errors."""
        return [entry["message"] for entry in self._send("POST", f"{self._url}/se/log", {"type": "browser"})]

    def screenshot(self) -> bytes:
        """Return a picture of the window as PNG."""
        return base64.b64decode(self._send("GET", f"{self._url}/screenshot"))


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Yield a browser with an empty profile in ``folder``. Skip the test if Chromium is not installed."""
    if shutil.which("chromedriver") is None or not any(map(shutil.which, BROWSERS)):
        pytest.skip("chromium and chromedriver are not installed; on Debian: apt install chromium chromium-driver")
    command = ["chromedriver", "--port=0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            line = next(line for line in process.stdout if "started successfully on port" in line)
            opened = Browser(f"http://127.0.0.1:{line.rstrip().rstrip('.').rpartition(' ')[2]}", folder)
            try:
                yield opened
            finally:
                opened.close()
        finally:
            process.terminate()
