"""The interfaces for programs over real parts, served by uvicorn on loopback; the chat model's
replies come from a queue. Who asks is told by the key, as the gate would."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from app import IngestLibrary
from assistant.api.programs import Programs
from assistant.knowledge.records import NewChunk
from assistant.parts import Parts, open_parts
from assistant.settings import Settings
from assistant.ui.jobs import Jobs
from assistant.ui.visitor import Visitors
from assistant.users.audit import Audit
from assistant.users.identity import Identity, Role
from ingest.background.tasks import Desk
from tests.openai_server import OpenAIServer, openai_server
from tests.waiting import wait_for

GUIDE = {
    "星河7000手册": "星河7000是远山公司制造的便携式光谱仪，重量为1.8千克。"
    "它的电池可用12小时，保修期为三年。",
    "青禾一号": "青禾一号是一种水稻品种，亩产900公斤，生长期为120天。",
    "FAISS notes": "IndexIVFFlat divides the vectors into cells and probes nprobe of them.",
}
KEYS = {
    "reader-key": Identity("wang", Role.READER, "key"),
    "editor-key": Identity("li", Role.EDITOR, "key"),
    "admin-key": Identity("zhao", Role.ADMIN, "key"),
}


@dataclass
class ApiDesk:
    parts: Parts
    model: OpenAIServer
    url: str
    jobs: Jobs
    folder: Path
    programs: Programs

    def client(self, key: str = "reader-key", **options: Any) -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=20, **options)

    def ask(self, question: str, key: str = "reader-key", **fields: Any) -> httpx.Response:
        body = {"model": "knowledge-assistant", "messages": [{"role": "user", "content": question}]}
        with self.client(key) as client:
            return client.post("/v1/chat/completions", json={**body, **fields})


class Keys:
    """Stands for the gate: the identity of a known key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = dict(scope.get("headers", ()))
        key = headers.get(b"authorization", b"").decode().removeprefix("Bearer ")
        if key in KEYS:
            scope.setdefault("state", {})["identity"] = KEYS[key]
        await self._app(scope, receive, send)


class InProcess:
    """Does the document flow's tasks here."""

    def __init__(self, parts: Parts) -> None:
        self._desk = Desk(parts.settings, parts.embeddings)

    def run(self, task: Any, cancel: threading.Event) -> Iterator[Any]:
        return self._desk.do(task, cancel)


@contextmanager
def api_desk(folder: Path, **settings: str) -> Iterator[ApiDesk]:
    """The interfaces over a data folder in ``folder`` that holds :data:`GUIDE`."""
    with openai_server() as model:
        given = {
            "DATA_DIR": str(folder),
            "VLLM_BASE_URL": model.url,
            "CHAT_MODEL": "vllm:test",
            "GRACE_SECONDS": "0",
        }
        parts = open_parts(Settings.load(given | settings, None))
        try:
            fill(parts)
            jobs = Jobs()
            visitors = Visitors("auto", is_open=False)
            audit = Audit(parts.settings.log_dir)
            programs = Programs(
                parts, IngestLibrary(parts, InProcess(parts)), jobs, visitors, audit
            )
            app = FastAPI()
            programs.add_routes(app)
            app.add_middleware(Keys)
            programs.add_request_log(app)
            with served_app(app) as url:
                yield ApiDesk(parts, model, url, jobs, folder, programs)
            programs.close()
            jobs.close()
        finally:
            parts.close()


def fill(parts: Parts) -> None:
    for title, text in GUIDE.items():
        chunk = NewChunk(text, (title,))
        vectors = parts.embeddings.embed_passages([chunk.embedding_text])
        uri = f"/docs/{title}.md"
        parts.knowledge.add_embedded(uri, title, "md", len(text), title, [chunk], vectors)


@contextmanager
def served_app(app: FastAPI) -> Iterator[str]:
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        listening.close()
