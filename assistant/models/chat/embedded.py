"""The embedded chat model: llama.cpp's server on this machine, started when it is first asked."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from langchain_core.messages import BaseMessage

from assistant.models.chat.backend import Backend
from assistant.models.chat.reading import Reading
from assistant.models.chat.service import close_client, openai_client, service_call
from assistant.models.local.chat_server import LocalChatServer
from assistant.models.local.progress_bar import terminal_bar
from assistant.models.local.speed import local_speed
from assistant.models.names import Target
from assistant.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from assistant.models.chat.openai_protocol import OpenAIProtocolChat

log = logging.getLogger(__name__)


class EmbeddedChat(Backend):
    """The model called what stands after ``local:``; may be used from several threads."""

    def __init__(self, settings: Settings, target: Target) -> None:
        super().__init__(settings, target)
        self._server = LocalChatServer(settings, target.model)
        self._lock = threading.Lock()
        self._client: OpenAIProtocolChat | None = None
        self._speed: float | None = None

    @property
    def ready(self) -> bool:
        return self._client is not None and self._server.state.stage == "ready"

    def state(self, language: str) -> str:
        return self._server.state.text(language)

    def connect(self) -> BaseChatModel:
        with self._lock:
            # Quick where the server lives; a dead one is replaced, perhaps at another address.
            self._start_server()
            server = self._server
            target = replace(self.target, base_url=server.base_url, api_key=server.api_key)
            if self._client is None or target != self.target:
                self._let_go()
                self.target = target
                self._client = openai_client(target)
            if self._speed is None:
                self._speed = local_speed(self.settings, server).prompt
                log.info("%s reads %.0f tokens a second", self.name, self._speed)
            return self._client

    def _start_server(self) -> None:
        if self._server.state.stage in ("loading", "ready"):
            self._server.start()
            return
        with terminal_bar() as progress:
            self._server.start(progress)

    def look(self) -> None:
        if self.ready:  # a server that died is started again before somebody waits for it
            self.connect()

    def call(self, thinking: bool | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        return service_call(self, thinking, asked)

    def reading(self) -> Reading:
        return self.read_by(self.settings.local_context, self._speed)

    def warm(self, messages: Sequence[BaseMessage]) -> None:
        client = self.connect()
        with self.guard():
            client.invoke(list(messages), max_tokens=1)

    def close(self) -> None:
        self._let_go()
        self._server.close()

    def _let_go(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            close_client(client)
