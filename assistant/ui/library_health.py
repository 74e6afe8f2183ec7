"""The health of the index and the disk that is used, on the knowledge page."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.errors import AssistantError
from assistant.knowledge.disk_use import DiskUse, disk_use
from assistant.knowledge.doctor import Finding, count, examine
from assistant.knowledge.folder import Folder
from assistant.models.embedding.model import EmbeddingModel
from assistant.ui.library_access import LibraryAccess
from assistant.ui.library_rendering import size_text
from assistant.ui.messages import warn
from assistant.ui.texts import text
from assistant.users.audit import Audit
from assistant.users.identity import Role

#: What only ``python -m ingest doctor`` repairs, with the app stopped.
_BY_HAND = "database"


class HealthPage:
    """Its handlers. The folder is of all collections, so only administrators check it; editors see
    how large it is."""

    def __init__(
        self, folder: Folder, embeddings: EmbeddingModel, access: LibraryAccess, audit: Audit
    ) -> None:
        self._folder = folder
        self._embeddings = embeddings
        self._access = access
        self._audit = audit

    def sizes(self, request: gr.Request) -> str:
        """The disk that is used, for whoever may fill it."""
        language = self._access.visitors.language(request)
        try:
            self._access.visitors.require(request, Role.EDITOR)
            return disk_html(disk_use(Path(self._folder.data_dir)), language)
        except AssistantError as error:
            warn(error, language)
            return ""

    def check(self, request: gr.Request) -> Iterator[tuple[str, Any]]:
        """The quick checks of the doctor, and whether something can be repaired."""
        yield from self._examine("checking", False, request)

    def repair(self, request: gr.Request) -> Iterator[tuple[str, Any]]:
        yield from self._examine("repairing", True, request)

    def _examine(
        self, waiting: str, repair: bool, request: gr.Request
    ) -> Iterator[tuple[str, Any]]:
        language = self._access.visitors.language(request)
        hidden = gr.update(visible=False)
        try:
            identity = self._access.visitors.require(request, Role.ADMIN)
            yield f'<p class="hint waiting">{text(waiting, language)}</p>', hidden
            findings = examine(self._folder, repair=repair, embedder=lambda: self._embeddings)
            if repair:
                repaired = sum(one.repaired for one in findings)
                self._audit.note(identity, "library.repair", "", repaired=repaired)
            is_sound = all(one.check != _BY_HAND or one.repaired for one in findings)
            counts = count(self._folder) if is_sound else {}
            can_repair = any(one.is_fault and not one.repaired for one in findings)
            button = gr.update(visible=can_repair and is_sound)
            yield health_html(findings, counts, language), button
        except AssistantError as error:
            warn(error, language)
            yield "", hidden


def health_html(findings: Sequence[Finding], counts: dict[str, int], language: str) -> str:
    faults = [one for one in findings if one.is_fault]
    left = [one for one in faults if not one.repaired]
    if not left and counts:
        said = f'<p class="mark ready">{text("healthy", language, **counts)}</p>'
    else:
        said = f'<p class="mark failed">{text("found_faults", language, n=len(left))}</p>'
    lines = "".join(_line(one, language) for one in findings)
    by_hand = ""
    if any(one.check == _BY_HAND for one in left):
        by_hand = f"<p>{html.escape(text('repair_by_hand', language))}</p>"
    return f'<div class="health">{said}<ul>{lines}</ul>{by_hand}</div>'


def _line(one: Finding, language: str) -> str:
    key = "was_repaired" if one.repaired else "not_repaired" if one.is_fault else "worth_knowing"
    kind = "ready" if one.repaired else "failed" if one.is_fault else "note"
    message = html.escape(one.message.text(language))
    return f'<li><span class="mark {kind}">{text(key, language)}</span> {message}</li>'


def disk_html(use: DiskUse, language: str) -> str:
    rows = [(text(f"disk_{name}", language), size) for name, size in use.parts.items()]
    rows += [(text("disk_total", language), use.total), (text("disk_free", language), use.free)]
    cells = "".join(f"<div><dt>{name}</dt><dd>{size_text(size)}</dd></div>" for name, size in rows)
    return f'<dl class="disk">{cells}</dl>'
