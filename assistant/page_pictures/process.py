"""Draws a page in a process of its own: a hostile file ends that process, not the app."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from assistant.page_pictures.layout import Layout, Picture
from assistant.settings import ROOT

logger = logging.getLogger(__name__)

#: The longest that a page may take, in seconds.
SECONDS = 15.0
#: Pages that are drawn at once; others wait their turn.
AT_ONCE = 2
#: The longest that a page waits for its turn, in seconds, and how many may wait: each holds one of
#: the threads that answer the pages.
TURN_SECONDS = 10.0
WAITING = 8
_CHILD = (sys.executable, "-m", "assistant.page_pictures.child")
#: It needs nothing of ours, keys least of all.
_ENVIRONMENT = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
_turns = threading.BoundedSemaphore(AT_ONCE)
_places = threading.BoundedSemaphore(AT_ONCE + WAITING)


class Busy(Exception):
    """Too many pages are being drawn: this one may be, later."""


def draw(kind: str, path: Path, page: int, seconds: float = SECONDS) -> Picture | None:
    """The picture of a page; None where there is none, as the file can't be drawn.

    Raises:
        Busy: it didn't come to its turn.
    """
    with _turn():
        try:
            return _answer(_run([*_CHILD, kind, str(page), str(path)], seconds))
        except (OSError, ValueError) as error:
            logger.warning("page %d of %s can't be drawn: %s", page, path.name, error)
            return None


@contextmanager
def _turn() -> Iterator[None]:
    if not _places.acquire(blocking=False):
        raise Busy
    try:
        if not _turns.acquire(timeout=TURN_SECONDS):
            raise Busy
        try:
            yield
        finally:
            _turns.release()
    finally:
        _places.release()


def _run(command: list[str], seconds: float) -> bytes:
    """What the command writes. OSError where it fails or takes longer than ``seconds``."""
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=_ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    with process:
        try:
            said, fault = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"nothing came for {seconds:g} seconds") from error
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, signal.SIGKILL)
    if process.returncode != 0:
        last = fault.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise OSError(f"exit code {process.returncode}; {last[:300]}")
    return said


def _answer(said: bytes) -> Picture:
    """ValueError where it is no picture with its layout."""
    told, _, png = said.partition(b"\n")
    if not png.startswith(b"\x89PNG\r\n"):
        raise ValueError("what was drawn is no PNG")
    return Picture(png, Layout.from_json(told.decode("utf-8", "replace")))
