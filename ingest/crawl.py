"""A site as a stream of pages: starts the crawler's process, reads what it says, ends it.

The crawler (:mod:`ingest.spider`) is a process of its own because Scrapy's reactor can't be
started twice and must not hold up the app.
"""

from __future__ import annotations

import json
import logging
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from assistant.errors import PageError
from assistant.settings import ROOT, Settings
from ingest.addresses import clean_url
from ingest.load.document import RawDocument

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CrawlRequest:
    """What to crawl: pages on the host of ``url``, reached by at most ``depth`` links.

    ``prefix`` limits the crawl to paths that begin with it; ``delay`` is the least pause between
    two requests and ``timeout`` the longest wait for one, in seconds.

    Raises:
        PageError: the URL is not one of http or https with a host.
    """

    url: str
    depth: int = 3
    pages: int = 500
    prefix: str = "/"
    allow_private: bool = False
    delay: float = 0.2
    timeout: float = 30.0

    def __post_init__(self) -> None:
        try:
            parts = urlsplit(self.url.strip())
            usable = parts.scheme in ("http", "https") and bool(parts.hostname)
            usable = usable and (parts.port or 80) > 0
        except ValueError:
            usable = False
        if not usable:
            raise PageError(
                "{url} is not a web address: give one like https://example.org/docs/.",
                "{url} 不是网页地址：请使用形如 https://example.org/docs/ 的地址。",
                url=self.url,
            )
        object.__setattr__(self, "url", clean_url(self.url))


@dataclass(frozen=True)
class Page:
    """A page that came. ``known`` pages are known so far, this one and the done ones included."""

    raw: RawDocument
    is_start: bool
    known: int


@dataclass(frozen=True)
class NoPage:
    """A page that did not come. ``harmless``: by rule, not by fault."""

    url: str
    error: PageError
    harmless: bool


REASONS: dict[str, tuple[str, str]] = {
    "status": (
        "{url} answered {status}: check the address, or the link that leads to it.",
        "{url} 返回 {status}：请检查该地址，或指向它的链接。",
    ),
    "robots": (
        "{url} is closed to crawlers by the site's robots.txt: ask its owner, or save the page "
        "and add the file.",
        "{url} 被网站的 robots.txt 禁止抓取：请联系网站所有者，或将网页保存为文件后添加。",
    ),
    "noindex": (
        "{url} asks not to be indexed (robots noindex): not added.",
        "{url} 要求不被索引（robots noindex）：未添加。",
    ),
    "private": (
        "{url} is on a private or local address: allow it with --allow-private if the site is "
        "yours (some proxies give such addresses to every name).",
        "{url} 位于内网或本机地址：如果是您自己的网站，请加 --allow-private"
        "（某些代理会把所有域名解析到这类地址）。",
    ),
    "redirect": (
        "{url} leads away from the site, to {detail}: crawl that address if it is wanted.",
        "{url} 跳转到站外的 {detail}：如果需要，请直接抓取该地址。",
    ),
    "loop": (
        "{url} redirects in circles: open it in a browser and give the address it ends at.",
        "{url} 循环跳转：请在浏览器中打开并使用最终地址。",
    ),
    "type": (
        "{url} is of a type that can't be read ({detail}).",
        "{url} 的类型无法读取（{detail}）。",
    ),
    "size": (
        "{url} is larger than MAX_FILE_MB in .env allows.",
        "{url} 超过了 .env 中 MAX_FILE_MB 的上限。",
    ),
    "timeout": (
        "{url} did not answer in time: try again later.",
        "{url} 响应超时：请稍后重试。",
    ),
    "name": (
        "{url} can't be found: its host name is unknown; check the spelling and the network.",
        "{url} 找不到：主机名无法解析，请检查拼写和网络。",
    ),
    "refused": (
        "{url} refuses the connection: check the address and port, and that the site is up.",
        "{url} 拒绝连接：请检查地址和端口，并确认网站正在运行。",
    ),
    "network": (
        "{url} can't be fetched ({detail}): try again later.",
        "{url} 无法获取（{detail}）：请稍后重试。",
    ),
    "pages": (
        "{url}: stopped at the limit of {pages} pages; raise --pages to get more.",
        "{url}：已达到 {pages} 页上限；如需更多请增大 --pages。",
    ),
    "ended": (
        "The crawler of {url} ended early ({detail}): what came is kept; try again.",
        "{url} 的爬虫提前结束（{detail}）：已获取的内容已保留，请重试。",
    ),
}
# Reasons that are no fault of a page that was only linked to.
BY_RULE = ("robots", "noindex", "redirect", "type")


