"""Jobs and sources as HTML and table rows: pure functions, everything from documents escaped."""

from __future__ import annotations

import html
import time
from collections.abc import Sequence
from typing import Any

from assistant.knowledge.records import Source
from assistant.ui.jobs import Both, Job, Line
from assistant.ui.texts import LANGUAGES, text

SHOWN_LINES = 8  # of a job; failures are shown up to SHOWN_FAILURES
SHOWN_FAILURES = 30
COLUMNS = ("col_id", "col_title", "col_kind", "col_chunks", "col_size", "col_updated")


def jobs_html(jobs: Sequence[Job], language: str) -> str:
    """The newest jobs with their progress and what became of their documents."""
    return "".join(_job_html(job, language) for job in jobs)


def counts_html(sources: Sequence[Source], sample: str, language: str) -> str:
    """How much there is, and where the sample came from."""
    if not sources:
        return f'<p class="counts">{text("empty_base", language)}</p>'
    chunks = sum(source.chunks for source in sources)
    said = text("counts", language, sources=len(sources), chunks=chunks)
    is_sample = any(source.uri.startswith(sample) for source in sources)
    notes = [text("select_hint", language)]
    if is_sample:
        notes.append(text("sample_note", language))
    hints = "".join(f'<p class="hint">{note}</p>' for note in notes)
    return f'<p class="counts"><strong>{said}</strong></p>{hints}'


def chosen_html(source: Source, language: str) -> str:
    title = html.escape(source.title)
    return (
        f'<div class="chosen"><span>{text("selected", language, title=title)}</span> '
        f'<a href="/source/{source.id}" target="_blank" rel="noopener">'
        f"{text('open_source', language)} ↗</a><code>{html.escape(source.uri)}</code></div>"
    )


def _job_html(job: Job, language: str) -> str:
    title = html.escape(_pick(job.title, language))
    state = f'<span class="state {job.state}">{text(f"job_{job.state}", language)}</span>'
    lines = "".join(_line_html(line, language) for line in _shown(list(job.lines)))
    return (
        f'<section class="job"><h3>{title} {state}</h3>{_bar(job, language)}'
        f"<ul>{lines}</ul></section>"
    )


def _bar(job: Job, language: str) -> str:
    if not job.is_active:
        return ""
    share = f' value="{job.done}" max="{job.total}"' if job.total else ""
    key = "job_count" if job.total else "job_count_open"
    said = text(key, language, done=job.done, total=job.total)
    if job.current:
        name, done, total = job.current
        now = text("job_chunks", language, name=name, done=done, total=total)
        said = f"{said} · {html.escape(now)}"
    return f'<progress{share} aria-label="{said}"></progress><p class="hint">{said}</p>'


def _shown(lines: list[Line]) -> list[Line]:
    """The last lines; of failures more, because someone must act on them."""
    failures = [line for line in lines if line.kind == "failed"][-SHOWN_FAILURES:]
    others = [line for line in lines if line.kind != "failed"][-SHOWN_LINES:]
    return failures + others


def _line_html(line: Line, language: str) -> str:
    name = f"<b>{html.escape(line.name)}</b> " if line.name else ""
    return f'<li class="{line.kind}">{name}{html.escape(_pick(line.text, language))}</li>'


def table_row(source: Source) -> list[Any]:
    updated = time.strftime("%Y-%m-%d %H:%M", time.localtime(source.updated_at))
    return [source.id, source.title, source.kind, source.chunks, size_text(source.size), updated]


def size_text(size: int) -> str:
    """Bytes for people: 512 B, 3.4 kB, 12.0 MB."""
    if size < 1000:
        return f"{size} B"
    return f"{size / 1000:.1f} kB" if size < 1_000_000 else f"{size / 1_000_000:.1f} MB"


def upload_title(names: list[str]) -> Both:
    if len(names) == 1:
        return both_texts("job_file", name=names[0])
    return both_texts("job_files", n=len(names))


def both_texts(key: str, **fields: object) -> Both:
    zh, en = (text(key, language, **fields) for language in LANGUAGES)
    return zh, en


def _pick(pair: Both, language: str) -> str:
    return pair[LANGUAGES.index(language)]
