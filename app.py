"""The web app: ``python app.py``. Joins settings, parts and pages once; no logic.

Exit codes: 0 ended by a signal, 1 something failed, 2 a setting can't be used.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

from assistant.errors import AssistantError, SettingsError
from assistant.language import reader_language
from assistant.parts import Parts, open_parts
from assistant.settings import Settings
from ingest.crawl import CrawlRequest
from ingest.events import Event
from ingest.pipeline import Pipeline
from ingest.uploads import delete_source, store_upload


class IngestLibrary:
    """The document flow, handed to the knowledge page."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._pipeline = Pipeline(parts.settings, parts.knowledge, parts.embeddings)

    def add(self, paths: Sequence[Path], cancel: threading.Event) -> Iterator[Event]:
        return self._pipeline.add_paths(paths, cancel=cancel)

    def crawl(
        self, url: str, depth: int, allow_private: bool, cancel: threading.Event
    ) -> Iterator[Event]:
        request = CrawlRequest(url, depth=depth, allow_private=allow_private)
        return self._pipeline.crawl(request, cancel=cancel)

    def store_upload(self, path: Path, name: str) -> Path:
        return store_upload(self._parts.settings, path, name)

    def delete(self, source_id: int) -> None:
        delete_source(self._parts.settings, self._parts.knowledge, source_id)


def run(settings: Settings, language: str) -> None:
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported
    from assistant.ui.serving import open_socket, serve

    with open_socket(settings) as listening:
        parts = open_parts(settings)
        try:
            parts.start()  # while the page's packages are imported, and behind the page
            from assistant.ui.build import build_app

            serve(build_app(parts, IngestLibrary(parts)), listening, language)
        finally:
            parts.close()


def main() -> int:
    language = reader_language("auto")
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        settings = Settings.load()
        language = reader_language(settings.language)
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
