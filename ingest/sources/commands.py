"""``python -m ingest sync`` and ``python -m ingest sources``."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from ingest.outcome import DONE, FAILED, Call, Outcome
from ingest.progress import Report
from ingest.sources.entry import KINDS, SourceEntry
from ingest.sources.listing import add_source, change_source, path_of
from ingest.sources.overview import Standing, standings, take_out
from ingest.sources.sync import Sync, SyncRequest

_WORDS = {
    "en": {
        "added": "Added source {name}: `python -m ingest sync --only {name}` runs it now.",
        "changed": "{name}: schedule {schedule}{paused}",
        "paused": ", paused",
        "removed": "Removed source {name}; {deleted} documents were deleted.",
        "never": "never ran",
        "none": "No sources yet: python -m ingest sources add NAME --site URL",
    },
    "zh": {
        "added": "已添加来源 {name}：立即运行请用 `python -m ingest sync --only {name}`。",
        "changed": "{name}：计划 {schedule}{paused}",
        "paused": "，已暂停",
        "removed": "已移除来源 {name}；删除了 {deleted} 个文档。",
        "never": "尚未运行",
        "none": "还没有来源：python -m ingest sources add 名称 --site 网址",
    },
}


def sync(call: Call) -> Outcome:
    """Run what is due."""
    options = call.arguments
    request = SyncRequest(
        only=tuple(options.only),
        everything=options.all,
        is_trial=options.dry_run,
        minutes=options.minutes,
        pages=options.pages,
        wait=options.wait,
    )
    run = Sync(call.settings, request, threading.Event())
    shown = Report(call.language)
    with closing(run.events()) as events:
        # On a terminal with bars; otherwise the report says it all.
        is_shown = sys.stderr.isatty() and not options.quiet
        for _, event in events:
            if is_shown:
                shown.show(event)
    report = run.report
    lines = report.lines(call.language, path_of(call.settings.data_dir))
    if options.quiet and not report.has_failed:
        lines = []
    return Outcome(report.as_json(call.language), lines, code=FAILED if report.has_failed else DONE)


def sources(call: Call) -> Outcome:
    """Show or change the list."""
    return VERBS[call.arguments.verb](call)


def _list(call: Call) -> Outcome:
    found = standings(call.settings)
    lines = [_line(standing, call.language) for standing in found]
    rows = [_row(standing) for standing in found]
    return Outcome({"sources": rows}, lines or [_WORDS[call.language]["none"]])


def _add(call: Call) -> Outcome:
    options = call.arguments
    row: dict[str, Any] = {"name": options.name}
    names = (*KINDS, "collection", "schedule", "include", "exclude", "depth", "pages")
    for name in (*names, "allow_private"):
        value = getattr(options, name)
        if value is not None:
            row[name] = value
    entry = add_source(call.settings.data_dir, row)
    return Outcome(_entry_row(entry), [_WORDS[call.language]["added"].format(name=entry.name)])


def _change(call: Call, **values: Any) -> Outcome:
    entry = change_source(call.settings.data_dir, call.arguments.name, **values)
    words = _WORDS[call.language]
    paused = words["paused"] if entry.paused else ""
    line = words["changed"].format(name=entry.name, schedule=entry.schedule.text, paused=paused)
    return Outcome(_entry_row(entry), [line])


def _remove(call: Call) -> Outcome:
    name = call.arguments.name
    deleted = take_out(call.settings, name, with_documents=call.arguments.with_documents)
    line = _WORDS[call.language]["removed"].format(name=name, deleted=deleted)
    return Outcome({"removed": name, "documents": deleted}, [line])


def _line(standing: Standing, language: str) -> str:
    entry, last = standing.entry, standing.last
    words = _WORDS[language]
    ran = words["never"]
    if last is not None:
        ran = f"{time.strftime('%Y-%m-%d %H:%M', time.localtime(last.began))} {last.status}"
    paused = words["paused"] if entry.paused else ""
    columns = (entry.name, entry.kind, entry.schedule.text + paused, ran, entry.address)
    return "\t".join(columns)


def _row(standing: Standing) -> dict[str, Any]:
    last = standing.last
    row = _entry_row(standing.entry)
    row["last"] = None
    if last is not None:
        row["last"] = {"began": last.began, "ended": last.ended, **last.outcome}
    return row


def _entry_row(entry: SourceEntry) -> dict[str, Any]:
    return {
        "name": entry.name,
        "kind": entry.kind,
        "address": entry.address,
        "collection": entry.collection,
        "schedule": entry.schedule.text,
        "paused": entry.paused,
    }


VERBS: Mapping[str, Callable[[Call], Outcome]] = {
    "list": _list,
    "add": _add,
    "pause": lambda call: _change(call, paused=True),
    "resume": lambda call: _change(call, paused=None),
    "schedule": lambda call: _change(call, schedule=call.arguments.when),
    "remove": _remove,
}

COMMANDS: Mapping[str, Callable[[Call], Outcome]] = {"sync": sync, "sources": sources}
