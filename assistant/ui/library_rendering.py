"""Jobs and sources as HTML and table rows: pure functions, everything from documents escaped."""

from __future__ import annotations

import html
import time
from collections.abc import Mapping, Sequence
from typing import Any

from assistant.knowledge.records import Source
from assistant.ui.counts import counts_text, speed_text
from assistant.ui.jobs import Both, Job, Line, both_texts
from assistant.ui.texts import LANGUAGES, text

SHOWN_LINES = 8  # of a job; failures and warnings are shown up to SHOWN_FAULTS
SHOWN_FAULTS = 30
FAULTS = ("failed", "warned")
COLUMNS = ("col_id", "col_title", "col_kind", "col_chunks", "col_size", "col_updated")


def jobs_html(
    jobs: Sequence[Job], language: str, waits_for: Mapping[int, str] | None = None
) -> str:
    """The newest jobs with their progress and what became of their documents.

    Args:
        waits_for: by a job's id, the source whose run elsewhere it waits for, or an empty string.
    """
    waits = waits_for or {}
    return "".join(
        _job_html(job, waits.get(job.id, ""), language, is_newest=job is jobs[0]) for job in jobs
    )


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


def _job_html(job: Job, waits_for: str, language: str, *, is_newest: bool) -> str:
    title = html.escape(_pick(job.title, language))
    state = f'<span class="state {job.state}">{text(f"job_{job.state}", language)}</span>'
    stop = ""
    if job.is_active and not job.cancel.is_set():
        stop = f'<button type="button" data-do="stop">{text("stop_job", language)}</button>'
    return (
        f'<section class="job" data-source="{job.id}"><h3>{title} {state}{stop}</h3>'
        f"{_bar(job, waits_for, language)}{_end(job, language)}"
        f"{_lines(job, language, is_folded=not (is_newest or job.is_active))}</section>"
    )


def _lines(job: Job, language: str, *, is_folded: bool) -> str:
    lines = "".join(_line_html(line, language) for line in _shown(list(job.lines)))
    if not lines or not is_folded:
        return f"<ul>{lines}</ul>"
    summary = f"<summary>{text('job_details', language)}</summary>"
    return f'<details data-key="job/{job.id}">{summary}<ul>{lines}</ul></details>'


def _bar(job: Job, waits_for: str, language: str) -> str:
    if not job.is_active:
        return ""
    if waits_for:
        said = html.escape(text("job_waits", language, name=waits_for))
        return f'<p class="hint">{said}</p>'
    share = f' value="{job.done}" max="{job.total}"' if job.total else ""
    key = "job_count" if job.total else "job_count_open"
    said = text(key, language, done=job.done, total=job.total)
    now = ""
    if job.current:
        name, done, total = job.current
        now = text("job_chunks", language, name=name, done=done, total=total)
    speed = speed_text(job.rate, job.seconds_left, language)
    said = html.escape(" · ".join(filter(None, (said, speed, now))), quote=True)
    return f'<progress{share} aria-label="{said}"></progress><p class="hint">{said}</p>'


def _end(job: Job, language: str) -> str:
    """What the whole job did, once it has ended."""
    if job.is_active or not job.counts:
        return ""
    said = counts_text(job.counts, language)
    if job.state == "cancelled":
        said = f"{said} · {text('job_kept', language)}"
    return f'<p class="hint">{html.escape(said)}</p>'


def _shown(lines: list[Line]) -> list[Line]:
    """The last lines; of failures and warnings more, because someone must act on them."""
    faults = [line for kind in FAULTS for line in lines if line.kind == kind][:SHOWN_FAULTS]
    others = [line for line in lines if line.kind not in FAULTS][-SHOWN_LINES:]
    return faults + others


def _line_html(line: Line, language: str) -> str:
    said = _pick(line.text, language)
    name = f"<b>{html.escape(line.name)}</b> " if line.name not in said else ""
    return f'<li class="{line.kind}">{name}{html.escape(said)}</li>'


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


def _pick(pair: Both, language: str) -> str:
    return pair[LANGUAGES.index(language)]
