"""A chat model whose replies are kept: the same messages get the same reply without a call.

The product's own rules run each time; only what the model said, and how long it took, comes from
the journal. So a run may be interrupted, and a rule may be changed without asking again.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import ConfigDict, Field

from assistant.evaluate.journal import Journal, digest


class ReplayedChat(BaseChatModel):
    """Asks ``source`` for what the journal doesn't have.

    ``calls`` counts the replies, old and new; ``saved_ms`` is how long those from the journal
    took when they were made. Both only grow. ``last_ms`` is how long the last one took when it was
    made, without the loading of the model.
    """

    name_of_model: str
    journal: Any = Field(exclude=True)
    source: Callable[[], BaseChatModel] = Field(exclude=True)
    calls: int = 0
    saved_ms: float = 0.0
    last_ms: float = 0.0
    model_config = ConfigDict(arbitrary_types_allowed=True)

    @property
    def _llm_type(self) -> str:
        return "replayed"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        self.calls += 1
        journal: Journal = self.journal
        said = [[message.type, message.text] for message in messages]
        asked = {name: value for name, value in kwargs.items() if name != "stopped"}
        key = digest(self.name_of_model, said, stop, asked)
        known = journal.get(key)
        if known is None:
            model = self.source()  # waits until it is loaded, which is not the question's time
            start = time.perf_counter()
            reply = str(model.invoke(messages, stop=stop, **kwargs).text)
            self.last_ms = 1000 * (time.perf_counter() - start)
            journal.put(key, {"reply": reply, "ms": self.last_ms})
        else:
            reply, self.last_ms = str(known["reply"]), float(known["ms"])
            self.saved_ms += self.last_ms
        return ChatResult(generations=[ChatGeneration(message=AIMessage(reply))])
