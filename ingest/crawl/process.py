"""The crawler's process as its parent sees it: started, listened to, ended."""

from __future__ import annotations

import json
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from assistant.settings import ROOT, Settings
from ingest.crawl.request import CrawlRequest
from ingest.passage import Cancel

# Of what Scrapy brings, the parts in use: the others cost time at the start and for every request.
_MIDDLEWARES = {
    "downloadtimeout.DownloadTimeoutMiddleware": 350,
    "defaultheaders.DefaultHeadersMiddleware": 400,
    "useragent.UserAgentMiddleware": 500,
    "retry.RetryMiddleware": 550,
    "httpcompression.HttpCompressionMiddleware": 590,
    "redirect.RedirectMiddleware": 600,
    "httpproxy.HttpProxyMiddleware": 750,
}
_REFERER = "scrapy.spidermiddlewares.referer.RefererMiddleware"  # redirects ask for it
_HANDLER = "scrapy.core.downloader.handlers.http11.HTTP11DownloadHandler"


def crawler_options(
    settings: Settings, request: CrawlRequest, folder: Path, memory: dict[str, Any] | None
) -> dict[str, Any]:
    """All that the process needs to know, as JSON."""
    return asdict(request) | {
        "folder": str(folder),
        "memory": memory,
        "bot": _product(settings.user_agent),
        "most_bytes": settings.max_file_mb * 1024 * 1024,
        "scrapy": scrapy_settings(settings, request),
    }


def scrapy_settings(settings: Settings, request: CrawlRequest) -> dict[str, object]:
    """Polite and bounded; each is described in Scrapy's documentation."""
    headers = {"Accept": "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"}
    if request.languages:
        headers["Accept-Language"] = ",".join((*request.languages, "*;q=0.1"))
    return {
        "USER_AGENT": settings.user_agent,
        "DEFAULT_REQUEST_HEADERS": headers,
        "ROBOTSTXT_OBEY": True,
        "DOWNLOAD_DELAY": request.delay,
        "DOWNLOAD_DELAY_JITTER": 0.0,
        "AUTOTHROTTLE_ENABLED": True,
        "AUTOTHROTTLE_START_DELAY": request.delay,
        "AUTOTHROTTLE_TARGET_CONCURRENCY": max(1.0, request.concurrency / 2),
        "AUTOTHROTTLE_MAX_DELAY": max(10.0, request.delay),
        "CONCURRENT_REQUESTS_PER_DOMAIN": request.concurrency,
        "DOWNLOAD_TIMEOUT": request.timeout,
        "DNS_TIMEOUT": request.timeout,
        "DOWNLOAD_MAXSIZE": settings.max_file_mb * 1024 * 1024,
        "DOWNLOAD_WARNSIZE": 0,
        "DOWNLOAD_VERIFY_CERTIFICATES": True,
        "RETRY_TIMES": 1,
        "RETRY_HTTP_CODES": [500, 502, 503, 504, 522, 524, 408],
        "REDIRECT_MAX_TIMES": 10,
        "SCHEDULER_MEMORY_QUEUE": "scrapy.squeues.FifoMemoryQueue",
        "DOWNLOADER_MIDDLEWARES_BASE": {
            f"scrapy.downloadermiddlewares.{name}": order for name, order in _MIDDLEWARES.items()
        },
        "SPIDER_MIDDLEWARES_BASE": {_REFERER: 700},
        "EXTENSIONS_BASE": {},
        "DOWNLOAD_HANDLERS_BASE": {"http": _HANDLER, "https": _HANDLER},
        "LOG_LEVEL": "WARNING",
    }


def _product(user_agent: str) -> str:
    """The name by which pages may address this crawler."""
    match = re.match(r"[\w-]+", user_agent)
    return match[0].lower() if match else ""


class CrawlerProcess:
    """The process with what it says, in a group of its own that ends with the block."""

    def __init__(self, folder: Path, options: dict[str, Any]) -> None:
        self._log = folder / "log"
        given = folder / "options"
        given.write_text(json.dumps(options), encoding="utf-8")
        with given.open("rb") as stdin, self._log.open("wb") as stderr:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ingest.crawl.spider"],
                cwd=ROOT,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        # A thread reads, so that waiting for a line can be cancelled.
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, name="crawl-output", daemon=True)
        self._reader.start()

    def __enter__(self) -> CrawlerProcess:
        return self

    def __exit__(self, *_: object) -> None:
        # At once: asked politely, Scrapy waits for pages under way, and nothing is to be saved.
        if self._process.poll() is None:
            with suppress(ProcessLookupError, PermissionError):  # it ended just now
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()

    def messages(self, is_over: Callable[[], bool]) -> Iterator[dict[str, Any]]:
        """What the process says, until it ends or ``is_over``, which is asked all the time."""
        while not is_over():
            try:
                line = self._lines.get(timeout=0.2)
            except queue.Empty:
                continue
            if line is None or not line.endswith(b"\n"):  # cut: the process was killed
                return
            yield json.loads(line)

    def end(self) -> tuple[int, str]:
        """Its exit code and what it logged, after its last message."""
        code = self._process.wait()
        return code, self._log.read_text(encoding="utf-8", errors="replace").strip()

    def _read(self) -> None:
        if self._process.stdout is not None:
            with self._process.stdout as lines:
                for line in lines:
                    self._lines.put(line)
        self._lines.put(None)


class Clock:
    """Says when a crawl is over before its time: ``reason`` tells why."""

    def __init__(self, seconds: float | None, cancel: Cancel | None) -> None:
        self._end = None if seconds is None else time.monotonic() + seconds
        self._cancel = cancel
        self.reason = ""

    def is_over(self) -> bool:
        if self._cancel is not None and self._cancel.is_set():
            self.reason = "cancelled"
        elif self._end is not None and time.monotonic() >= self._end:
            self.reason = "seconds"
        return bool(self.reason)
