"""Events of the pipeline on a terminal: bars, a line for each failure, one line at the end."""

from __future__ import annotations

import sys
from collections.abc import Generator
from contextlib import closing
from dataclasses import asdict
from typing import Any, TextIO

from ingest.events import (
    Added,
    Event,
    Failed,
    Finished,
    Progress,
    Removed,
    Skipped,
    Started,
    Summary,
    Unchanged,
    Warned,
)

# Documents of fewer chunks are done before a bar could be read.
LEAST_CHUNKS = 32

_WORDS = {
    "en": {
        "added": "{n} added",
        "updated": "{n} updated",
        "unchanged": "{n} unchanged",
        "removed": "{n} removed",
        "warned": "{n} with warnings",
        "skipped": "{n} skipped",
        "failed": "{n} failed",
        "nothing": "nothing to add",
        "cancelled": "cancelled",
        "between": ", ",
        "end": "{counts}: {chunks} in {seconds:.1f} s",
        "documents": "documents",
        "chunks": "chunks",
    },
    "zh": {
        "added": "新增 {n}",
        "updated": "更新 {n}",
        "unchanged": "未变 {n}",
        "removed": "移除 {n}",
        "warned": "警告 {n}",
        "skipped": "跳过 {n}",
        "failed": "失败 {n}",
        "nothing": "没有可添加的内容",
        "cancelled": "已取消",
        "between": "，",
        "end": "{counts}：{chunks}，用时 {seconds:.1f} 秒",
        "documents": "文档",
        "chunks": "片段",
    },
}

_CHUNKS = {"en": ("{n} chunk", "{n} chunks"), "zh": ("{n} 个片段", "{n} 个片段")}


def summary_line(summary: Summary, language: str) -> str:
    """One line such as "3 added, 1 failed: 42 chunks in 3.1 s"."""
    words = _WORDS[language]
    names = ("added", "updated", "removed", "unchanged", "skipped", "failed", "warned")
    counts = [
        words[name].format(n=getattr(summary, name)) for name in names if getattr(summary, name)
    ]
    if summary.cancelled:
        counts.append(words["cancelled"])
    return words["end"].format(
        counts=words["between"].join(counts) or words["nothing"],
        chunks=_chunks(summary.chunks_added, language),
        seconds=summary.seconds,
    )


def _chunks(number: int, language: str) -> str:
    return _CHUNKS[language][number != 1].format(n=number)


Told = Added | Unchanged | Removed | Warned | Skipped | Failed


def event_json(event: Told, language: str) -> dict[str, object]:
    """A document's outcome for programs."""
    if isinstance(event, Added):
        row: dict[str, Any] = {"status": "added" if event.is_new else "updated"}
        counts = {name: getattr(event, name) for name in ("added", "kept", "removed")}
        return row | _stored(event) | {"chunks": counts}
    if isinstance(event, Unchanged):
        return {"status": "unchanged"} | _stored(event)
    if isinstance(event, Removed):
        return {"status": "removed", "uri": event.uri, "title": event.title, "chunks": event.chunks}
    error = {"kind": event.error.kind, "message": event.error.text(language)}
    return {"status": event.name, "uri": event.uri, "error": error}


def _stored(event: Added | Unchanged) -> dict[str, object]:
    return {"uri": event.uri, "id": event.source_id, "title": event.title}


class Report:
    """Follows a run: shows it on ``stream`` (default: standard error) and keeps what becomes of
    each document. Failed and skipped ones are a line each; bars are for terminals only.
    """

    def __init__(self, language: str, stream: TextIO | None = None) -> None:
        self.language = language
        self.stream = stream or sys.stderr
        self.summary = Summary()
        self.documents: list[dict[str, object]] = []
        self._documents_bar: Any = None
        self._chunks_bar: Any = None

    def follow(self, events: Generator[Event, None, None]) -> Summary:
        """Consume ``events``; the summary they end with. Interrupted, the work is ended, too."""
        try:
            with closing(events):
                for event in events:
                    self.show(event)
        finally:
            self._close()
        return self.summary

    def as_json(self) -> dict[str, object]:
        return {**asdict(self.summary), "documents": self.documents}

    def show(self, event: Event) -> None:
        """Take in one event."""
        if isinstance(event, Started):
            self._documents_bar = self._bar(event.total, "documents")
        elif isinstance(event, Progress):
            self._advance(event)
        elif isinstance(event, Finished):
            self.summary = event.summary
        elif isinstance(event, Told):
            self.documents.append(event_json(event, self.language))
            if isinstance(event, Failed | Skipped | Warned):
                self._line(event.error.text(self.language))

    def _advance(self, event: Progress) -> None:
        if event.what == "chunks" and (event.total or 0) >= LEAST_CHUNKS:
            self._chunks_bar = self._chunks_bar or self._bar(event.total, "chunks", leave=False)
            self._set(self._chunks_bar, event)
            if event.done == event.total:
                self._chunks_bar.close()
                self._chunks_bar = None
        elif event.what == "documents":
            self._set(self._documents_bar, event)

    def _bar(self, total: int | None, unit: str, leave: bool = True) -> Any:
        from tqdm import tqdm

        words = _WORDS[self.language]
        return tqdm(
            total=total,
            unit=f" {words[unit]}",
            leave=leave,
            file=self.stream,
            disable=not self.stream.isatty(),
            dynamic_ncols=True,
        )

    def _set(self, bar: Any, event: Progress) -> None:
        bar.total = event.total
        if event.rate:
            words = _WORDS[self.language]["chunks"]
            bar.set_postfix_str(f"{event.rate:.1f} {words}/s", refresh=False)
        bar.update(event.done - bar.n)

    def _line(self, text: str) -> None:
        from tqdm import tqdm

        tqdm.write(" ".join(text.split("\n")), file=self.stream)

    def _close(self) -> None:
        for bar in (self._chunks_bar, self._documents_bar):
            if bar is not None:
                bar.close()
