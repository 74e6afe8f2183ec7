"""What took long, kept in a file of JSON lines, so that an interrupted run goes on where it was."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)


def digest(*parts: object) -> str:
    """A key made of ``parts``, the same in every run."""
    packed = json.dumps(parts, ensure_ascii=False, sort_keys=True, default=str)
    return hashlib.blake2b(packed.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


class Journal:
    """Values by key; each is on the disk when :meth:`put` returns."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known: dict[str, Mapping[str, Any]] = {}
        self._is_torn = False
        if path.exists():
            self._read()

    def get(self, key: str) -> Mapping[str, Any] | None:
        return self._known.get(key)

    def put(self, key: str, value: Mapping[str, Any]) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        line = json.dumps({"key": key, **value}, ensure_ascii=False)
        # What an interrupted write left must not spoil the next line.
        begin, self._is_torn = "\n" if self._is_torn else "", False
        # What was asked and answered is nobody else's business on a shared machine.
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="surrogatepass") as file:
            file.write(f"{begin}{line}\n")
        self._known[key] = value

    def _read(self) -> None:
        text = self._path.read_text("utf-8", errors="replace")
        self._is_torn = bool(text) and not text.endswith("\n")
        for number, line in enumerate(text.split("\n"), 1):
            if not line:
                continue
            try:
                value = json.loads(line)
                self._known[value["key"]] = value
            except (ValueError, KeyError, TypeError):
                log.warning("%s: line %d can't be read and is left out", self._path, number)
