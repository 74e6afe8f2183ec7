"""The configured models tried from the status page: one check at a time, its rows kept."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from assistant.errors import AssistantError, InternalError
from assistant.models.checking.configured import configured_rows
from assistant.models.checking.row import FAILED, Row
from assistant.settings import Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Checked:
    """A row of a check: ``verdict`` as :mod:`assistant.models.checking.row` has it."""

    check: str
    model: str
    verdict: str
    en: str = ""
    zh: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)

    def told(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True)
class LastCheck:
    """``at``: when it began, seconds since the epoch; 0 where there was none."""

    at: float = 0.0
    rows: tuple[Checked, ...] = ()

    def figure(self, check: str, name: str, model: str = "") -> float | None:
        """A figure of the first row of this check, and of this model if one is named, that has
        it."""
        for row in self.rows:
            if model not in ("", row.model):
                continue
            if row.check == check and isinstance(row.figures.get(name), int | float):
                return float(row.figures[name])
        return None


class ModelChecks:
    """Args:
    path: where the last check is kept for the next start.
    try_all: tries the models, row by row.
    """

    def __init__(
        self,
        settings: Settings,
        path: Path,
        try_all: Callable[[Settings], Iterator[Row]] = configured_rows,
    ) -> None:
        self._settings = settings
        self._path = path
        self._try_all = try_all
        self._lock = threading.Lock()
        self._running = False
        self._last = _read(path)

    @property
    def is_running(self) -> bool:
        return self._running

    @property
    def last(self) -> LastCheck:
        """The last check, or as much as there is of the one that runs."""
        return self._last

    def start(self) -> bool:
        """Begin a check in the background; False where one runs already."""
        with self._lock:
            if self._running:
                return False
            self._running = True
        threading.Thread(target=self._run, name="model-check", daemon=True).start()
        return True

    def _run(self) -> None:
        began, rows = time.time(), []
        self._last = LastCheck(began)
        try:
            for row in self._try_all(self._settings):
                rows.append(_checked(row))
                self._last = LastCheck(began, tuple(rows))
            _write(self._path, self._last)
        except AssistantError as error:
            self._last = LastCheck(began, (*rows, _failed(error)))
        except Exception as error:
            log.exception("the models can't be checked")
            self._last = LastCheck(began, (*rows, _failed(InternalError(error))))
        finally:
            self._running = False


def _checked(row: Row) -> Checked:
    told = row.error.messages if row.error is not None else {}
    if row.finding is not None:
        told = {"en": row.finding.en, "zh": row.finding.zh}
    figures = dict(row.finding.figures) if row.finding is not None else {}
    return Checked(
        row.check, row.model, row.verdict, told.get("en", ""), told.get("zh", ""), figures
    )


def _failed(error: AssistantError) -> Checked:
    return Checked("", "", FAILED, error.text("en"), error.text("zh"))


def _write(path: Path, last: LastCheck) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(last), ensure_ascii=False), "utf-8")
    except OSError as error:
        log.warning("the check of the models can't be kept in %s: %s", path, error)


def _read(path: Path) -> LastCheck:
    try:
        kept = json.loads(path.read_text("utf-8"))
        return LastCheck(float(kept["at"]), tuple(Checked(**row) for row in kept["rows"]))
    except (OSError, ValueError, TypeError, KeyError):
        return LastCheck()
