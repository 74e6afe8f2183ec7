"""Puts the interfaces for programs into the web app, and the request log around it."""

from __future__ import annotations

from fastapi import FastAPI

from assistant.api.chat_completions import ChatCompletions
from assistant.api.conversation_routes import ConversationRoutes
from assistant.api.health import Health
from assistant.api.job_routes import JobRoutes
from assistant.api.library_routes import Documents, LibraryRoutes
from assistant.api.models_list import ModelsList
from assistant.api.readiness import Readiness
from assistant.api.request_log import RequestLog
from assistant.api.routes import Interfaces
from assistant.api.searching import Searching
from assistant.api.uploading import Uploading
from assistant.knowledge.collections import Collections
from assistant.observability.metrics import Metrics
from assistant.observability.tracing import open_tracing
from assistant.parts import Parts
from assistant.ui.jobs import Jobs
from assistant.ui.library_access import LibraryAccess
from assistant.ui.uploads import UploadLimits
from assistant.ui.visitor import Visitors
from assistant.users.audit import Audit

#: Files of one upload, and how many of the largest size they may be together.
UPLOAD_FILES, UPLOAD_LARGEST = 100, 4


class Programs:
    """Turns are counted from now on; ``close`` when the app ends."""

    def __init__(
        self, parts: Parts, documents: Documents, jobs: Jobs, visitors: Visitors, audit: Audit
    ) -> None:
        self._parts = parts
        self._readiness = Readiness(parts)
        self._metrics = Metrics(parts)
        self._tracing = open_tracing(parts.settings)
        parts.turns.observe(self._metrics.observe)
        if self._tracing is not None:
            parts.turns.observe(self._tracing.observe)
        access = LibraryAccess(Collections(parts.knowledge), visitors)
        self._interfaces = Interfaces(
            chat=ChatCompletions(parts.turns, visitors, parts.chats.names),
            models=ModelsList(parts.chats.names),
            searching=Searching(parts.knowledge, parts.conversation.answerer.retriever, visitors),
            library=LibraryRoutes(
                documents, access, jobs, visitors, audit, Uploading(self._upload_limits())
            ),
            jobs=JobRoutes(jobs, access, visitors),
            conversations=ConversationRoutes(parts.long_term, parts.turns, visitors),
            health=Health(self._readiness, self._metrics, visitors, parts.settings.metrics_from),
            visitors=visitors,
        )

    def add_routes(self, app: FastAPI) -> None:
        """To be called before the pages are mounted."""
        app.include_router(self._interfaces.router())

    def add_request_log(self, app: FastAPI) -> None:
        """To be called after all other middleware was added: it stands around them."""
        app.add_middleware(RequestLog, on_answer=self._metrics.answered)

    def close(self) -> None:
        self._readiness.close()
        if self._tracing is not None:
            self._tracing.close()

    def _upload_limits(self) -> UploadLimits:
        settings = self._parts.settings
        most = UPLOAD_LARGEST * settings.max_file_mb
        return UploadLimits(settings.upload_dir, UPLOAD_FILES, most)
