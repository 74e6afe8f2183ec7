"""Traces of turns for OpenTelemetry, where an endpoint is set: a span for each turn, and one in it
for each stage. They are made when the turn has ended, from what its events told.

No question, passage or answer is in them.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from assistant.errors import SettingsError
from assistant.events import Done, Error
from assistant.running_turn import RunningTurn
from assistant.settings import Settings

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Span

log = logging.getLogger(__name__)

STAGES = ("documents", "model", "rewrite", "retrieve", "answer", "reply")
NANOSECONDS = 1_000_000_000


class Tracing:
    """Give :meth:`observe` to the turns; ``close`` sends what is left."""

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("assistant")

    def observe(self, turn: RunningTurn, last: Done | Error) -> None:
        """Make the spans of a turn that has ended."""
        from opentelemetry import trace

        began = turn.asked
        span = self._tracer.start_span("turn", start_time=_at(began))
        _describe(span, turn, last)
        within = trace.set_span_in_context(span)
        total = turn.waited
        if turn.waited:
            self._tracer.start_span("queue", within, start_time=_at(began)).end(
                _at(began + turn.waited)
            )
        if isinstance(last, Done):
            total += last.timings.get("total", 0.0)
            for name, start, end in stages(last):
                at = began + turn.waited
                child = self._tracer.start_span(name, within, start_time=_at(at + start))
                child.end(_at(at + end))
            span.end(_at(began + total))
        else:
            span.set_status(trace.Status(trace.StatusCode.ERROR, last.kind))
            span.end()

    def close(self) -> None:
        self._provider.shutdown()


def open_tracing(settings: Settings) -> Tracing | None:
    """What sends traces to ``OTEL_EXPORTER_OTLP_ENDPOINT``; None where that is empty.

    Raises:
        SettingsError: it is set, and the packages are missing.
    """
    endpoint = settings.otel_exporter_otlp_endpoint
    if not endpoint:
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SettingsError(
            "OTEL_EXPORTER_OTLP_ENDPOINT is set, but the packages that send traces are missing: "
            "pip install -r requirements-otel.txt, or leave it empty in .env.",
            "已设置 OTEL_EXPORTER_OTLP_ENDPOINT，但缺少发送追踪数据的包："
            "请执行 pip install -r requirements-otel.txt，或在 .env 中将其留空。",
        ) from error
    resource = Resource.create({"service.name": "knowledge-assistant"})
    provider = TracerProvider(resource=resource)
    exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return Tracing(provider)


def stages(done: Done) -> list[tuple[str, float, float]]:
    """Name, begin and end of each stage, in seconds since the turn began: one ends where the next
    begins.

    >>> stages(Done("", "", False, {"retrieve": 0.1, "answer": 0.3, "total": 1.0}))
    [('retrieve', 0.1, 0.3), ('answer', 0.3, 1.0)]
    """
    begun = [(name, done.timings[name]) for name in STAGES if name in done.timings]
    ends = [*(start for _, start in begun[1:]), done.timings.get("total", 0.0)]
    return [(name, start, max(start, end)) for (name, start), end in zip(begun, ends, strict=False)]


def _describe(span: Span, turn: RunningTurn, last: Done | Error) -> None:
    span.set_attribute("request.id", turn.request_id)
    if isinstance(last, Error):
        span.set_attribute("error.type", last.kind)
        return
    span.set_attribute("turn.kind", last.kind)
    span.set_attribute("turn.incomplete", last.incomplete)
    span.set_attribute("gen_ai.request.model", last.model)
    span.set_attribute("gen_ai.usage.input_tokens", last.tokens.get("prompt", 0))
    span.set_attribute("gen_ai.usage.output_tokens", last.tokens.get("answer", 0))


def _at(seconds: float) -> int:
    """Nanoseconds since the epoch, as spans have it."""
    return int(seconds * NANOSECONDS)
