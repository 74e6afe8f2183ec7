"""Scrapy's errors as the words that :data:`ingest.crawl.reasons.REASONS` explains."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from urllib.parse import urlsplit

from scrapy import Request
from scrapy.exceptions import (
    CannotResolveHostError,
    DownloadCancelledError,
    DownloadConnectionRefusedError,
    DownloadTimeoutError,
    ResponseDataLossError,
    StopDownload,
)
from scrapy.http import Response

from ingest.crawl.admission import Refused, refused_hosts
from ingest.crawl.politeness import RobotsDown

_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (DownloadTimeoutError, "timeout"),
    (DownloadConnectionRefusedError, "refused"),
    (DownloadCancelledError, "size"),
    (ResponseDataLossError, "cut"),
    (gzip.BadGzipFile, "coding"),
    (zlib.error, "coding"),
    (EOFError, "coding"),
)
# Scrapy and OpenSSL say some things in words only.
_WORDS = (
    ("robots.txt", "robots"),
    ("max redirections", "loop"),
    ("DOWNLOAD_MAXSIZE", "size"),
    ("SSL", "tls"),
    ("certificate", "tls"),
    ("VerificationError", "tls"),
    ("brotli", "coding"),
    ("zstd", "coding"),
)


@dataclass(frozen=True)
class Fault:
    """Why a request brought no page."""

    reason: str
    status: int | None = None
    detail: str = ""


def fault_of(error: BaseException | None, request: Request) -> Fault:
    """The fault behind an error that a request ended with."""
    if isinstance(error, Refused):
        return Fault(error.reason, detail=error.detail)
    if isinstance(error, RobotsDown):
        return _robots_fault(error, request)
    if isinstance(error, StopDownload) and error.response is not None:
        return _stopped(error.response)
    detail = str(error)
    if isinstance(error, CannotResolveHostError):
        is_private = urlsplit(request.url).hostname in refused_hosts
        return Fault("private" if is_private else "name")
    for kind, word in _REASONS:
        if isinstance(error, kind):
            return Fault(word, detail=_short(detail))
    reason = next((word for text, word in _WORDS if text in detail), "network")
    return Fault(reason, detail=_short(detail) or type(error).__name__)


def _robots_fault(error: RobotsDown, request: Request) -> Fault:
    """Where the site itself can't be reached, robots.txt is not the point."""
    cause = fault_of(error.fault, request)
    if cause.reason in ("private", "refused", "tls") or (
        cause.reason == "name" and not refused_hosts
    ):
        return cause
    return Fault("robots_down", detail=_short(str(error)) or cause.reason)


def fault_of_status(response: Response) -> Fault:
    """The fault that an answer's status tells of."""
    status = response.status
    meta = response.request.meta if response.request else {}
    if "pause" in meta or status == 429:
        return Fault("busy", status, meta.get("pause", ""))
    if status in (401, 403, 407, 451):
        return Fault("forbidden", status)
    return Fault("server" if status >= 500 else "status", status)


def _stopped(response: Response) -> Fault:
    if response.status >= 300:
        return fault_of_status(response)
    return Fault("type", detail=header(response, b"Content-Type") or "?")


def header(response: Response, name: bytes) -> str:
    """A header's text, or an empty string."""
    return (response.headers.get(name) or b"").decode("latin-1")


def _short(detail: str) -> str:
    return " ".join(detail.split())[:200]
