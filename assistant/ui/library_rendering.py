"""Jobs as HTML: pure functions, everything from documents escaped."""

from __future__ import annotations

import html
import time
from collections.abc import Mapping, Sequence

from assistant.knowledge.collections import SourcePage
from assistant.ui.counts import counts_text, speed_text
from assistant.ui.jobs import Both, Job, Line, both_texts, name_of
from assistant.ui.texts import LANGUAGES, text

SHOWN_LINES = 8  # of a job; failures and warnings are shown up to SHOWN_FAULTS
SHOWN_FAULTS = 30
SHOWN_LOG = 60  # lines of a followed source's run
SHOWN_FILES = 300  # of an upload
UNFOLDED_FILES = 12
FAULTS = ("failed", "warned")
#: What a reader should see first of the files of an upload.
_FIRST = ("failed", "warned", "skipped", "waiting", "good", "same", "removed")


def jobs_html(
    jobs: Sequence[Job],
    language: str,
    waits_for: Mapping[int, str] | None = None,
    *,
    may_stop: bool = True,
) -> str:
    """The newest jobs with their progress and what became of their documents.

    Args:
        waits_for: by a job's id, the source whose run elsewhere it waits for, or an empty string.
        may_stop: the visitor may stop them.
    """
    waits = waits_for or {}
    return "".join(
        _job_html(job, waits.get(job.id, ""), language, is_newest=job is jobs[0], may_stop=may_stop)
        for job in jobs
    )


def counts_html(page: SourcePage, is_sample: bool, language: str) -> str:
    """How much there is, and where the sample came from."""
    if not page.sources:
        return f'<p class="counts">{text("empty_base", language)}</p>'
    said = text("counts", language, sources=page.sources, chunks=page.chunks)
    note = f'<p class="hint">{text("sample_note", language)}</p>' if is_sample else ""
    return f'<p class="counts"><strong>{said}</strong></p>{note}'


def _job_html(job: Job, waits_for: str, language: str, *, is_newest: bool, may_stop: bool) -> str:
    title = html.escape(_pick(job.title, language))
    state = f'<span class="state {job.state}">{text(f"job_{job.state}", language)}</span>'
    stop = ""
    if may_stop and job.is_active and not job.cancel.is_set():
        stop = f'<button type="button" data-do="stop">{text("stop_job", language)}</button>'
    return (
        f'<section class="job" data-source="{job.id}"><h3>{title} {state}{stop}</h3>'
        f"{_bar(job, waits_for, language)}{_end(job, language)}"
        f"{_lines(job, language, is_folded=not (is_newest or job.is_active))}</section>"
    )


def _lines(job: Job, language: str, *, is_folded: bool) -> str:
    if job.source:
        return _log(job, language)
    if len(job.files) > 1:
        return _files(job, language) + _list(job.lines, job, language)
    lines = "".join(_line_html(line, language) for line in _shown(list(job.lines)))
    return _folded(f"<ul>{lines}</ul>", job, "job_details", language, is_folded and bool(lines))


def _log(job: Job, language: str) -> str:
    """What became of the last pages and files of a followed source, the newest first; what someone
    must act on stands above."""
    lines = list(job.lines)
    faults = [line for line in lines if line.kind in FAULTS][-SHOWN_FAULTS:]
    told = "".join(_line_html(line, language) for line in faults)
    newest = [line for line in reversed(lines) if line not in faults][:SHOWN_LOG]
    rows = "".join(_line_html(line, language, with_time=True) for line in newest)
    if not rows:
        return f"<ul>{told}</ul>"
    log = f'<ul class="log" tabindex="0">{rows}</ul>'
    is_folded = not job.is_active
    return f"<ul>{told}</ul>" + _folded(log, job, "crawl_log", language, is_folded, n=len(newest))


def _files(job: Job, language: str) -> str:
    """Each file of an upload with what became of it."""
    rows = sorted(
        ((name_of(place), line) for place, line in job.files.items()),
        key=lambda row: _FIRST.index(row[1].kind if row[1] else "waiting"),
    )
    waiting = "file_waiting" if job.is_active else "file_not_reached"
    lines = "".join(
        _file_html(name, line, text(waiting, language), language)
        for name, line in rows[:SHOWN_FILES]
    )
    if len(rows) > SHOWN_FILES:
        lines += f'<li class="same">{text("files_more", language, n=len(rows) - SHOWN_FILES)}</li>'
    listed = f'<ul class="log" tabindex="0">{lines}</ul>'
    is_folded = len(rows) > UNFOLDED_FILES
    return _folded(listed, job, "files_of_job", language, is_folded, n=len(rows))


def _file_html(name: str, line: Line | None, waiting: str, language: str) -> str:
    kind, said = (line.kind, _pick(line.text, language)) if line else ("waiting", waiting)
    shown = "" if name in said else f"<b><bdi>{html.escape(name)}</bdi></b> "
    return f'<li class="{kind}">{shown}{html.escape(said)}</li>'


def _list(lines: Sequence[Line], job: Job, language: str) -> str:
    """What is to be known beside the files that have a line of their own."""
    own = [line for line in job.files.values() if line]
    rest = [line for line in lines if not any(line.text == one.text for one in own)]
    shown = "".join(_line_html(line, language) for line in _shown(rest))
    return f"<ul>{shown}</ul>" if shown else ""


def _folded(
    inside: str, job: Job, key: str, language: str, is_folded: bool, **fields: object
) -> str:
    if not is_folded:
        return inside
    summary = f"<summary>{text(key, language, **fields)}</summary>"
    return f'<details data-key="job/{job.id}">{summary}{inside}</details>'


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


def _line_html(line: Line, language: str, *, with_time: bool = False) -> str:
    said = _pick(line.text, language)
    name = f"<b><bdi>{html.escape(line.name)}</bdi></b> " if line.name not in said else ""
    at = ""
    if with_time and line.at:
        at = f"<time>{time.strftime('%H:%M:%S', time.localtime(line.at))}</time> "
    return f'<li class="{line.kind}">{at}{name}{html.escape(said)}</li>'


def size_text(size: int) -> str:
    """Bytes for people: 512 B, 3.4 kB, 12.0 MB, 1.1 GB."""
    if size < 1000:
        return f"{size} B"
    if size < 1_000_000:
        return f"{size / 1000:.1f} kB"
    return f"{size / 1_000_000:.1f} MB" if size < 1_000_000_000 else f"{size / 1e9:.1f} GB"


def upload_title(names: list[str]) -> Both:
    if len(names) == 1:
        return both_texts("job_file", name=names[0])
    return both_texts("job_files", n=len(names))


def _pick(pair: Both, language: str) -> str:
    return pair[LANGUAGES.index(language)]