def fetch_pages(
    settings: Settings, request: CrawlRequest, cancel: threading.Event | None = None
) -> Generator[Page | NoPage, None, None]:
    """Crawl: the pages as they come. Closing the iterator or setting ``cancel`` ends the crawler.

    A start page that doesn't come is a ``NoPage`` that is not harmless.
    """
    with tempfile.TemporaryDirectory(prefix="crawl-") as folder:
        pages = Path(folder, "pages")
        pages.mkdir()
        options = asdict(request) | {
            "folder": str(pages),
            "scrapy": scrapy_settings(settings, request),
        }
        with _Crawler(Path(folder), options) as crawler:
            for message in crawler.messages(cancel):
                yield from _read(message, request)
            if cancel is None or not cancel.is_set():
                yield from _ending(crawler, request)


def scrapy_settings(settings: Settings, request: CrawlRequest) -> dict[str, object]:
    """Polite and bounded; each is described in Scrapy's documentation."""
    return {
        "USER_AGENT": settings.user_agent,
        "ROBOTSTXT_OBEY": True,
        "DOWNLOAD_DELAY": request.delay,
        "AUTOTHROTTLE_ENABLED": True,
        "AUTOTHROTTLE_START_DELAY": request.delay,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": 2.0,
        "AUTOTHROTTLE_MAX_DELAY": 10.0,
        "CONCURRENT_REQUESTS_PER_DOMAIN": 4,
        "DOWNLOAD_TIMEOUT": request.timeout,
        "DNS_TIMEOUT": request.timeout,
        "DOWNLOAD_MAXSIZE": settings.max_file_mb * 1024 * 1024,
        "DOWNLOAD_WARNSIZE": 0,
        "RETRY_TIMES": 1,
        "REDIRECT_MAX_TIMES": 10,
        "COOKIES_ENABLED": False,
        "TELNETCONSOLE_ENABLED": False,
        # Breadth first: a limit of pages then keeps those near the start.
        "DEPTH_PRIORITY": 1,
        "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
        "LOG_LEVEL": "WARNING",
    }


class _Crawler:
    """The process with what it says, in a group of its own that ends with the block."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self.log = folder / "log"
        given = folder / "options"
        given.write_text(json.dumps(options), encoding="utf-8")
        with given.open("rb") as stdin, self.log.open("wb") as stderr:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "ingest.spider"],
                cwd=ROOT,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        # A thread reads, so that waiting for a line can be cancelled.
        self.lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self.reader = threading.Thread(target=self._read, name="crawl-output", daemon=True)
        self.reader.start()

    def __enter__(self) -> _Crawler:
        return self

    def __exit__(self, *_: object) -> None:
        # At once: asked politely, Scrapy waits for pages under way, and nothing is to be saved.
        if self.process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):  # it ended just now
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reader.join()

    def messages(self, cancel: threading.Event | None) -> Iterator[dict[str, Any]]:
        """What the process says, until it ends or the work is cancelled."""
        while cancel is None or not cancel.is_set():
            try:
                line = self.lines.get(timeout=0.2)
            except queue.Empty:
                continue
            if line is None:
                return
            yield json.loads(line)

    def _read(self) -> None:
        if self.process.stdout is not None:
            with self.process.stdout as lines:
                for line in lines:
                    self.lines.put(line)
        self.lines.put(None)


def _read(message: dict[str, Any], request: CrawlRequest) -> Iterator[Page | NoPage]:
    url = message.get("url", request.url)
    if message["event"] == "page":
        file = Path(message["file"])
        raw = RawDocument(url, file.read_bytes(), message["content_type"])
        file.unlink()
        yield Page(raw, message["is_start"], message["known"])
    elif message["event"] == "done":
        if message["reason"] == "pages":
            yield NoPage(url, _page_error("pages", url, pages=request.pages), harmless=True)
    else:
        reason = message["reason"]
        fields = {name: message.get(name) for name in ("status", "detail")}
        harmless = reason in BY_RULE and not message["is_start"]
        yield NoPage(url, _page_error(reason, url, **fields), harmless)


def _page_error(reason: str, url: str, **fields: object) -> PageError:
    en, zh = REASONS[reason]
    return PageError(en, zh, url=url, **fields)


def _ending(crawler: _Crawler, request: CrawlRequest) -> Iterator[NoPage]:
    """Say so where the crawler did not end by itself and well."""
    code = crawler.process.wait()
    said = crawler.log.read_text(encoding="utf-8", errors="replace").strip()
    if said:
        logger.log(logging.ERROR if code else logging.INFO, "crawl of %s:\n%s", request.url, said)
    if code != 0:
        detail = said.splitlines()[-1] if said else f"exit code {code}"
        yield NoPage(request.url, _page_error("ended", request.url, detail=detail), harmless=False)
