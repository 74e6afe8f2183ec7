"""The embedded chat model as a :class:`ChatModel`: llama.cpp's server on this machine."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from langchain_core.messages import BaseMessage

from assistant.models.chat.backend import ChatModel, openai_client, reading
from assistant.models.chat.reading import Reading
from assistant.models.failures import as_model_error
from assistant.models.local.chat_server import LocalChatServer
from assistant.models.local.progress_bar import terminal_bar
from assistant.models.local.speed import local_speed
from assistant.models.providers import LOCAL, Endpoint
from assistant.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

log = logging.getLogger(__name__)


class EmbeddedChat(ChatModel):
    """The model called ``name`` after ``local:``; may be used from several threads."""

    def __init__(self, settings: Settings, name: str) -> None:
        self.name = f"{LOCAL}:{name}"
        self._settings = settings
        self._server = LocalChatServer(settings, name)
        self._lock = threading.Lock()
        self._target = Endpoint(LOCAL, name, "", "", 0)
        self._client: BaseChatModel | None = None
        self._speed: float | None = None

    @property
    def ready(self) -> bool:
        return self._client is not None and self._server.state.stage == "ready"

    def state(self, language: str) -> str:
        return self._server.state.text(language)

    def model(self) -> BaseChatModel:
        with self._lock:
            # Quick where the server lives; a dead one is replaced, perhaps at another address.
            self._start_server()
            target = Endpoint(
                LOCAL, self._target.model, self._server.base_url, self._server.api_key, 0
            )
            if self._client is None or target != self._target:
                self._target = target
                self._client = openai_client(self._settings, target)
            if self._speed is None:
                self._speed = local_speed(self._settings, self._server).prompt
                log.info("%s reads %.0f tokens a second", self.name, self._speed)
            return self._client

    def _start_server(self) -> None:
        if self._server.state.stage in ("loading", "ready"):
            self._server.start()
            return
        with terminal_bar() as progress:
            self._server.start(progress)

    @contextmanager
    def guard(self) -> Iterator[None]:
        with as_model_error(self._target):
            yield

    def reading(self) -> Reading:
        return reading(self._settings, self._speed, self._settings.local_context)

    def warm(self, messages: Sequence[BaseMessage]) -> None:
        model = self.model()
        with self.guard():
            model.invoke(list(messages), max_tokens=1)

    def close(self) -> None:
        self._server.close()
