"""The id of a request: in its log lines, its response's header, and in what an unexpected fault
tells its user, so that whoever looks into it finds the lines.

>>> with using("abc123"):
...     current()
'abc123'
>>> current()
''
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HEADER = "x-request-id"
#: What is taken from outside: it goes into logs and headers as it is.
_SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{3,63}")

_current: ContextVar[str] = ContextVar("request_id", default="")


def new_request_id() -> str:
    return secrets.token_hex(6)


def sane_or_new(given: str) -> str:
    """``given`` where it can be a request's id, else one of our own."""
    return given if _SANE.fullmatch(given) else new_request_id()


def current() -> str:
    """The id of the request that is served here; empty where there is none."""
    return _current.get()


@contextmanager
def using(request_id: str) -> Iterator[None]:
    """Serve the request of this id in the block."""
    token = _current.set(request_id)
    try:
        yield
    finally:
        _current.reset(token)
