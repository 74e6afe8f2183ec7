"""The web app: ``python app.py``. Joins settings, parts and pages once; no logic.

Exit codes: 0 ended by a signal, 1 something failed, 2 a setting can't be used.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from assistant.errors import AssistantError, SettingsError
from assistant.knowledge.store import DEFAULT_COLLECTION
from assistant.language import reader_language
from assistant.observability.logs import set_up_logging
from assistant.parts import Parts, open_parts
from assistant.settings import Settings
from assistant.ui.followed_rendering import Followed
from ingest.background.client import Background
from ingest.background.tasks import AddFiles, Preview, RunSources, Task
from ingest.collections import delete_sources, drop_collection
from ingest.events import Event
from ingest.sources.listing import add_source, change_source
from ingest.sources.overview import Standing, standings, take_out
from ingest.sources.running import is_running
from ingest.uploads import store_upload


class Runner(Protocol):
    """What does the tasks: the background process."""

    def run(self, task: Task, cancel: threading.Event) -> Iterator[Event]: ...


class IngestLibrary:
    """The document flow, handed to the knowledge page."""

    def __init__(self, parts: Parts, background: Runner) -> None:
        self._parts = parts
        self._background = background

    def add(
        self,
        paths: Sequence[Path | str],
        cancel: threading.Event,
        collection: str = DEFAULT_COLLECTION,
        *,
        allow_private: bool = False,
    ) -> Iterator[Event]:
        return self._background.run(AddFiles(tuple(paths), collection, allow_private), cancel)

    def run_source(self, name: str, cancel: threading.Event) -> Iterator[Event]:
        return self._background.run(RunSources((name,)), cancel)

    def preview(self, path: Path, cancel: threading.Event) -> Iterator[Event]:
        return self._background.run(Preview(path), cancel)

    def store_upload(self, path: Path, name: str, collection: str = DEFAULT_COLLECTION) -> Path:
        return store_upload(self._parts.settings, path, name, collection)

    def delete(self, source_ids: Sequence[int], cancel: threading.Event) -> Iterator[Event]:
        return delete_sources(self._parts.settings, self._parts.knowledge, source_ids, cancel)

    def drop(self, collection: str, cancel: threading.Event) -> Iterator[Event]:
        return drop_collection(self._parts.settings, self._parts.knowledge, collection, cancel)

    def followed(self) -> Sequence[Followed]:
        return [self._followed(standing) for standing in standings(self._parts.settings)]

    def follow(self, row: Mapping[str, Any]) -> None:
        add_source(self._parts.settings.data_dir, row)

    def change(self, name: str, **values: Any) -> None:
        change_source(self._parts.settings.data_dir, name, **values)

    def unfollow(self, name: str, with_documents: bool) -> int:
        return take_out(self._parts.settings, name, with_documents=with_documents)

    def _followed(self, standing: Standing) -> Followed:
        entry, last = standing.entry, standing.last
        state = last.status if last else "never"
        if last and state == "running" and not is_running(self._parts.settings, last):
            state = "interrupted"
        return Followed(
            name=entry.name,
            kind=entry.kind,
            address=entry.address,
            collection=entry.collection,
            schedule=entry.schedule.text,
            paused=entry.paused,
            state=state,
            began=last.began if last else None,
            outcome=last.outcome if last else {},
            allow_private=bool(entry.options.get("allow_private")),
        )


def run(settings: Settings, language: str) -> None:
    from assistant.ui.serving import open_socket, serve
    from assistant.ui.uploads import prepare_gradio

    with open_socket(settings) as listening:
        prepare_gradio(settings)
        parts = open_parts(settings)
        background = Background()
        try:
            parts.start()  # while the page's packages are imported, and behind the page
            from assistant.ui.build import build_app

            app = build_app(parts, IngestLibrary(parts, background))
            drain = partial(parts.turns.drain, settings.shutdown_seconds)
            serve(app, listening, language, drain)
        finally:
            background.close()
            parts.close()


def main() -> int:
    language = reader_language("auto")
    set_up_logging()
    try:
        settings = Settings.load()
        language = reader_language(settings.language)
        set_up_logging(settings.log_format)
        for package in ("assistant", "ingest"):
            logging.getLogger(package).setLevel(settings.log_level)
        run(settings, language)
    except AssistantError as error:
        sys.stderr.write(f"{error.text(language)}\n")
        return 2 if isinstance(error, SettingsError) else 1
    return 0


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # threads that wait for a stream would hold the process up
