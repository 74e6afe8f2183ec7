"""The app as its own process, and a browser that notes every request, for tests."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from assistant.settings import ROOT, SETTINGS

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
START_SECONDS = 90.0
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def find_browser() -> str:
    """The browser named by CHROMIUM, or one in PATH."""
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, BROWSERS)), None)
    if not found:
        raise AssertionError(
            "The browser tests need Chromium: apt-get install chromium fonts-noto-cjk, "
            "or name a browser in the environment variable CHROMIUM."
        )
    return found


class App:
    """``python app.py`` with these settings; all others at their defaults, whatever ``.env``
    says."""

    def __init__(self, **settings: object) -> None:
        given = {row.name: "" for row in SETTINGS} | {"PORT": "0"}
        given |= {name: str(value) for name, value in settings.items()}
        self.output: list[str] = []
        self.began = time.monotonic()
        self.process = subprocess.Popen(
            [sys.executable, "app.py"],
            cwd=ROOT,
            env={**os.environ, **given},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.output.append(line)

    @property
    def said(self) -> str:
        return "".join(self.output)

    @property
    def url(self) -> str:
        """The address in the ready line, waiting for it."""
        while not (found := re.search(r"http://\S+:\d+", self.said)):
            assert self.process.poll() is None, f"the app ended: {self.said}"
            assert time.monotonic() < self.began + START_SECONDS, self.said
            time.sleep(0.05)
        return re.match(r"http://[\w.\[\]:]+:\d+", found[0])[0]  # type: ignore[index]

    def end(self, seconds: float = 30) -> int:
        """Wait for the end of its own accord; the exit code."""
        code = self.process.wait(seconds)
        self._reader.join(5)
        return code

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Ask it to end: exit code, and the seconds it took."""
        began = time.monotonic()
        self.process.send_signal(how)
        return self.end(), time.monotonic() - began

    def kill(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()


@contextmanager
def running_app(**settings: object) -> Iterator[App]:
    app = App(**settings)
    try:
        yield app
    finally:
        app.kill()


@dataclass
class Visitor:
    """A browser window, and what went on in it."""

    context: BrowserContext
    page: Page
    foreign: list[str] = field(default_factory=list)  # requests to other hosts
    faults: list[str] = field(default_factory=list)  # uncaught errors of the page's scripts

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.faults.append(str(error)))

    def note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.hostname != "127.0.0.1":
            self.foreign.append(url)


@contextmanager
def open_browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def visit(
    browser: Browser, *, locale: str = "zh-CN", width: int = 1440, dark: bool = False
) -> Iterator[Visitor]:
    """A new visitor. At the end, no request may have left this machine."""
    context = browser.new_context(
        locale=locale,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
    )
    visitor = Visitor(context, context.new_page())
    context.on("request", lambda request: visitor.note(request.url))
    context.on("page", visitor.watch)
    visitor.watch(visitor.page)
    try:
        yield visitor
        assert visitor.foreign == []
        assert visitor.faults == []
    finally:
        context.close()


def screenshot(page: Page, name: str) -> None:
    """For eyes: kept where the environment variable SCREENSHOTS names a folder."""
    folder = os.environ.get("SCREENSHOTS")
    if folder:
        page.screenshot(path=Path(folder, f"{name}.png"), full_page=True)
