"""LangChain's own suites for chat models, run on the one that is ours: over the embedded server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_tests.integration_tests import ChatModelIntegrationTests
from langchain_tests.unit_tests import ChatModelUnitTests

from assistant.models.chat.choice import open_chat
from assistant.models.chat.failover import FailoverChat
from assistant.settings import Settings

pytestmark = pytest.mark.anyio  # the suites' coroutines; their other tests run as they are
_chat: list[Any] = []


@pytest.fixture(scope="module", autouse=True)
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    settings = Settings.load(
        {"DATA_DIR": str(tmp_path_factory.mktemp("data")), "GRACE_SECONDS": "0"}, None
    )
    chat = open_chat(settings, "local:qwen2.5-coder-0.5b")
    _chat.append(chat)
    yield
    chat.close()
    _chat.clear()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Ours:
    """What both suites are told."""

    has_tool_calling = False
    has_structured_output = False

    @property
    def chat_model_class(self) -> type[BaseChatModel]:
        return FailoverChat

    @property
    def model_override_value(self) -> str:
        return "local"

    @property
    def chat_model_params(self) -> dict[str, Any]:
        return {"backends": list(_chat[0].backends)}


class TestFailoverChatUnit(Ours, ChatModelUnitTests):
    """What can be told without asking."""


class TestFailoverChatIntegration(Ours, ChatModelIntegrationTests):
    """Real answers."""
