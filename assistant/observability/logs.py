"""How log lines look: as text for people, or as JSON for programs; with the id of the request that
they belong to.

A JSON line has ``time`` (ISO 8601, UTC), ``level``, ``logger``, ``message``, ``request_id`` where
there is one, ``exception`` where there was one, and whatever was logged with ``extra=``.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

from assistant.observability import request_ids

#: What every record has; anything else came with ``extra=``.
_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class TextLines(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s%(request)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:
        id = request_ids.current()
        record.request = f" [{id}]" if id else ""
        return super().formatMessage(record)


class JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if id := request_ids.current():
            line["request_id"] = id
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


FORMATS: dict[str, type[logging.Formatter]] = {"text": TextLines, "json": JsonLines}


def set_up_logging(log_format: str = "text") -> None:
    """Write the root logger's lines to standard error in ``log_format``, a key of
    :data:`FORMATS`."""
    logging.basicConfig()
    for handler in logging.getLogger().handlers:
        handler.setFormatter(FORMATS[log_format]())
