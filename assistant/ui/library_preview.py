"""The preview: a file's chunks as they would be stored, without adding it."""

from __future__ import annotations

import html
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

import gradio as gr

from assistant.errors import AssistantError
from assistant.ui.jobs import IngestEvent
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors
from assistant.users.identity import Role

#: A whole book would hold up the browser.
SHOWN_CHUNKS = 200
SHOWN_DOCUMENTS = 50


class Previewer(Protocol):
    """What gives the chunks."""

    def preview(self, path: Path, cancel: threading.Event) -> Iterator[IngestEvent]:
        """``previewed(uri, document, chunks, error)`` for each document of a file: ``document``
        has ``title``, ``kind`` and ``warnings``, or is None where ``error`` says why it can't be
        read; each of ``chunks`` has ``tokens`` and ``chunk`` (``text``, ``heading_path``, ``page``,
        ``anchor``). AssistantError where nothing can be read at all."""


class PreviewPage:
    """The handlers of the preview."""

    def __init__(self, previewer: Previewer, visitors: Visitors) -> None:
        self._previewer = previewer
        self._visitors = visitors

    def show(self, file: str | None, request: gr.Request) -> Iterator[str]:
        """The chunks of the file that the browser sent; its copy on this machine goes."""
        language = self._visitors.language(request)
        if not file:
            yield ""
            return
        path = Path(file)
        try:
            self._visitors.require(request, Role.EDITOR)
            yield f'<p class="hint waiting">{text("preview_reading", language)}</p>'
            found = list(self._previewer.preview(path, threading.Event()))
            yield preview_html(found, language)
        except AssistantError as error:
            yield _fault(error, language)
        finally:
            _forget(path)


def preview_html(documents: list[Any], language: str) -> str:
    """Each document of a file with its chunks; what would be too much for a page is counted."""
    left = SHOWN_CHUNKS
    parts = []
    for document in documents[:SHOWN_DOCUMENTS]:
        parts.append(_document(document, left, language))
        left = max(0, left - len(document.chunks))
    if len(documents) > SHOWN_DOCUMENTS:
        more = text("preview_documents_more", language, n=len(documents) - SHOWN_DOCUMENTS)
        parts.append(f'<p class="hint">{more}</p>')
    return f'<div class="preview">{"".join(parts)}</div>'


def _document(found: Any, left: int, language: str) -> str:
    name = html.escape(_short(found.uri))
    if found.document is None:
        return f"<section><h3>{name}</h3>{_fault(found.error, language)}</section>"
    tokens = sum(each.tokens for each in found.chunks)
    facts = text(
        "preview_facts", language, kind=found.document.kind, n=len(found.chunks), tokens=tokens
    )
    title = html.escape(found.document.title)
    warnings = "".join(_fault(each, language, "warned") for each in found.document.warnings)
    chunks = "".join(
        _chunk(number, each, language) for number, each in enumerate(found.chunks[:left], start=1)
    )
    more = ""
    if len(found.chunks) > left:
        said = text("preview_more", language, n=len(found.chunks) - left)
        more = f'<p class="hint">{said}</p>'
    return (
        f'<section><h3>{title}</h3><p class="hint">{name} · {html.escape(facts)}</p>'
        f"{warnings}{chunks}{more}</section>"
    )


def _chunk(number: int, counted: Any, language: str) -> str:
    chunk = counted.chunk
    facts = [text("preview_tokens", language, n=counted.tokens)]
    facts += [text("page_number", language, n=chunk.page)] if chunk.page is not None else []
    facts += [f"#{chunk.anchor}"] if chunk.anchor else []
    path = html.escape(" › ".join(chunk.heading_path))
    return (
        f'<article class="chunk"><header><span class="n">{number}</span><b>{path}</b>'
        f"<span>{html.escape(' · '.join(facts))}</span></header>"
        f"<pre>{html.escape(chunk.text)}</pre></article>"
    )


def _fault(error: AssistantError, language: str, kind: str = "failed") -> str:
    return f'<p class="fault {kind}">{html.escape(error.text(language))}</p>'


def _short(uri: str) -> str:
    """The file's name, of an archive's member with its path inside; folders are of no interest."""
    outer, mark, inner = uri.partition("!/")
    return Path(outer).name + mark + inner


def _forget(path: Path) -> None:
    """Delete the copy that Gradio made, with its folder, which is the upload's own."""
    path.unlink(missing_ok=True)
    with suppress(OSError):  # another file has come into it
        path.parent.rmdir()
