"""Trying a search on the knowledge page: what is found, and why."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence

import gradio as gr

from assistant.errors import AssistantError, KnowledgeError
from assistant.knowledge.records import Hit
from assistant.library import Library
from assistant.retrieval import Retriever
from assistant.search_trace import Trace, Traced, trace
from assistant.turn_progress import checked_question
from assistant.ui.library_access import LibraryAccess
from assistant.ui.library_chunks import chunk_html
from assistant.ui.messages import warn
from assistant.ui.texts import text


class SearchTrial:
    """Its handler."""

    def __init__(self, retriever: Retriever, access: LibraryAccess) -> None:
        self._retriever = retriever
        self._access = access

    def search(self, question: str, name: str, request: gr.Request) -> Iterator[str]:
        """What the collection ``name`` has for ``question``, as the retriever finds it."""
        language = self._access.visitors.language(request)
        if not question.strip():
            yield ""
            return
        yield f'<p class="hint waiting">{text("searching_now", language)}</p>'
        try:
            self._access.read(name, request)
            library = Library((self._access.collections.opened(name),))
            yield trace_html(trace(self._retriever, library, checked_question(question)), language)
        except KnowledgeError as error:
            yield f'<p class="fault failed">{html.escape(error.text(language))}</p>'
        except AssistantError as error:
            warn(error, language)
            yield ""


def trace_html(found: Trace, language: str) -> str:
    if not found.rows:
        return f'<p class="hint">{text("trace_nothing", language)}</p>'
    said = text(
        "trace_found",
        language,
        candidates=found.candidates,
        kept=sum(row.fate == "kept" for row in found.rows),
        ms=round(found.seconds * 1000),
    )
    notice = ""
    if found.notice is not None:
        notice = f'<p class="fault warned">{html.escape(found.notice.text(language))}</p>'
    kept = "".join(_row(row, language) for row in found.rows if row.fate == "kept")
    rest = [row for row in found.rows if row.fate != "kept"]
    folded = _rest(found, rest, language)
    return f'<div class="trace"><p class="hint">{said}</p>{notice}{kept}{folded}</div>'


def _rest(found: Trace, rest: Sequence[Traced], language: str) -> str:
    """Those that were not kept, folded."""
    if not rest:
        return ""
    rows = "".join(_row(row, language) for row in rest)
    more = ""
    if found.candidates > len(found.rows):
        left = text("trace_more", language, n=found.candidates - len(found.rows))
        more = f'<p class="hint">{left}</p>'
    summary = text("trace_rest", language, n=len(rest))
    return f"<details><summary>{summary}</summary>{rows}{more}</details>"


def _row(row: Traced, language: str) -> str:
    fate = text(f"fate_{row.fate}", language, n=row.repeats)
    facts = " · ".join(_facts(row.hit, language))
    title = html.escape(row.hit.source.title)
    line = (
        f'<p class="facts"><span class="n">{row.n}</span><span class="mark {row.fate}">{fate}'
        f"</span><bdi>{title}</bdi><span>{html.escape(facts)}</span></p>"
    )
    return chunk_html(row.hit, language, line, row.fate)


def _facts(hit: Hit, language: str) -> list[str]:
    said = [text("score_of", language, score=f"{hit.score:.3f}")]
    legs = (
        ("dense_of", "not_dense", hit.dense_rank, hit.dense_score),
        ("keyword_of", "not_keyword", hit.keyword_rank, hit.keyword_score),
    )
    for found, missed, rank, score in legs:
        if rank is None:
            said.append(text(missed, language))
        else:
            said.append(text(found, language, rank=rank, score=f"{score or 0:.3f}"))
    if hit.rerank_rank is not None:
        reranked = f"{hit.rerank_score or 0:.3f}"
        said.append(text("rerank_of", language, rank=hit.rerank_rank, score=reranked))
    return said
