"""The files attached to a conversation as HTML: a pure function, everything from files escaped."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from assistant.attached import AttachedFile
from assistant.ui.jobs import Job, Line
from assistant.ui.texts import LANGUAGES, text

State = Literal["reading", "ready", "failed"]


@dataclass(frozen=True)
class Chip:
    """``more``: what a pointer shows besides: faults in a part of the file."""

    id: str
    name: str
    state: State
    said: str
    more: str = ""


def chip_of(file: AttachedFile, job: Job | None, language: str) -> Chip:
    """How far a file is.

    Args:
        job: that reads it or has read it, of this process; None where there is none.
    """
    line = job.files.get(str(file.path)) if job else None
    if job is not None and job.is_active:
        return Chip(file.id, file.name, "reading", _reading(job, language))
    if file.is_stale:
        return _failed(file, text("attached_stale", language), language)
    if file.chunks:
        key = "attached_ready_one" if file.chunks == 1 else "attached_ready"
        said = text(key, language, n=file.chunks)
        warning = _said(line, language) if line and line.kind in ("failed", "warned") else ""
        return Chip(file.id, file.name, "ready", said, warning)
    if line is not None and line.kind in ("failed", "skipped", "warned"):
        return _failed(file, _said(line, language), language)
    faults = [one for one in job.lines if one.kind == "failed"] if job else []
    if faults:
        return _failed(file, _said(faults[-1], language), language)
    key = "attached_empty" if file.documents else "attached_broken"
    return _failed(file, text(key, language), language)


def chips_html(chips: Sequence[Chip], language: str) -> str:
    if not chips:
        return ""
    rows = "".join(_chip(chip, language) for chip in chips)
    label = html.escape(text("attached_files", language))
    return f'<ul class="files" aria-label="{label}">{rows}</ul>'


def _chip(chip: Chip, language: str) -> str:
    label = html.escape(text("attached_remove", language, name=chip.name))
    hint = html.escape(" · ".join(filter(None, (chip.name, chip.said, chip.more))))
    return (
        f'<li class="file {chip.state}" title="{hint}"><span class="what">'
        f"<b><bdi>{html.escape(chip.name)}</bdi></b> "
        f"<small>{html.escape(chip.said)}</small></span>"
        f'<button type="button" name="detach" value="{html.escape(chip.id)}" title="{label}">'
        f'<span class="unseen">{label}</span></button></li>'
    )


def _reading(job: Job, language: str) -> str:
    if job.current:
        _, done, total = job.current
        return text("attached_reading_n", language, done=done, total=total)
    return text("attached_reading" if job.begun else "attached_waiting", language)


def _failed(file: AttachedFile, why: str, language: str) -> Chip:
    return Chip(file.id, file.name, "failed", text("attached_failed", language, why=why))


def _said(line: Line, language: str) -> str:
    return line.text[LANGUAGES.index(language)]
