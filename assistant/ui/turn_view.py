"""What a page knows of a turn: filled event by event while it runs, or from memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from assistant import events
from assistant.memory.records import Begun, Turn

Shown = TypeVar("Shown", events.Memory, events.Source)

STAGES = ("documents", "model", "rewrite", "retrieve", "answer", "reply")


@dataclass
class TurnView:
    """What is known of a turn so far; filled event by event, or from memory."""

    question: str
    steps: list[events.Step] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    memories: list[events.Memory] = field(default_factory=list)
    standalone: str = ""
    way: str = ""  # how the standalone question came
    sources: list[events.Source] = field(default_factory=list)
    thinking: str = ""
    answer: str = ""
    unsupported: tuple[str, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)  # "prompt" and "answer"
    refused: bool = False
    kind: str = ""  # of the reply: one of events.REPLIES
    incomplete: str = ""  # why the answer ends early
    model: str = ""
    error: str = ""
    request_id: str = ""  # under which the log tells of it
    ended: bool = False
    turn_id: str = ""  # once it is stored
    replaces: str = ""  # id of the turn that it is asked in place of
    siblings: tuple[str, ...] = ()  # ids of the turns that were asked at its place, oldest first
    interrupted: bool = False  # it began, and nothing came of it
    rating: int = 0
    reason: str = ""  # for the rating
    asks_why: bool = False  # the page asks for a reason
    follow_ups: tuple[str, ...] = ()  # questions that may be asked next

    def apply(self, event: events.Event) -> None:
        match event:
            case events.Step():
                self._step(event)
            case events.Notice():
                self.notices.append(event.message)
            case events.Memory():
                self.memories.append(event)
            case events.Rewrite():
                self.standalone, self.way = event.standalone, event.way
            case events.Source():
                self.sources = [one for one in self.sources if one.n != event.n]
                self.sources.append(event)
            case events.Thinking():
                self.thinking += event.text
            case events.Token():
                self.answer += event.text
            case events.Revise():
                self.answer, self.unsupported = event.answer, event.unsupported
            case events.Done() | events.Error():
                self._end(event)

    def _step(self, step: events.Step) -> None:
        """Of the queue only the newest place is of interest."""
        if self.steps and self.steps[-1].stage == step.stage == "queue":
            self.steps[-1] = step
        else:
            self.steps.append(step)

    def _end(self, event: events.Done | events.Error) -> None:
        self.ended = True
        if isinstance(event, events.Error):
            self.error = event.message
            return
        self.answer, self.timings = event.answer, dict(event.timings)
        self.tokens = dict(event.tokens)
        self.refused, self.model, self.kind = event.refused, event.model, event.kind
        self.turn_id = event.turn_id
        if event.turn_id:
            self.siblings = (*self.siblings, event.turn_id)
        self.incomplete = event.incomplete or ("stopped" if event.stopped else "")

    @classmethod
    def from_turn(cls, turn: Turn, siblings: tuple[str, ...] = ()) -> TurnView:
        """A stored turn."""
        return cls(
            question=turn.text,
            steps=[events.Step(s, turn.timings[s]) for s in STAGES if s in turn.timings],
            memories=[_restored(events.Memory, each) for each in turn.memories],
            standalone=turn.standalone,
            way=turn.rewriting,
            sources=[_restored(events.Source, each) for each in turn.sources],
            answer=turn.answer,
            unsupported=turn.unsupported,
            timings=dict(turn.timings),
            tokens=dict(turn.tokens),
            refused=turn.refused,
            incomplete=turn.incomplete or ("stopped" if turn.stopped else ""),
            model=turn.model,
            ended=True,
            turn_id=turn.id,
            siblings=siblings,
            rating=turn.rating,
            reason=turn.reason,
            kind=turn.kind,
        )

    @classmethod
    def from_begun(cls, begun: Begun) -> TurnView:
        """A question that was broken off."""
        return cls(begun.question, ended=True, interrupted=True, replaces=begun.replaces)


def _restored(kind: Callable[..., Shown], stored: Mapping[str, object]) -> Shown:
    """An event from what was stored of it, perhaps by a newer version."""
    known: Iterable[str] = kind.__dataclass_fields__  # type: ignore[attr-defined]
    values = {key: stored[key] for key in known if key in stored}
    if "marks" in values:
        values["marks"] = tuple(tuple(mark) for mark in values["marks"])  # type: ignore[attr-defined]
    return kind(**values)
