"""Choosing a collection on the knowledge page, and making, sharing and deleting one."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any, NamedTuple

import gradio as gr

from assistant.errors import AssistantError
from assistant.knowledge.collections import Collections
from assistant.knowledge.records import CollectionInfo
from assistant.knowledge.sharing import EVERYONE
from assistant.knowledge.store import DEFAULT_COLLECTION
from assistant.ui.collection_names import collection_choices, collection_name, shared_text
from assistant.ui.followed_form import KINDS
from assistant.ui.jobs import Jobs, both_texts
from assistant.ui.library import Library
from assistant.ui.library_access import LibraryAccess, Rights
from assistant.ui.messages import caution, inform, warn
from assistant.ui.texts import text
from assistant.users.audit import Audit
from assistant.users.identity import LOCAL, Identity, Role

AUDIENCES = ("everyone", "owner", "some")
_KIND_TEXTS = {"page": "choose_page", "site": "choose_site", "folder": "choose_folder"}


class Arrived(NamedTuple):
    """What depends on the collection and on who looks, in the order of the components."""

    collection: Any
    facts: Any
    new: Any
    manage: Any
    adding: Any
    preview: Any
    health: Any
    check: Any
    kind: Any


class Form(NamedTuple):
    """The form of a collection, in the order of its components."""

    box: Any
    heading: Any
    title: Any
    audience: Any
    readers: Any
    drop: Any
    of: Any  # name of the collection; empty for a new one


class ShelfPage:
    """Its handlers."""

    def __init__(self, library: Library, access: LibraryAccess, jobs: Jobs, audit: Audit) -> None:
        self._library = library
        self._access = access
        self._jobs = jobs
        self._audit = audit

    @property
    def _collections(self) -> Collections:
        return self._access.collections

    def open(self, request: gr.Request) -> Arrived:
        """The page was loaded: the collection in ``?collection=NAME``, or the first."""
        return self.arrive(str(request.query_params.get("collection", "")), request)

    def arrive(self, name: str | None, request: gr.Request) -> Arrived:
        """Show a collection, or the first that the visitor may read."""
        language = self._access.visitors.language(request)
        try:
            infos = self._access.readable(request)
            chosen = next((info for info in infos if info.name == name), None) or infos[0]
            rights = self._access.read(chosen.name, request)
        except (AssistantError, IndexError) as error:
            if isinstance(error, AssistantError):
                warn(error, language)
            return Arrived(gr.update(choices=[], value=None), "", *([gr.skip()] * 7))
        return self._arrived(rights, infos, language)

    def begin(self, request: gr.Request) -> Form:
        """The form of a new collection."""
        language = self._access.visitors.language(request)
        try:
            self._access.visitors.require(request, Role.EDITOR)
        except AssistantError as error:
            warn(error, language)
            return _form()
        return Form(
            box=gr.update(visible=True),
            heading=f"#### {text('create_collection', language)}",
            title="",
            audience="owner",
            readers=gr.update(value=[], visible=False),
            drop=gr.update(visible=False),
            of="",
        )

    def manage(self, name: str, request: gr.Request) -> Form:
        """The form of the collection that is shown."""
        language = self._access.visitors.language(request)
        try:
            info = self._access.manage(name, request).info
        except AssistantError as error:
            warn(error, language)
            return _form()
        called = collection_name(info, language)
        audience = _audience(info)
        named = list(info.readers) if audience == "some" else []
        heading = html.escape(text("change_collection", language, name=called))
        return Form(
            box=gr.update(visible=True),
            heading=f"#### {heading}",
            title=called,
            audience=audience,
            readers=gr.update(value=named, choices=named, visible=audience == "some"),
            drop=gr.update(visible=info.name != DEFAULT_COLLECTION),
            of=info.name,
        )

    def save(  # noqa: PLR0917 - what the form holds
        self,
        of: str,
        title: str,
        audience: str,
        readers: Sequence[str] | None,
        shown: str,
        request: gr.Request,
    ) -> tuple[Any, str]:
        """Make or change a collection; the form, and the name of the collection to show."""
        language = self._access.visitors.language(request)
        named = {"everyone": [EVERYONE], "owner": []}.get(audience, list(readers or ()))
        try:
            if of:
                rights = self._access.manage(of, request)
                self._collections.change(of, title=title, readers=named)
                self._note(rights.identity, "collection.change", of, title, named)
                inform("collection_changed", language)
                return gr.update(visible=False), of
            identity = self._access.visitors.require(request, Role.EDITOR)
            made = self._collections.make(title, identity.user, named)
            self._note(identity, "collection.create", made.name, title, named)
            inform("collection_made", language, name=made.title)
        except AssistantError as error:
            warn(error, language)
            return gr.skip(), shown
        return gr.update(visible=False), made.name

    def ask_drop(self, of: str, request: gr.Request) -> tuple[str, Any]:
        """What would be deleted, and the buttons that decide."""
        language = self._access.visitors.language(request)
        try:
            info = self._access.manage(of, request).info
            sources, _, _ = self._collections.stamp(info.name)
        except AssistantError as error:
            warn(error, language)
            return "", gr.update(visible=False)
        name = collection_name(info, language)
        said = text("really_collection", language, name=name, sources=sources)
        return (
            f'<p class="really" role="alert">{html.escape(said)}</p>',
            gr.update(visible=True),
        )

    def drop(self, of: str, request: gr.Request) -> tuple[Any, Any, str]:
        """Delete a collection in the background; the form, its question, and what to show next."""
        language = self._access.visitors.language(request)
        hidden = gr.update(visible=False)
        try:
            rights = self._access.manage(of, request)
            self._collections.check_droppable(of)
        except AssistantError as error:
            warn(error, language)
            return gr.skip(), hidden, of
        if self._jobs.works_on(of):
            caution("collection_busy", language)
            return gr.skip(), hidden, of
        name = collection_name(rights.info, language)
        self._audit.note(rights.identity, "collection.delete", of)
        self._jobs.submit(
            both_texts("delete_collection"),
            lambda cancel: self._library.drop(of, cancel),
            collection=of,
            is_deletion=True,
        )
        inform("collection_deleted", language, name=name)
        return hidden, hidden, DEFAULT_COLLECTION

    def _arrived(self, rights: Rights, infos: Sequence[CollectionInfo], language: str) -> Arrived:
        writes = gr.update(visible=rights.may_write)
        kinds = [kind for kind in KINDS if kind != "folder" or rights.is_admin]
        offered = [(text(_KIND_TEXTS[kind], language), kind) for kind in kinds]
        is_editor = rights.identity.role >= Role.EDITOR
        return Arrived(
            collection=gr.update(
                choices=collection_choices(infos, language), value=rights.info.name
            ),
            facts=facts_html(rights, language),
            new=gr.update(visible=is_editor),
            manage=gr.update(visible=rights.may_manage),
            adding=writes,
            preview=writes,
            health=gr.update(visible=is_editor),
            check=gr.update(visible=rights.is_admin),
            kind=gr.update(choices=offered),
        )

    def _note(
        self, identity: Identity, action: str, name: str, title: str, readers: Sequence[str]
    ) -> None:
        self._audit.note(identity, action, name, title=title, readers=", ".join(readers))


def facts_html(rights: Rights, language: str) -> str:
    """Whose the collection is and who reads it."""
    info = rights.info
    shared = shared_text(info, language)
    said = [text("collection_facts", language, shared=shared, name=info.name)]
    if info.owner not in {rights.identity.user, LOCAL.user}:
        said.insert(0, text("owned_by", language, owner=info.owner))
    if not rights.may_write:
        said.append(text("read_only", language))
    return f'<p class="hint"><bdi>{html.escape(" · ".join(said))}</bdi></p>'


def readers_for(audience: str) -> Any:
    """The field of names is there for those who are named."""
    return gr.update(visible=audience == "some")


def _audience(info: CollectionInfo) -> str:
    if EVERYONE in info.readers:
        return "everyone"
    return "some" if info.readers else "owner"


def _form() -> Form:
    return Form(*(gr.skip() for _ in Form._fields))
