"""What Prometheus reads of the app: questions, waits, tokens and faults, counted turn by turn, and
what is there at the moment, looked at when it is asked.

All names begin with ``assistant_``; docs/api.md lists them. The registry is our own: nothing else
in the process adds to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from assistant.errors import AssistantError
from assistant.events import Done, Error
from assistant.parts import Parts
from assistant.running_turn import RunningTurn

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
#: Upper bounds in seconds: a search takes milliseconds, an embedded model's answer a minute.
FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
SLOW = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0, 30.0, 60.0, 120.0, 300.0)


class Metrics:
    """Give :meth:`observe` to the turns and :meth:`answered` to the request log."""

    def __init__(self, parts: Parts) -> None:
        self.registry = CollectorRegistry()
        ours: dict[str, Any] = {"namespace": "assistant", "registry": self.registry}
        self._questions = Counter(
            "questions", "Questions that were answered, by kind of reply.", ["kind"], **ours
        )
        self._errors = Counter(
            "errors", "Questions that failed or were refused, by kind of error.", ["kind"], **ours
        )
        self._answers = Counter(
            "model_answers", "Answers that a chat model gave, by model.", ["model"], **ours
        )
        self._tokens = Counter("tokens", "Tokens of the chat model.", ["part"], **ours)
        self._responses = Counter(
            "http_responses", "Answers to requests.", ["interface", "status"], **ours
        )
        self._stages = {
            name: Histogram(f"{name}_seconds", text, buckets=buckets, **ours)
            for name, text, buckets in (
                ("queue", "Waiting for a slot.", SLOW),
                ("rewrite", "Making the question standalone.", FAST),
                ("retrieve", "Searching and choosing passages.", FAST),
                ("first_token", "From the question to the answer's first token.", SLOW),
                ("answer", "From the question to the whole answer.", SLOW),
            )
        }
        self.registry.register(Moment(parts))
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    def observe(self, turn: RunningTurn, last: Done | Error) -> None:
        """Count a turn that has ended."""
        if isinstance(last, Error):
            self._errors.labels(last.kind).inc()
            return
        self._questions.labels("stopped" if last.stopped else last.kind or "answer").inc()
        if last.model:  # one of the settings: there are no more
            self._answers.labels(last.model).inc()
        for part, count in last.tokens.items():
            self._tokens.labels(part).inc(count)
        for name, seconds in durations(turn, last).items():
            self._stages[name].observe(seconds)

    def answered(self, interface: str, status: int, seconds: float) -> None:
        """Count an answer to a request."""
        self._responses.labels(interface, str(status)).inc()

    def text(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self.registry)


def durations(turn: RunningTurn, done: Done) -> dict[str, float]:
    """Seconds of the stages that the turn came to.

    ``Done.timings`` has when each began. A stage ends with the beginning of the next.
    """
    told, waited = done.timings, turn.waited
    found = {"queue": waited}
    for stage, following in (("rewrite", "retrieve"), ("retrieve", "answer")):
        if stage in told and following in told:
            found[stage] = max(0.0, told[following] - told[stage])
    if "first_token" in told:
        found["first_token"] = waited + told["first_token"]
    if "total" in told and not done.stopped:
        found["answer"] = waited + told["total"]
    return found


class Moment(Collector):
    """What is there when it is looked at."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def collect(self) -> Iterable[Metric]:
        queue = self._parts.turns.queue
        yield _gauge("questions_running", "Questions that are being answered.", queue.running)
        yield _gauge("questions_waiting", "Questions that wait for a slot.", queue.waiting)
        yield _gauge("questions_at_once", "Slots for questions.", queue.at_once)
        yield _gauge("model_ready", "1 where the chat model is ready.", self._parts.chat.ready)
        held = self._parts.long_term.held
        yield _gauge("memory_held", "Writes to long-term memory that wait for Redis.", held)
        yield from self._library()

    def _library(self) -> Iterator[Metric]:
        labels = ["collection"]
        sources = GaugeMetricFamily("assistant_sources", "Documents.", labels=labels)
        chunks = GaugeMetricFamily("assistant_chunks", "Chunks in the index.", labels=labels)
        try:
            counts = self._parts.knowledge.stats()
        except AssistantError:
            return  # readiness tells it
        for name, row in counts.items():
            sources.add_metric([name], row["sources"])
            chunks.add_metric([name], row["chunks"])
        yield sources
        yield chunks

    def describe(self) -> Iterable[Metric]:
        """Nothing is looked at before it is asked for."""
        return ()


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"assistant_{name}", text, value=value)
