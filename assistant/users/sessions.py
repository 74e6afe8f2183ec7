"""Sessions: who is logged in, in a folder of small files that survives a restart.

A file is named by the hash of the session's token, so the folder opens no session; the time of a
file is when its session was last used.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import secrets
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

#: How old "last used" may be before it is written anew.
USED_SECONDS = 60.0


@dataclass(frozen=True)
class Session:
    """Args:
    stamp: the account's when the session began: another one now means that it has ended.
    role: of somebody who is not in the users' file; else empty.
    """

    user: str
    stamp: str
    began: float
    role: str = ""


class Sessions:
    """Args:
    folder: of the files; made when first needed.
    idle: seconds after the last use, and
    longest: seconds after the login, when a session ends.
    clock: seconds since 1970.
    """

    def __init__(
        self,
        folder: Path,
        *,
        idle: float,
        longest: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder = folder
        self._idle = idle
        self._longest = longest
        self._clock = clock

    @property
    def longest(self) -> float:
        return self._longest

    def start(self, user: str, stamp: str, role: str = "") -> str:
        """Begin a session; its token, which is nowhere else. Those that have ended are cleared.

        Raises:
            OSError: the folder can't be written.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._sweep()
        token = secrets.token_urlsafe(32)
        session = Session(user, stamp, self._clock(), role)
        path = self._path(token)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(asdict(session), file)
        os.utime(path, (session.began, session.began))
        return token

    def find(self, token: str, is_use: bool = True) -> Session | None:
        """The session of ``token``; None: it has ended, or never was. Where ``is_use``, it counts
        as used now."""
        path = self._path(token)
        session = _read(path)
        if session is None:
            return None
        now = self._clock()
        try:
            used = path.stat().st_mtime
            if not self._lives(session, used, now):
                path.unlink()
                return None
            if is_use and now - used > USED_SECONDS:
                os.utime(path, (now, now))
        except OSError:
            return None
        return session

    def end(self, token: str) -> None:
        self._path(token).unlink(missing_ok=True)

    def end_all(self, user: str, but: str = "") -> int:
        """End every session of ``user`` but the one of token ``but``; how many."""
        kept = self._path(but).name
        ended = 0
        for path in self._files():
            session = _read(path)
            if session and session.user == user and path.name != kept:
                path.unlink(missing_ok=True)
                ended += 1
        return ended

    def live(self) -> list[Session]:
        """Those that have not ended by time; whose stamp is still good, the accounts know."""
        now, found = self._clock(), []
        for path in self._files():
            session = _read(path)
            with contextlib.suppress(OSError):
                if session and self._lives(session, path.stat().st_mtime, now):
                    found.append(session)
        return found

    def _sweep(self) -> None:
        now = self._clock()
        for path in self._files():
            session = _read(path)
            with contextlib.suppress(OSError):
                if session is None or not self._lives(session, path.stat().st_mtime, now):
                    path.unlink()

    def _lives(self, session: Session, used: float, now: float) -> bool:
        return now - used < self._idle and now - session.began < self._longest

    def _files(self) -> Iterator[Path]:
        yield from list(self._folder.glob("*.json")) if self._folder.is_dir() else ()

    def _path(self, token: str) -> Path:
        name = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
        return self._folder / f"{name}.json"


def _read(path: Path) -> Session | None:
    try:
        return Session(**json.loads(path.read_bytes()))
    except (OSError, ValueError, TypeError):
        return None
