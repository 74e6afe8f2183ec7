"""What happens on each click at the followed sources: adding one, running, pausing, scheduling and
removing it.

The list itself is ``DATA_DIR/sources.toml``, which people and cron use as well; it is reached
through :class:`Following`, handed in by ``app.py``.
"""

from __future__ import annotations

import html
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import gradio as gr

from assistant.errors import AssistantError
from assistant.knowledge.store import DEFAULT_COLLECTION
from assistant.ui.followed_form import SourceForm, is_same_address, source_name, source_row
from assistant.ui.followed_rendering import Followed, broken_html, followed_html
from assistant.ui.jobs import IngestEvent, Job, Jobs, both_texts
from assistant.ui.library_access import LibraryAccess, Rights, require_admin
from assistant.ui.messages import warn
from assistant.ui.texts import text
from assistant.users.audit import Audit
from assistant.users.identity import Role

#: One look at the list serves all pages for so many seconds.
LOOK_SECONDS = 2.0
PLACEHOLDERS = {
    "page": "https://example.org/docs/intro.html",
    "site": "https://example.org/docs/",
    "folder": "/home/me/notes",
}


class Following(Protocol):
    """The list of sources, as far as the page uses it. All raise SettingsError where the list
    can't be used."""

    def followed(self) -> Sequence[Followed]:
        """All sources with their last run, in the order of the list."""

    def follow(self, row: Mapping[str, Any]) -> None:
        """Append a source, its keys as they stand in the list."""

    def change(self, name: str, **values: Any) -> None:
        """Set keys of a source; None takes a key out."""

    def unfollow(self, name: str, with_documents: bool) -> int:
        """Take a source out; how many documents were deleted with it."""

    def run_source(self, name: str, cancel: threading.Event) -> Iterator[IngestEvent]:
        """Bring a source up to date, due or not, after another run that is under way."""


@dataclass(frozen=True)
class Look:
    """The list as it was at ``at`` (monotonic seconds), or why it can't be read."""

    at: float
    sources: tuple[Followed, ...] = ()
    error: AssistantError | None = None


