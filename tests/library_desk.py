"""The knowledge page's handlers on the real document flow, for the tests of them."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from app import IngestLibrary, Runner
from assistant.knowledge.collections import Collections, Look
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.retrieval import Retriever
from assistant.settings import SETTINGS, Settings
from assistant.ui.jobs import Job, Jobs
from assistant.ui.library import Shown
from assistant.ui.library_documents import Acted
from assistant.ui.library_handlers import LibraryParts, library_handlers
from assistant.ui.visitor import Visitors
from assistant.users.audit import FILE, Audit
from assistant.users.identity import LOCAL, Identity, Role
from ingest.background import tasks
from tests.waiting import wait_for


def request_of(identity: Identity, language: str = "zh") -> Any:
    """As it comes through the gate."""
    state = SimpleNamespace(identity=identity)
    return SimpleNamespace(
        headers={"accept-language": language}, session_hash="s", state=state, query_params={}
    )


REQUEST = request_of(LOCAL)
READER = request_of(Identity("du", Role.READER))
EDITOR = request_of(Identity("bian", Role.EDITOR))
OTHER = request_of(Identity("wang", Role.EDITOR))
MANUAL = "# 星河7000手册\n\n## 规格\n\n星河7000重1.8千克，电池可用12小时。\n"


@cache
def shared_embeddings() -> EmbeddingModel:
    """One model for all desks of a test run: it is half a second's work. It keeps nothing."""
    values = {"EMBEDDING_CACHE_MB": "0", "DATA_DIR": tempfile.gettempdir()}
    return open_embeddings(Settings.load(values, None))


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
        embeddings = shared_embeddings()
        self.knowledge = KnowledgeBase(settings.data_dir, embeddings, embeddings.fingerprint)
        parts = SimpleNamespace(settings=settings, knowledge=self.knowledge)
        runner = background or InThisProcess(tasks.Desk(settings, embeddings))
        self.settings = settings
        self.library = IngestLibrary(cast(Any, parts), runner)
        self.jobs = Jobs()
        self.collections = Collections(self.knowledge)
        handlers = library_handlers(
            LibraryParts(
                flow=self.library,
                knowledge=self.knowledge,
                embeddings=embeddings,
                retriever=Retriever(self.knowledge, embeddings, 6),
                jobs=self.jobs,
                visitors=Visitors("auto", is_open=False),
                audit=Audit(settings.log_dir),
                sample=folder / "sample",
                uploads=settings.upload_dir,
                largest_file=settings.max_file_mb * 2**20,
            )
        )
        self.handlers = handlers
        self.page, self.followed, self.preview = handlers.page, handlers.followed, handlers.preview

    def close(self) -> None:
        self.jobs.close()
        self.knowledge.close()

    def finish(self) -> Job:
        """Wait for all jobs; the newest."""
        wait_for(lambda: not self.jobs.active)
        return self.jobs.list()[0]

    def see(
        self, seen: Any = None, name: str = "default", request: Any = REQUEST, **look: Any
    ) -> Shown:
        return self.page.refresh(name, Look(**look), seen, request)

    def titles(self, name: str = "default") -> list[str]:
        return [source.title for source in self.knowledge.collection(name).sources()]

    def act(
        self, do: str, value: object = "", ids: Sequence[int] = (), name: str = "default",
        request: Any = REQUEST, **look: Any,
    ) -> Acted:  # fmt: skip
        """A button of the table of documents."""
        event = SimpleNamespace(do=do, value=str(value), ids=",".join(map(str, ids)))
        return self.handlers.table.act(cast(Any, event), name, Look(**look), request)

    def delete(self, *ids: int, name: str = "default", request: Any = REQUEST) -> None:
        self.handlers.table.delete(ids, name, request)
        self.finish()

    def add(self, kind: str, address: str, *options: Any) -> Any:
        """Fill the form of a new source in and send it."""
        return self.followed.add(REQUEST, "default", kind, address, *options)

    def press(self, do: str, source: str, value: str = "", request: Any = REQUEST) -> None:
        """A button of a followed source."""
        event = SimpleNamespace(do=do, source=source, value=value)
        self.followed.act(cast(Any, event), request)

    def rows(self, name: str = "default", request: Any = REQUEST) -> str:
        """The followed sources as the page shows them now."""
        self.followed.forget()
        return str(self.see(name=name, request=request).followed)

    def noted(self) -> list[str]:
        """The actions in the audit log."""
        file = self.settings.log_dir / FILE
        lines = file.read_text("utf-8").splitlines() if file.exists() else []
        return [json.loads(line)["action"] for line in lines]


def environment(data_dir: Path) -> dict[str, str]:
    """Of a process with this data folder, and all other settings at their defaults."""
    return {**os.environ, **{row.name: "" for row in SETTINGS}, "DATA_DIR": str(data_dir)}
