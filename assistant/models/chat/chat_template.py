"""Messages -> the prompt that a model was trained on, by the template that comes with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import BaseMessage, convert_to_openai_messages

from assistant.errors import ModelError, ModelRefused
from assistant.models.names import Target


class ChatTemplate:
    """Of one model.

    Raises:
        ModelError: it has none, so it is no chat model.
    """

    def __init__(self, target: Target, tokenizer: Any) -> None:
        self._target = target
        self._tokenizer = tokenizer
        if not tokenizer.chat_template:
            raise ModelError(
                "{name} is no chat model: it has no chat template. Take its variant for chat, "
                "usually named ...-Instruct or ...-Chat.",
                "{name} 不是对话模型：它没有对话模板。请使用它的对话版本，"
                "名称通常带有 -Instruct 或 -Chat。",
                name=target.name,
            )
        probe = [{"role": "user", "content": "?"}]
        #: Whether it thinks whatever it is told.
        self.always_thinks = self.opens_thinking(self._apply(probe, False))

    def render(self, messages: Sequence[BaseMessage], thinking: bool | None) -> str:
        """The prompt up to where the answer begins.

        Args:
            thinking: on, off, or as the template has it.

        Raises:
            ModelRefused: the template doesn't take such messages.
        """
        from jinja2 import TemplateError

        rows = [self._row(row) for row in convert_to_openai_messages(list(messages))]
        try:
            return self._apply(rows, thinking)
        except TemplateError as error:
            if len(rows) > 1 and rows[0]["role"] == "system" and rows[1]["role"] == "user":
                # Some families have no system messages.
                first = f"{rows[0]['content']}\n\n{rows[1]['content']}"
                try:
                    return self._apply([{"role": "user", "content": first}, *rows[2:]], thinking)
                except TemplateError:
                    pass
            raise ModelRefused(
                "The chat template of {name} doesn't take these messages: {why}",
                "{name} 的对话模板不接受这些消息：{why}",
                name=self._target.name,
                why=error,
            ) from error

    @staticmethod
    def opens_thinking(prompt: str) -> bool:
        """Whether the answer begins within thoughts whose opening tag stands in the prompt."""
        return prompt.rstrip().endswith("<think>")

    def _apply(self, rows: list[dict[str, Any]], thinking: bool | None) -> str:
        switch = {} if thinking is None else {"enable_thinking": thinking}
        text = self._tokenizer.apply_chat_template(
            rows, tokenize=False, add_generation_prompt=True, **switch
        )
        return str(text)

    def _row(self, message: dict[str, Any]) -> dict[str, Any]:
        """Templates of models for text want texts, not content parts."""
        content = message.get("content") or ""
        if isinstance(content, list):
            kinds = {part.get("type") for part in content} - {"text"}
            if kinds:
                raise ModelRefused(
                    "{name} is asked as a model for text and can't see content of the type "
                    "{kinds}.",
                    "{name} 按纯文本模型运行，无法处理类型为 {kinds} 的内容。",
                    name=self._target.name,
                    kinds=", ".join(sorted(map(str, kinds))),
                )
            content = "\n".join(part["text"] for part in content)
        return {**message, "content": content}
