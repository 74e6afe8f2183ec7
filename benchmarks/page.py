"""How soon a page can be used, and how heavy it is: ``python -m benchmarks.page [--rounds 3]``.

Starts the app on an empty data folder and again on the same one (the second start is the usual
one), with a local server in the chat model's place, and opens each page in Chromium: for the first
time, and again with what the browser has kept. All figures are of this machine, server and browser
together.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext

from tests.browser import App, open_browser, running_app
from tests.openai_server import openai_server

#: A page's path -> what can be used once it is there.
PAGES = {
    "/": "#composer textarea",
    "/knowledge": "#upload, #files",
    "/memory": "#memory-search input",
    "/status": "#status-overview .verdict",
    "/admin": "#admin-prompt-text textarea",
    "/guide": "#guide .steps",
}
SECONDS = 60_000.0


@dataclass
class Visit:
    """Milliseconds since the address was entered; bytes as they came over the wire."""

    page: str
    kept: bool  # the browser had been there
    head_ms: float = 0.0
    usable_ms: float = 0.0
    requests: int = 0
    bytes: int = 0
    elsewhere: list[str] = field(default_factory=list)


@contextmanager
def counted(context: BrowserContext, visit: Visit) -> Iterator[None]:
    """Notes what the context's page asks for."""
    page = context.pages[0]
    session = context.new_cdp_session(page)
    session.send("Network.enable")

    def asked(event: dict[str, object]) -> None:
        request = event["request"]
        assert isinstance(request, dict)
        url = urlsplit(str(request["url"]))
        if url.scheme in ("data", "blob"):
            return
        visit.requests += 1
        if url.hostname != "127.0.0.1":
            visit.elsewhere.append(str(request["url"]))

    def came(event: dict[str, object]) -> None:
        visit.bytes += int(float(str(event["encodedDataLength"])))

    session.on("Network.requestWillBeSent", asked)
    session.on("Network.loadingFinished", came)
    yield
    session.detach()


def look(context: BrowserContext, url: str, path: str, *, kept: bool) -> Visit:
    """Open a page and wait until it can be used."""
    visit = Visit(path, kept)
    page = context.pages[0] if context.pages else context.new_page()
    with counted(context, visit):
        began = time.monotonic()
        page.goto(f"{url}{path}", wait_until="commit")
        page.wait_for_selector("header.top nav", timeout=SECONDS)
        visit.head_ms = (time.monotonic() - began) * 1000
        page.wait_for_selector(PAGES[path], timeout=SECONDS)
        visit.usable_ms = (time.monotonic() - began) * 1000
        page.wait_for_load_state("load")
        page.wait_for_timeout(500)  # what comes last
    return visit


def visits(browser: Browser, app: App) -> list[Visit]:
    """Each page by a new visitor, and again."""
    found = []
    for path in PAGES:
        context = browser.new_context(locale="zh-CN", viewport={"width": 1440, "height": 900})
        found.append(look(context, app.url, path, kept=False))
        context.pages[0].goto("about:blank")
        found.append(look(context, app.url, path, kept=True))
        context.close()
    return found


def start_seconds(settings: dict[str, object]) -> float:
    """From the command to the ready line, of an app that is then stopped."""
    with running_app(**settings) as app:
        _ = app.url
        seconds = time.monotonic() - app.began
        app.stop()
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3, help="times that each page is opened")
    parser.add_argument("--json", type=Path, help="write the figures there, too")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, openai_server() as model:
        settings: dict[str, object] = {
            "DATA_DIR": folder,
            "CHAT_MODEL": "vllm:test",
            "VLLM_BASE_URL": model.url,
            "GRACE_SECONDS": "60",
        }
        starts = [start_seconds(settings) for _ in range(options.rounds + 1)]
        with running_app(**settings) as app, open_browser() as browser:
            rounds = [visits(browser, app) for _ in range(options.rounds)]
            app.stop()
    print(f"start to the ready line: first {starts[0]:.1f} s, then {_middle(starts[1:]):.1f} s")
    rows = [_row([each[place] for each in rounds]) for place in range(len(rounds[0]))]
    for row in rows:
        print(
            f"{row.page:<11} {'again' if row.kept else 'first'}  head {row.head_ms:5.0f} ms  "
            f"usable {row.usable_ms:5.0f} ms  {row.requests:3d} requests  "
            f"{row.bytes / 1000:7.0f} kB  elsewhere {len(row.elsewhere)}"
        )
    if options.json:
        figures = {"start_seconds": starts, "pages": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(figures, indent=2), "utf-8")


def _middle(values: list[float]) -> float:
    return float(statistics.median(values))


def _row(same: list[Visit]) -> Visit:
    """The median of several visits to the same page; requests elsewhere of all of them."""
    return Visit(
        same[0].page,
        same[0].kept,
        _middle([one.head_ms for one in same]),
        _middle([one.usable_ms for one in same]),
        int(_middle([one.requests for one in same])),
        int(_middle([one.bytes for one in same])),
        [url for one in same for url in one.elsewhere],
    )


if __name__ == "__main__":
    main()
