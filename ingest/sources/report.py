"""The report of a sync: for programs as JSON, for people in lines."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from assistant.errors import AssistantError
from ingest.events import (
    Added,
    Crawled,
    Event,
    Failed,
    Finished,
    Removed,
    Skipped,
    Summary,
    Unchanged,
    Warned,
)
from ingest.progress import event_json, summary_line
from ingest.sources.entry import SourceEntry

#: Reports that are kept, and the size of the log for people before it is turned over.
KEPT_REPORTS = 60
LARGEST_LOG = 1_000_000
KEPT_LOGS = 3
#: Lines of one source in the report for people; the JSON has all.
SHOWN = 20

Status = Literal["done", "partly", "failed", "cut", "cancelled", "interrupted", "paused", "not_due"]


@dataclass
class SourceReport:
    """What a sync did for one source. ``documents`` has those that something happened to.

    ``status``: ``done``; ``partly`` (some documents failed); ``failed`` (nothing could be done);
    ``cut`` by a budget, or ``interrupted`` from outside (the next run goes on from there);
    ``cancelled``; ``paused``; ``not_due``.
    """

    entry: SourceEntry
    status: Status = "done"
    summary: Summary = field(default_factory=Summary)
    documents: list[Event] = field(default_factory=list)
    crawl: Crawled | None = None
    error: AssistantError | None = None

    @property
    def ran(self) -> bool:
        return self.status not in ("paused", "not_due")

    @property
    def has_failed(self) -> bool:
        return self.status in ("partly", "failed")

    def take(self, event: Event) -> None:
        """Note an event of its run."""
        if isinstance(event, Finished):
            self.summary = event.summary
        elif isinstance(event, Crawled):
            self.crawl = event
        elif isinstance(event, Added | Removed | Warned | Skipped | Failed):
            self.documents.append(event)

    def as_json(self, language: str) -> dict[str, Any]:
        entry = self.entry
        row: dict[str, Any] = {
            "name": entry.name,
            "kind": entry.kind,
            "address": entry.address,
            "collection": entry.collection,
            "status": self.status,
            **asdict(self.summary),
            "documents": [
                event_json(event, language)
                for event in self.documents
                if isinstance(event, Added | Unchanged | Removed | Warned | Skipped | Failed)
            ],
        }
        if self.crawl is not None:
            row["crawl"] = asdict(self.crawl)
        if self.error is not None:
            message = self.error.text(language)
            row["error"] = {"kind": self.error.kind, "message": message}
        return row

    def lines(self, language: str) -> list[str]:
        """One line of counts, and one for each document that someone may have to act on."""
        words = _WORDS[language]
        name = f"{self.entry.name} ({self.entry.address})"
        if not self.ran:
            return [f"{name}: {words[self.status]}"]
        said = summary_line(self.summary, language)
        if self.status in ("cut", "cancelled", "interrupted", "failed"):
            said += f" ({words[self.status]})"
        told = [event.error for event in self.documents if isinstance(event, Failed)]
        told += [event.error for event in self.documents if isinstance(event, Warned)]
        told = [self.error, *told] if self.error is not None else told
        lines = [f"{name}: {said}"]
        lines += [f"  - {' '.join(error.text(language).split())}" for error in told[:SHOWN]]
        if len(told) > SHOWN:
            lines.append("  - " + words["more"].format(n=len(told) - SHOWN))
        return lines


_WORDS = {
    "en": {
        "paused": "paused",
        "not_due": "not due yet",
        "cut": "stopped at its budget; the next run goes on from there",
        "cancelled": "cancelled",
        "interrupted": "interrupted; the next run goes on from there",
        "failed": "failed",
        "more": "{n} more: see the JSON report",
        "trial": "Dry run: nothing was changed.",
        "nothing": "Nothing to do: {file} has no source that is due.",
        "report": "Report: {file}",
    },
    "zh": {
        "paused": "已暂停",
        "not_due": "未到计划时间",
        "cut": "达到预算后停止，下次从此处继续",
        "cancelled": "已取消",
        "interrupted": "被中断，下次从此处继续",
        "failed": "失败",
        "more": "另有 {n} 条：见 JSON 报告",
        "trial": "试运行：未做任何改动。",
        "nothing": "无事可做：{file} 中没有到期的来源。",
        "report": "报告：{file}",
    },
}


@dataclass
class SyncReport:
    """What a sync did."""

    began: float
    is_trial: bool
    sources: list[SourceReport] = field(default_factory=list)
    seconds: float = 0.0
    file: Path | None = None

    @property
    def has_failed(self) -> bool:
        return any(source.has_failed for source in self.sources)

    @property
    def has_changed(self) -> bool:
        return any(source.documents for source in self.sources)

    def as_json(self, language: str) -> dict[str, Any]:
        began = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(self.began))
        return {
            "began": began,
            "seconds": round(self.seconds, 2),
            "dry_run": self.is_trial,
            "failed": self.has_failed,
            "sources": [source.as_json(language) for source in self.sources],
        }

    def lines(self, language: str, sources_file: Path) -> list[str]:
        words = _WORDS[language]
        ran = [source for source in self.sources if source.ran]
        if not ran:
            return [words["nothing"].format(file=sources_file)]
        lines = [line for source in ran for line in source.lines(language)]
        if self.is_trial:
            lines.append(words["trial"])
        elif self.file is not None:
            lines.append(words["report"].format(file=self.file))
        return lines

    def save(self, folder: Path, language: str) -> None:
        """Write the JSON beside those of earlier runs, and the lines to ``sync.log``; old ones
        go."""
        reports = folder / "sync"
        reports.mkdir(parents=True, exist_ok=True)
        began = time.strftime("%Y%m%d-%H%M%S", time.localtime(self.began))
        self.file = reports / f"{began}-{int(self.began * 1000) % 1000:03}.json"
        text = json.dumps(self.as_json(language), ensure_ascii=False, indent=1)
        self.file.write_text(text, "utf-8")
        for old in sorted(reports.glob("*.json"))[:-KEPT_REPORTS]:
            old.unlink(missing_ok=True)
        ran = [line for source in self.sources if source.ran for line in source.lines(language)]
        _append(folder / "sync.log", [f"[{began}] {line}" for line in ran])


def _append(log: Path, lines: list[str]) -> None:
    """Add to the log; a large one is turned over first."""
    if log.exists() and log.stat().st_size > LARGEST_LOG:
        for number in range(KEPT_LOGS - 1, 0, -1):
            older = log.with_suffix(f".log.{number}")
            if older.exists():
                older.replace(log.with_suffix(f".log.{number + 1}"))
        log.replace(log.with_suffix(".log.1"))
    with log.open("a", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
