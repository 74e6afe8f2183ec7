"""Files attached to the conversation that a page shows: taken, read in the background, shown above
the question box, and removed.

A reader may attach, too: what they attach is theirs alone, and no part of the library.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import gradio as gr
from anyio.to_thread import run_sync

from assistant.attached import AttachedFile, AttachedFiles, Sweep
from assistant.conversation import new_conversation_id
from assistant.errors import AssistantError
from assistant.parts import Parts
from assistant.ui.chat import Chat, checked_id
from assistant.ui.chat_attached_rendering import chip_of, chips_html
from assistant.ui.jobs import IngestEvent, Job, Jobs, both_texts
from assistant.ui.messages import caution, inform, warn
from assistant.ui.upload_names import Chosen, chosen_files
from assistant.ui.visitor import Visitors

LOOK_SECONDS = 0.3  # between two looks at files that are being read
KEPT_JOBS = 500  # whose faults are shown
SHOWN_ERRORS = 3  # at once, of files that were not attached


class Documents(Protocol):
    """The document flow, as far as attaching uses it: as :class:`assistant.ui.library.Library`."""

    def add(
        self, paths: Sequence[Path | str], cancel: threading.Event, collection: str = "default"
    ) -> Iterator[IngestEvent]: ...

    def store_upload(self, path: Path, name: str, collection: str = "default") -> Path: ...


class Attached(NamedTuple):
    """What attaching changes, in the order of the components."""

    button: Any
    conversation_id: Any
    chips: Any


@dataclass(frozen=True)
class _Place:
    """A conversation that files are attached to."""

    user: str
    conversation_id: str
    language: str


class ChatFiles:
    """The handlers of the paper clip and of the files above the question box."""

    def __init__(self, parts: Parts, documents: Documents, visitors: Visitors, chat: Chat) -> None:
        uploads = parts.settings.upload_dir
        self._files = AttachedFiles(parts.knowledge, uploads)
        self._documents = documents
        self._visitors = visitors
        self._chat = chat
        self._jobs = Jobs(KEPT_JOBS)
        self._sweep = Sweep(self._files, uploads, parts.long_term)

    def start(self) -> None:
        """See to what belongs to conversations that are gone."""
        self._sweep.start()

    def close(self) -> None:
        """End what is being read: the page then says that it was broken off."""
        self._sweep.close()
        self._jobs.close()

    def attach(self, files: Sequence[str] | None, target: str, request: gr.Request) -> Attached:
        """Keep the files that the browser sent, and read them in the background.

        Args:
            target: the conversation that the page showed when they were chosen; empty for a new
                one, which gets its id now.
        """
        user, language = self._visitors.of(request)
        shown = self._chat.shown(request) or checked_id(target)
        place = _Place(user, checked_id(target) or shown or new_conversation_id(), language)
        kept = self._take_all(chosen_files(files or ()), place)
        button = gr.update(value=None)
        if kept and not shown:
            self._chat.name(place.conversation_id, request)
            shown = place.conversation_id
            return Attached(button, shown, self._html(user, shown, language))
        return Attached(button, gr.skip(), self._html(user, shown, language))

    def act(self, event: gr.EventData, conversation_id: str, request: gr.Request) -> str:
        """The button of a file: remove it."""
        user, language = self._visitors.of(request)
        id, file_id = checked_id(conversation_id), str(event.id)
        try:
            for file in self._files.of(user, id):
                job = self._job(file)
                if file.id == file_id and job:
                    self._jobs.cancel(job.id)
            if not self._files.remove(user, id, file_id):
                caution("attached_gone", language)
        except AssistantError as error:
            warn(error, language)
        return self._html(user, id, language)

    async def show(self, conversation_id: str, request: gr.Request) -> AsyncIterator[str]:
        """Show the conversation's files, until none is being read any more or the page shows
        another conversation."""
        user, language = self._visitors.of(request)
        id, seen = checked_id(conversation_id), -1
        while True:
            version, is_reading = self._jobs.version, await run_sync(self._reading, user, id)
            if version != seen:
                yield await run_sync(self._html, user, id, language)
            now = self._chat.shown(request)
            if now is not None and now != id:
                # What is above may have come after what belongs to the other one.
                yield await run_sync(self._html, user, now, language)
                return
            if not is_reading:
                return
            seen = version
            await asyncio.sleep(LOOK_SECONDS)

    def remind(self, question: str, conversation_id: str, request: gr.Request) -> None:
        """A question is asked: say which files can't be used for its answer yet."""
        user, language = self._visitors.of(request)
        if names := self._reading(user, checked_id(conversation_id)) if question.strip() else []:
            inform("attached_early", language, names=", ".join(names))

    def _take_all(self, files: Sequence[Chosen], place: _Place) -> int:
        """How many of them are attached now. Of those that are not, the first say why."""
        kept, errors = 0, list[AssistantError]()
        for file in files:
            try:
                kept += self._take(file, place)
            except AssistantError as error:
                errors.append(error)
        for file in files:
            file.path.unlink(missing_ok=True)  # the copy that Gradio made
        for refused in errors[:SHOWN_ERRORS]:
            warn(refused, place.language)
        return kept

    def _take(self, file: Chosen, place: _Place) -> bool:
        """Whether the file is attached, from now on or already.

        Raises:
            AssistantError: it can't be.
        """
        if file.is_repeated:
            caution("attached_twice", place.language, name=file.name)
            return False
        own = (place.user, place.conversation_id)
        same = self._files.same(*own, file.path)
        if same is not None:
            job = self._job(same)
            if (same.chunks and not same.is_stale) or (job and job.is_active):
                caution("attached_again", place.language, name=file.name, other=same.name)
                return True
            self._files.remove(*own, same.id)  # read it anew
        self._files.check_room(*own, file.name, file.path.stat().st_size)
        name = self._files.free_name(*own, file.name)
        info = self._files.collections.make(*own)
        self._read(self._documents.store_upload(file.path, name, info.name), info.name)
        return True

    def _read(self, path: Path, collection: str) -> None:
        def work(cancel: threading.Event) -> Iterator[IngestEvent]:
            try:
                yield from self._documents.add([path], cancel, collection)
            finally:
                self._files.check_read(collection, path)

        title = both_texts("job_file", name=path.name)
        self._jobs.submit(title, work, collection=collection, files=[str(path)])

    def _reading(self, user: str, conversation_id: str) -> list[str]:
        """Names of the files that are being read."""
        info = self._files.collections.find(user, conversation_id)
        if info is None:
            return []
        active = [one for one in self._jobs.list() if one.is_active and one.collection == info.name]
        return [Path(path).name for job in active for path in job.files]

    def _job(self, file: AttachedFile) -> Job | None:
        """The newest that has to do with the file."""
        return next((job for job in self._jobs.list() if str(file.path) in job.files), None)

    def _html(self, user: str, conversation_id: str, language: str) -> str:
        try:
            files = self._files.of(user, conversation_id)
        except AssistantError as error:
            warn(error, language)
            return ""
        return chips_html([chip_of(one, self._job(one), language) for one in files], language)
