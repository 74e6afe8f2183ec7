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
from assistant.ui.followed_form import SourceForm, is_same_address, source_name, source_row
from assistant.ui.followed_rendering import Followed, broken_html, followed_html
from assistant.ui.jobs import IngestEvent, Job, Jobs, both_texts
from assistant.ui.messages import warn
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors

#: One look at the list serves all pages for so many seconds.
LOOK_SECONDS = 2.0


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

    def __init__(self, following: Following, jobs: Jobs, visitors: Visitors) -> None:
        self._following = following
        self._jobs = jobs
        self._visitors = visitors
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

    def html(self, language: str) -> str:
        """The section as it is to be shown now."""
        look = self.look()
        if look.error is not None:
            return broken_html(look.error, language)
        return followed_html(look.sources, self._running(), language)

    def waits_for(self, job: Job) -> str:
        """The source whose run elsewhere, such as from cron, ``job`` has to wait for, or an empty
        string."""
        if not job.source or job.begun or job.state != "running":
            return ""
        running = (each.name for each in self.look().sources if each.state == "running")
        return next((name for name in running if name != job.source), "")

    def add(self, request: gr.Request, *values: Any) -> Any:
        """Put a site, page, folder or file into the list and run it; one that is in the list
        already is run again. The address field is emptied where that worked."""
        language = self._visitors.language(request)
        try:
            row = source_row(SourceForm(*values))
            known = self._read_now()
            same = next((each for each in known if is_same_address(each, row)), None)
            if same is None:
                name = source_name(row, [each.name for each in known])
                self._following.follow({"name": name, **row})
            else:
                name = same.name
                _inform("followed_already", language, name=name)
            self._submit(name, language)
        except AssistantError as error:
            warn(error, language)
            return gr.skip()
        finally:
            self.forget()
        return ""

    def act(self, event: gr.EventData, request: gr.Request) -> None:
        """A button of a source: ``event`` has ``do``, ``source`` (its name) and ``value``."""
        language = self._visitors.language(request)
        action = self._actions.get(str(event.do))
        if action is None:
            return
        try:
            action(str(event.source), str(event.value or ""), language)
        except AssistantError as error:
            warn(error, language)
        finally:
            self.forget()

    def _run(self, name: str, _value: str, language: str) -> None:
        if name in [each.name for each in self._read_now()]:
            self._submit(name, language)

    def _submit(self, name: str, language: str) -> None:
        if self._jobs.runs(name):
            _inform("followed_running", language, name=name)
            return

        def work(cancel: threading.Event) -> Iterator[IngestEvent]:
            yield from self._following.run_source(name, cancel)

        self._jobs.submit(both_texts("job_source", name=name), work, source=name)

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
