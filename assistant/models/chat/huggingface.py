"""A chat model of Hugging Face in this process, loaded when it is first asked."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

from assistant.errors import AssistantError, ModelUnavailable
from assistant.models.chat.backend import THINKING_TOKENS, Backend
from assistant.models.chat.reading import Reading
from assistant.models.huggingface import check_usable, is_here, model_folder
from assistant.models.local.chat_server import ModelState
from assistant.models.names import Target
from assistant.settings import Settings

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from assistant.models.chat.causal_model import CausalModel

OPTIONS = ("temperature", "max_tokens", "top_p", "top_k")
ASSUMED_WINDOW = 8192  # until it is loaded and tells


class HuggingFaceChat(Backend):
    """``huggingface:ORGANISATION/NAME`` or ``huggingface:FOLDER``; may be used from several
    threads, and answers one question at a time.

    Raises:
        SettingsError: its packages are not installed, or it can't be the name of a model.
    """

    def __init__(self, settings: Settings, target: Target) -> None:
        super().__init__(settings, target)
        check_usable(target)
        self._lock = threading.Lock()
        self._state = ModelState("loading" if is_here(settings, target) else "missing")
        self._loaded: CausalModel | None = None
        self._client: BaseChatModel | None = None
        self._closed = False

    @property
    def ready(self) -> bool:
        return self._client is not None

    def state(self, language: str) -> str:
        return self._state.text(language)

    def connect(self) -> BaseChatModel:
        with self._lock:
            if self._client is None:
                try:
                    self._load()
                except AssistantError as error:
                    self._state = ModelState("failed", error=error)
                    raise
                self._state = ModelState("ready")
            assert self._client is not None  # noqa: S101 - loaded above
            return self._client

    def _load(self) -> None:
        def tell(done: int, total: int, source: str) -> None:
            self._check_open()
            self._state = ModelState("downloading", percent=100 * done // max(total, 1))

        self._check_open()
        folder = model_folder(self.settings, self.target, tell)
        self._state = ModelState("loading")
        from assistant.models.chat.causal_model import CausalModel
        from assistant.models.chat.transformers_chat import TransformersChat

        self._loaded = CausalModel(self.target, folder)
        self._client = TransformersChat(loaded=self._loaded, model_name=self.target.model)

    def guard(self) -> AbstractContextManager[None]:
        return nullcontext()  # the client itself raises what is in our tree

    def call(self, thinking: bool | None, asked: Mapping[str, Any]) -> dict[str, Any]:
        options = {**self.options, **asked}
        fields = {name: options[name] for name in OPTIONS if name in options}
        if self.always_thinks and "max_tokens" in asked:
            fields["max_tokens"] += THINKING_TOKENS
        if thinking is None:
            thinking = options.get("enable_thinking")
        return fields if thinking is None else {**fields, "enable_thinking": thinking}

    def reading(self) -> Reading:
        if self._loaded is None:
            window = int(self.options.get("context_window", ASSUMED_WINDOW))
            return self.read_by(window)
        return self.read_by(self._loaded.window, self._loaded.tokens_per_second)

    @property
    def always_thinks(self) -> bool:
        return self._loaded is not None and self._loaded.template.always_thinks

    def close(self) -> None:
        """Let the weights go, broken off from what they compute."""
        self._closed = True
        loaded, self._loaded, self._client = self._loaded, None, None
        if loaded is not None:
            loaded.close()
        self._state = ModelState("missing")

    def _check_open(self) -> None:
        if self._closed:
            raise ModelUnavailable("{name} was closed.", "{name} 已关闭。", name=self.name)
