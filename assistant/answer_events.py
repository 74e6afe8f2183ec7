"""The chat model's stream -> the events of a turn: thoughts, tokens, and what went wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from langchain_core.messages import BaseMessage

from assistant import events
from assistant.errors import ModelError, ModelStopped
from assistant.recital import RecitalGuard
from assistant.repetition import LoopGuard
from assistant.turn_progress import TurnProgress

log = logging.getLogger(__name__)

_PASSED_OVER = {
    "zh": "{failed} 没有回答，改由 {answered} 回答。{why}",
    "en": "{failed} did not answer; {answered} does. {why}",
}


def answer_events(
    now: TurnProgress, stream: Iterator[BaseMessage], system: str
) -> Iterator[events.Event]:
    """The events of one streamed answer; what was said is added to ``now.answer``.

    A stream that breaks after it began to answer ends the answer, not the turn: what came is kept
    and a notice says so. So does one that repeats itself for ever, in its answer or its thoughts,
    or recites its ``system`` message: who called closes it.

    Raises:
        ModelError: nothing of an answer came.
    """
    lead, thought = now.answer, ""
    thoughts, answers, recital = LoopGuard(), LoopGuard(), RecitalGuard(system)
    try:
        for chunk in stream:
            yield from _of_chunk(now, chunk, lead)
            why, cut = "repeated", answers.cut(now.answer)
            if cut is None:
                why, cut = "recited", recital.cut(now.answer)
            if cut is not None:
                now.answer, now.incomplete = cut, why
                yield events.Revise(cut, ())
                return
            thought += str(chunk.additional_kwargs.get("reasoning_content") or "")
            if thoughts.cut(thought) is not None:
                log.warning("the model's thoughts repeat themselves for ever")
                return
    except ModelStopped:
        now.incomplete = "stopped"
    except ModelError as error:
        if not now.answer.removeprefix(lead).strip():
            raise
        log.warning("the answer broke off: %s", error)
        now.incomplete = "broken"
        yield events.Notice(error.kind, error.text(now.language))


def _of_chunk(now: TurnProgress, chunk: BaseMessage, lead: str) -> Iterator[events.Event]:
    told = chunk.response_metadata
    yield from _backend(now, told)
    if chunk.additional_kwargs.get("retract"):
        # The answer so far was thoughts whose closing tag has only now come.
        yield events.Thinking(now.answer.removeprefix(lead))
        now.answer = lead
        yield events.Revise(lead, ())
    thoughts = chunk.additional_kwargs.get("reasoning_content")
    if thoughts:
        now.timings.setdefault("first_thought", round(now.elapsed(), 3))
        yield events.Thinking(str(thoughts))
    text = chunk.text
    if text:
        now.timings.setdefault("first_token", round(now.elapsed(), 3))
        now.answer += text
        yield events.Token(text)
    usage: dict[str, Any] | None = getattr(chunk, "usage_metadata", None)
    if usage:
        now.tokens = {"prompt": usage["input_tokens"], "answer": usage["output_tokens"]}
    if "length" in (told.get("finish_reason"), told.get("done_reason")):
        now.incomplete = "cut"


def _backend(now: TurnProgress, told: dict[str, Any]) -> Iterator[events.Event]:
    now.model = told.get("answered_by", now.model)
    for row in told.get("passed_over", ()):
        message = _PASSED_OVER[now.language].format(
            failed=row["model"], answered=now.model, why=row[now.language]
        )
        yield events.Notice(row["kind"], message)