class FollowedPage:
    """The handlers of the section."""

    def __init__(
        self, following: Following, jobs: Jobs, access: LibraryAccess, audit: Audit
    ) -> None:
        self._following = following
        self._jobs = jobs
        self._access = access
        self._visitors = access.visitors
        self._audit = audit
        self._look: Look | None = None
        self._actions: Mapping[str, Callable[[str, str, str], None]] = {
            "run": self._run,
            "pause": lambda name, _value, _language: self._change(name, paused=True),
            "resume": lambda name, _value, _language: self._change(name, paused=None),
            "schedule": lambda name, value, _language: self._change(name, schedule=value),
            "remove": self._remove,
            "remove_all": self._remove_with_documents,
        }

    def look(self) -> Look:
        """The list as it is, or was a moment ago."""
        last = self._look
        if last is None or time.monotonic() - last.at > LOOK_SECONDS:
            last = self._look = self._read()
        return last

    def forget(self) -> None:
        """Look at the list anew the next time."""
        self._look = None

    def html(self, rights: Rights, language: str) -> str:
        """The section of a collection as it is to be shown now."""
        look = self.look()
        if look.error is not None:
            return broken_html(look.error, language)
        own = [each for each in look.sources if each.collection == rights.info.name]
        return followed_html(own, self._running(), language, may_change=rights.may_write)

    def allows_private(self, uri: str, collection: str) -> bool:
        """Whether a followed source that brings ``uri`` into ``collection`` may fetch from private
        addresses."""
        return any(
            each.allow_private and each.collection == collection and each.brings(uri)
            for each in self.look().sources
        )

    def waits_for(self, job: Job) -> str:
        """The source whose run elsewhere, such as from cron, ``job`` has to wait for, or an empty
        string."""
        if not job.source or job.begun or job.state != "running":
            return ""
        running = (each.name for each in self.look().sources if each.state == "running")
        return next((name for name in running if name != job.source), "")

    def add(self, request: gr.Request, collection: str, *values: Any) -> Any:
        """Put a site, page, folder or file into the list and run it; one that is in the list
        already for this collection is run again. The address field is emptied where that
        worked."""
        language = self._visitors.language(request)
        try:
            rights = self._access.write(collection, request)
            row = source_row(SourceForm(*values))
            if row.get("allow_private") or "folder" in row or "file" in row:
                require_admin(rights.identity)
            name = self._listed(row, rights, language)
            self._submit(name, collection, language)
        except AssistantError as error:
            warn(error, language)
            return gr.skip()
        finally:
            self.forget()
        return ""

    def shown_for(self, kind: str, request: gr.Request) -> list[Any]:
        """The address field and the options that a kind of source has."""
        site = gr.update(visible=kind == "site")
        globs = gr.update(visible=kind != "page")
        is_admin = self._visitors.identity(request).role >= Role.ADMIN
        private = gr.update(visible=kind != "folder" and is_admin)
        address = gr.update(placeholder=PLACEHOLDERS[kind])
        return [address, site, site, site, globs, globs, private]

    def act(self, event: gr.EventData, request: gr.Request) -> None:
        """A button of a source: ``event`` has ``do``, ``source`` (its name) and ``value``."""
        language = self._visitors.language(request)
        action = self._actions.get(str(event.do))
        name = str(event.source)
        if action is None:
            return
        try:
            known = next((each for each in self._read_now() if each.name == name), None)
            if known is None:
                return
            rights = self._access.write(known.collection, request)
            self._audit.note(
                rights.identity, f"library.{event.do}", name, collection=known.collection
            )
            action(name, str(event.value or ""), language)
        except AssistantError as error:
            warn(error, language)
        finally:
            self.forget()

    def _listed(self, row: Mapping[str, Any], rights: Rights, language: str) -> str:
        """The name of the source ``row``, new in the list or known there."""
        known, collection = self._read_now(), rights.info.name
        for each in known:
            if each.collection == collection and is_same_address(each, row):
                _inform("followed_already", language, name=each.name)
                return each.name
        name = source_name(row, [each.name for each in known])
        where = {} if collection == DEFAULT_COLLECTION else {"collection": collection}
        self._following.follow({"name": name, **row, **where})
        self._audit.note(rights.identity, "library.follow", name, collection=collection)
        return name

    def _run(self, name: str, _value: str, language: str) -> None:
        for each in self._read_now():
            if each.name == name:
                self._submit(name, each.collection, language)

    def _submit(self, name: str, collection: str, language: str) -> None:
        if self._jobs.runs(name):
            _inform("followed_running", language, name=name)
            return

        def work(cancel: threading.Event) -> Iterator[IngestEvent]:
            yield from self._following.run_source(name, cancel)

        title = both_texts("job_source", name=name)
        self._jobs.submit(title, work, source=name, collection=collection)

    def _change(self, name: str, **values: Any) -> None:
        self._following.change(name, **values)

    def _remove(self, name: str, _value: str, language: str) -> None:
        self._take_out(name, language, with_documents=False)

    def _remove_with_documents(self, name: str, _value: str, language: str) -> None:
        self._take_out(name, language, with_documents=True)

    def _take_out(self, name: str, language: str, *, with_documents: bool) -> None:
        if name in self._running() or self._runs_elsewhere(name):
            said = html.escape(text("stop_first", language, name=name))
            gr.Warning(said, title=text("app", language))
            return
        deleted = self._following.unfollow(name, with_documents)
        key = "unfollowed_all" if with_documents else "unfollowed"
        _inform(key, language, name=name, n=deleted)

    def _runs_elsewhere(self, name: str) -> bool:
        known = self._read_now()
        return any(each.name == name and each.state == "running" for each in known)

    def _running(self) -> set[str]:
        return {job.source for job in self._jobs.list() if job.source and job.is_active}

    def _read_now(self) -> Sequence[Followed]:
        return self._following.followed()

    def _read(self) -> Look:
        now = time.monotonic()
        try:
            return Look(now, tuple(self._following.followed()))
        except AssistantError as error:
            return Look(now, error=error)


def _inform(key: str, language: str, **fields: object) -> None:
    said = html.escape(text(key, language, **fields))
    gr.Info(said, title=text("app", language), duration=5)
