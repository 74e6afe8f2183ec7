"""What happens on each click in the table of documents."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr

from assistant.errors import AssistantError
from assistant.knowledge.collections import ORDERS, Look
from assistant.knowledge.records import Source
from assistant.ui.followed import FollowedPage
from assistant.ui.jobs import INSIDE, IngestEvent, Jobs, both_texts
from assistant.ui.library import Library
from assistant.ui.library_access import LibraryAccess
from assistant.ui.library_chunks import ChunkBrowser, number
from assistant.ui.library_table import confirm_html
from assistant.ui.messages import caution, warn
from assistant.ui.rendering import is_web
from assistant.users.audit import Audit

MOST = 2000  # documents of one action
NAMED = 20  # documents that the audit log names
#: Columns that begin with the largest.
_DESCENDING = ("chunks", "size", "updated")


class Acted(NamedTuple):
    """What a click changes, in the order of the components."""

    look: Any
    chunks: Any
    doomed: Any  # ids of the documents that are about to be deleted
    question: Any
    confirm: Any


class DocumentTable:
    """The handlers of the table."""

    def __init__(
        self,
        library: Library,
        access: LibraryAccess,
        jobs: Jobs,
        audit: Audit,
        *,
        followed: FollowedPage,
        chunks: ChunkBrowser,
    ) -> None:
        self._library = library
        self._access = access
        self._jobs = jobs
        self._audit = audit
        self._followed = followed
        self._chunks = chunks

    def find(self, text: str, look: Look) -> Look:
        return replace(look, text=text[:200], first=0)

    def choose_kind(self, kind: str | None, look: Look) -> Look:
        return replace(look, kind=kind or "", first=0)

    def act(self, event: gr.EventData, name: str, look: Look, request: gr.Request) -> Acted:
        """A button of the table: ``event`` has ``do``, ``value`` and ``ids``."""
        language = self._access.visitors.language(request)
        try:
            match str(event.do):
                case "sort":
                    return _acted(look=_sorted(look, str(event.value)))
                case "page":
                    return _acted(look=replace(look, first=number(event.value)))
                case "chunks":
                    return _acted(chunks=self._chunks.show(number(event.value), 0, request))
                case "ask":
                    return self._ask(name, str(event.ids), request)
                case "resync":
                    self._resync(name, str(event.ids), request)
        except AssistantError as error:
            warn(error, language)
        return _acted()

    def delete(self, ids: Sequence[int], name: str, request: gr.Request) -> Any:
        """Delete the documents that were asked about."""
        language = self._access.visitors.language(request)
        try:
            rights = self._access.write(name, request)
            sources = self._own(ids, name)
            self._audit.note(
                rights.identity, "library.delete", name,
                documents=len(sources), names=", ".join(one.title for one in sources[:NAMED]),
            )  # fmt: skip
            doomed = [source.id for source in sources]
            self._jobs.submit(
                both_texts("job_delete", n=len(doomed)),
                lambda cancel: self._library.delete(doomed, cancel),
                collection=name,
                is_deletion=True,
            )
        except AssistantError as error:
            warn(error, language)
        return gr.update(visible=False)

    def _ask(self, name: str, ids: str, request: gr.Request) -> Acted:
        self._access.write(name, request)
        language = self._access.visitors.language(request)
        sources = self._chosen(ids, name, language)
        if not sources:
            return _acted()
        return _acted(
            doomed=[source.id for source in sources],
            question=confirm_html(sources, language),
            confirm=gr.update(visible=True),
        )

    def _resync(self, name: str, ids: str, request: gr.Request) -> None:
        rights = self._access.write(name, request)
        sources = self._chosen(ids, name, self._access.visitors.language(request))
        if not sources:
            return
        self._audit.note(rights.identity, "library.sync", name, documents=len(sources))
        # Whether private addresses are allowed was decided when their source was followed.
        private = [one for one in sources if self._followed.allows_private(one.uri, name)]
        others = [one for one in sources if one not in private]

        def work(cancel: threading.Event) -> Iterator[IngestEvent]:
            for some, allowed in ((others, False), (private, True)):
                if some and not cancel.is_set():
                    places = _places(some)
                    yield from self._library.add(places, cancel, name, allow_private=allowed)

        title = both_texts("job_resync", n=len(sources))
        files = [str(place) for place in _places(sources)]
        self._jobs.submit(title, work, collection=name, files=files)

    def _chosen(self, ids: str, name: str, language: str) -> list[Source]:
        wanted = [number(part) for part in ids.split(",") if part]
        if len(wanted) > MOST:
            caution("too_many_chosen", language, most=MOST)
            return []
        sources = self._own(wanted, name)
        if not sources:
            caution("nothing_chosen", language)
        return sources

    def _own(self, ids: Sequence[int], name: str) -> list[Source]:
        """Those of the documents that are in the collection."""
        found = map(self._access.collections.find_source, ids)
        return [each[0] for each in found if each and each[0].collection == name]


def _acted(**changes: Any) -> Acted:
    return Acted(*(changes.get(field, gr.skip()) for field in Acted._fields))


def _sorted(look: Look, order: str) -> Look:
    if order not in ORDERS:
        return look
    if order == look.order:
        return replace(look, is_descending=not look.is_descending, first=0)
    return replace(look, order=order, is_descending=order in _DESCENDING, first=0)


def _places(sources: Sequence[Source]) -> list[Path | str]:
    """Where they come from; of an archive's documents the archive, once."""
    places: dict[str, Path | str] = {}
    for source in sources:
        uri = source.uri if is_web(source.uri) else source.uri.partition(INSIDE)[0]
        places[uri] = uri if is_web(uri) else Path(uri)
    return list(places.values())
