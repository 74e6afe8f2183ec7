"""The events of a turn -> OpenAI's chat completion, whole or in chunks.

What OpenAI's form has no place for stands in fields of its own: ``sources`` of the message (of the
last chunk's ``delta``), and ``turn`` beside ``choices``.

What was streamed can't be taken back. So where the checked answer has other words than were sent
(the documents don't hold the answer after all), it follows after a blank line; where only its
citations were corrected, ``turn.answer`` has them.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from assistant import events
from assistant.running_turn import RunningTurn

#: Of an answer: what may differ without its words being others.
_MARKS = re.compile(r"\[\d+(?:[,，]\s*\d+)*\]|\s+")

Json = dict[str, Any]


@dataclass
class Completion:
    """One answer, as far as it has come.

    Args:
        id: of the completion, as clients show it.
        conversation_id: of a conversation that is stored; empty for one that the caller keeps.
    """

    id: str
    model: str
    conversation_id: str = ""
    created: int = field(default_factory=lambda: int(time.time()))
    answer: str = ""  # as it stands
    sent: str = ""  # of it, in chunks
    thoughts: str = ""
    standalone: str = ""
    notices: list[Json] = field(default_factory=list)
    sources: dict[int, events.Source] = field(default_factory=dict)
    cited: tuple[int, ...] = ()
    unsupported: tuple[str, ...] = ()
    done: events.Done | None = None
    error: events.Error | None = None

    @property
    def has_begun(self) -> bool:
        """Whether there is something to send, or it has failed."""
        return bool(self.answer or self.thoughts or self.done or self.error)

    def apply(self, event: events.Event) -> str:
        """Take in an event; what is to be streamed of the answer because of it."""
        match event:
            case events.Token(text=text):
                self.answer += text
                self.sent += text
                return text
            case events.Thinking(text=text):
                self.thoughts += text
            case events.Revise():
                self.cited, self.unsupported = event.cited, event.unsupported
                return self._revised(event.answer)
            case events.Source():
                self.sources[event.n] = event
            case events.Rewrite(standalone=standalone):
                self.standalone = standalone
            case events.Notice():
                self.notices.append({"kind": event.kind, "message": event.message})
            case events.Done():
                self.done = event
                return self._revised(event.answer)
            case events.Error():
                self.error = event
        return ""

    def _revised(self, answer: str) -> str:
        """The answer is now another one; what of it has not been said yet."""
        self.answer = answer
        known, new = _words(self.sent), _words(answer)
        if answer.startswith(self.sent):
            more = answer[len(self.sent) :]
        elif known.startswith(new):
            return ""  # the same words, or cut: its end was none
        else:
            more = f"\n\n{answer}"
        self.sent = answer
        return more

    def whole(self, turn: RunningTurn) -> Json:
        message: Json = {"role": "assistant", "content": self.answer, "refusal": None}
        if self.thoughts:
            message["reasoning_content"] = self.thoughts
        message["sources"] = self._sources()
        choice = {
            "index": 0,
            "message": message,
            "logprobs": None,
            "finish_reason": self._finish_reason(),
        }
        told = {"usage": self._usage(), "turn": self._turn(turn)}
        return {**self._envelope("chat.completion"), "choices": [choice], **told}

    def opening(self) -> Json:
        return self.chunk({"role": "assistant", "content": ""})

    def chunk(self, delta: Json, finish_reason: str | None = None) -> Json:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return {**self._envelope("chat.completion.chunk"), "choices": [choice]}

    def closing(self, turn: RunningTurn, with_usage: bool) -> Iterator[Json]:
        """The last chunks of an answer that ended well."""
        last = self.chunk({"sources": self._sources()}, self._finish_reason())
        yield {**last, "turn": self._turn(turn)}
        if with_usage:
            yield {
                **self._envelope("chat.completion.chunk"),
                "choices": [],
                "usage": self._usage(),
            }

    def _envelope(self, kind: str) -> Json:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model}

    def _finish_reason(self) -> str:
        """ "length" where the answer ended before it was whole, whatever ended it: ``turn`` says
        what."""
        return "length" if self.done and self.done.incomplete else "stop"

    def _usage(self) -> Json:
        tokens = self.done.tokens if self.done else {}
        prompt, answer = tokens.get("prompt", 0), tokens.get("answer", 0)
        return {
            "prompt_tokens": prompt,
            "completion_tokens": answer,
            "total_tokens": prompt + answer,
        }

    def _sources(self) -> list[Json]:
        """What the model was given, and which of it bears the answer out."""
        if self.done is None or self.done.refused:
            return []
        return [
            {
                "n": n,
                "id": source.id,
                "title": source.title,
                "location": source.location,
                "quote": source.quote,
                "marks": [list(mark) for mark in source.marks],
                "score": source.score,
                "cited": n in self.cited,
                "url": source.url,
                "link": source.link,
            }
            for n, source in sorted(self.sources.items())
        ]

    def _turn(self, turn: RunningTurn) -> Json:
        done = self.done or events.Done("", "", refused=False)
        timings = {"queue": turn.waited, **done.timings}
        return {
            "answer": self.answer,
            "kind": done.kind,
            "refused": done.refused,
            "incomplete": done.incomplete,
            "standalone": self.standalone,
            "unsupported": list(self.unsupported),
            "notices": self.notices,
            "timings": timings,
            "model": done.model,
            "conversation_id": self.conversation_id or None,
            "request_id": turn.request_id,
        }


def _words(answer: str) -> str:
    return _MARKS.sub("", answer)
