"""``check``: the models of ``.env`` tried, a line for each trial."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from assistant.errors import SettingsError
from assistant.models.auto import role_of
from assistant.models.checking.configured import chain_rows, configured_rows
from assistant.models.checking.row import FAILED, Row
from assistant.models.checking.vectors import embedding_row, rerank_row
from assistant.models.commands import outcome
from assistant.models.commands.outcome import Call, Outcome
from assistant.models.names import named_models
from assistant.models.options import EMBEDDING, RERANK
from assistant.settings import Settings


def run(call: Call) -> Outcome:
    """Each line is printed as soon as it is known.

    Raises:
        SettingsError: the file of named models can't be used.
    """
    rows: list[Row] = []
    for row in _rows(call):
        rows.append(row)
        if not call.options.json:
            sys.stdout.write(row.line(call.language) + "\n")
            sys.stdout.flush()
    data = {"checks": [row.data(call.language) for row in rows]}
    return Outcome(data, code=_code(rows))


def _code(rows: list[Row]) -> int:
    if any(isinstance(row.error, SettingsError) for row in rows):
        return outcome.WRONG_USE
    return outcome.FAILED if any(row.verdict == FAILED for row in rows) else outcome.DONE


def _rows(call: Call) -> Iterator[Row]:
    settings, options = call.settings, call.options
    named = named_models(settings)
    if options.model:
        for name in options.model:
            role = options.role or role_of(str(named.get(name, {}).get("model", name)))
            yield from _rows_of(settings, name, role, "--model")
        return
    yield from configured_rows(settings)
    if options.named:
        for name, table in named.items():
            yield from _rows_of(settings, name, role_of(str(table["model"])), name)


def _rows_of(settings: Settings, name: str, role: str, setting: str) -> Iterator[Row]:
    if role == EMBEDDING:
        yield embedding_row(settings, name)
    elif role == RERANK:
        yield rerank_row(settings, name)
    else:
        yield from chain_rows(settings, name, setting, "chat")
