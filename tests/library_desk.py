"""The knowledge page's handlers on the real document flow, for the tests of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from app import IngestLibrary, Runner
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.choice import open_embeddings
from assistant.settings import SETTINGS, Settings
from assistant.ui.followed import FollowedPage
from assistant.ui.jobs import Job, Jobs
from assistant.ui.library import LibraryPage, Shown
from assistant.ui.library_preview import PreviewPage
from assistant.ui.visitor import Visitors
from ingest.background import tasks

REQUEST = cast(Any, SimpleNamespace(headers={"accept-language": "zh"}, session_hash="s"))
MANUAL = "# 星河7000手册\n\n## 规格\n\n星河7000重1.8千克，电池可用12小时。\n"


class InThisProcess:
    """Does the tasks of the background process without one."""

    def __init__(self, desk: tasks.Desk) -> None:
        self.run = desk.do


class Desk:
    """The page over a data folder in ``folder``.

    Args:
        background: does the tasks; None for this process.
    """

    def __init__(self, folder: Path, background: Runner | None = None) -> None:
        settings = Settings.load({"DATA_DIR": str(folder / "data"), "MAX_FILE_MB": "1"}, None)
        embeddings = open_embeddings(settings)
        self.knowledge = KnowledgeBase(settings.data_dir, embeddings, embeddings.fingerprint)
        parts = SimpleNamespace(settings=settings, knowledge=self.knowledge)
        runner = background or InThisProcess(tasks.Desk(settings, embeddings))
        visitors = Visitors("auto")
        self.settings = settings
        self.library = IngestLibrary(cast(Any, parts), runner)
        self.jobs = Jobs()
        self.followed = FollowedPage(self.library, self.jobs, visitors)
        self.preview = PreviewPage(self.library, visitors)
        self.page = LibraryPage(
            self.library,
            self.knowledge,
            self.jobs,
            visitors,
            followed=self.followed,
            sample=folder / "sample",
        )

    def close(self) -> None:
        self.jobs.close()
        self.knowledge.close()

    def finish(self) -> Job:
        """Wait for all jobs; the newest."""
        wait(lambda: not self.jobs.active)
        return self.jobs.list()[0]

    def see(self, seen: Any = None) -> Shown:
        return self.page.refresh(seen, REQUEST)

    def titles(self) -> list[str]:
        return [source.title for source in self.knowledge.sources()]

    def add(self, kind: str, address: str, *options: Any) -> Any:
        """Fill the form of a new source in and send it."""
        return self.followed.add(REQUEST, kind, address, *options)

    def press(self, do: str, source: str, value: str = "") -> None:
        """A button of a followed source."""
        event = SimpleNamespace(do=do, source=source, value=value)
        self.followed.act(cast(Any, event), REQUEST)

    def rows(self) -> str:
        """The followed sources as the page shows them now."""
        self.followed.forget()
        return self.followed.html("zh")


def wait(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def environment(data_dir: Path) -> dict[str, str]:
    """Of a process with this data folder, and all other settings at their defaults."""
    return {**os.environ, **{row.name: "" for row in SETTINGS}, "DATA_DIR": str(data_dir)}
