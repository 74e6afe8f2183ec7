"""The audit log: who changed what of the library, the users and the prompts, and who logged in, as
JSON lines.

Bounded: a full file becomes ``audit.1.jsonl``, and the one before it goes.
"""

from __future__ import annotations

import json
import logging
import os
import threading
from datetime import UTC, datetime
from pathlib import Path

from assistant.users.identity import Identity

log = logging.getLogger(__name__)

FILE = "audit.jsonl"
FULL_BYTES = 8 * 2**20
LONGEST = 500  # characters of a value
#: What must not stand in a log, by the name that it would have.
SECRET = ("password", "token", "secret", "cookie", "authorization", "key")
#: Somebody who is not logged in.
NOBODY = "-"


class Audit:
    """Args:
    log_dir: the folder of the log files.
    """

    def __init__(self, log_dir: Path) -> None:
        self.folder = log_dir
        self._path = log_dir / FILE
        self._lock = threading.Lock()

    def note(
        self, identity: Identity | None, action: str, target: str = "", **details: object
    ) -> None:
        """Add a line: ``{"time", "user", "role", "way", "action", "target", "details"}``.

        What was done is done: where the log can't be written, the app's log says so.

        Args:
            identity: who did it; None: nobody is logged in.
            action: "library.add", "library.delete", "users.add", "login", "login.failed", ...
            target: what it was done to.
            details: plain values; never a secret.
        """
        line: dict[str, object] = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "user": identity.user if identity else NOBODY,
            "role": identity.role.word if identity else NOBODY,
            "way": identity.way if identity else NOBODY,
            "action": action,
            "target": _plain(target),
        }
        if details:
            line["details"] = {
                name: "(hidden)" if name.lower() in SECRET else _plain(value)
                for name, value in details.items()
            }
        written = json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
        with self._lock:
            try:
                self._append(written)
            except OSError as error:
                log.warning("%s can't be written (%s): %s", self._path, error.strerror, action)

    def _append(self, line: bytes) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "ab", buffering=0) as file:
            file.write(line)  # in one piece: another process may write, too
            full = file.tell() >= FULL_BYTES
        if full:
            os.replace(self._path, self._path.with_suffix(".1.jsonl"))


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    text = str(value)
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"
