"""What services that embed were found to serve, from one start of the program to the next."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

MOST = 100  # services that are kept; the oldest go


@dataclass(frozen=True)
class Facts:
    """``batch``: how many texts it takes in a call."""

    model: str
    dimension: int
    batch: int


class FactsFile:
    """A small JSON file. What is wrong with it is logged and never in anyone's way."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def recall(self, key: str) -> Facts | None:
        try:
            facts = Facts(**self._read()[key])
            return facts if facts.dimension > 0 and facts.batch > 0 else None
        except (KeyError, TypeError):
            return None

    def remember(self, key: str, facts: Facts) -> None:
        rows = self._read()
        rows.pop(key, None)
        rows[key] = asdict(facts)
        self._write(dict(list(rows.items())[-MOST:]))

    def forget(self, key: str) -> None:
        rows = self._read()
        if rows.pop(key, None) is not None:
            self._write(rows)

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            rows = json.loads(self.path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            log.warning("%s can't be read (%s) and is begun anew", self.path, error)
            return {}
        return rows if isinstance(rows, dict) else {}

    def _write(self, rows: dict[str, dict[str, Any]]) -> None:
        beside = self.path.with_name(f"{self.path.name}.{os.getpid()}.tmp")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            beside.write_text(json.dumps(rows, ensure_ascii=False, indent=1), "utf-8")
            beside.replace(self.path)
        except OSError as error:
            log.warning("%s can't be written: %s", self.path, error)
