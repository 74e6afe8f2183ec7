"""Health, metrics, request ids and logs, as those who run the app use them."""

from __future__ import annotations

import gzip
import io
import json
import logging
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import httpx
import pytest

from assistant.api.health import Health
from assistant.api.request_log import interface_of
from assistant.errors import InternalError, SettingsError
from assistant.events import Done, Error
from assistant.observability import request_ids
from assistant.observability.logs import FORMATS, set_up_logging
from assistant.observability.metrics import durations
from assistant.observability.tracing import open_tracing, stages
from assistant.running_turn import RunningTurn
from assistant.settings import Settings
from tests.api_desk import ApiDesk, api_desk
from tests.openai_server import Reply
from tests.serving import served
from tests.waiting import wait_for

QUESTION = "星河7000有多重？"


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiDesk]:
    limits = {"QUESTIONS_AT_ONCE": "1", "QUEUE_LENGTH": "1", "QUESTIONS_PER_USER": "2"}
    with api_desk(tmp_path_factory.mktemp("data"), **limits) as desk:
        desk.model.models = [{"id": "test"}]
        yield desk


def get(desk: ApiDesk, path: str, key: str = "", **headers: str) -> httpx.Response:
    with desk.client(key) as http:
        return http.get(path, headers=headers)


def sample(desk: ApiDesk, name: str) -> float:
    """A sample of the metrics; 0 where it isn't there yet."""
    lines = get(desk, "/metrics", "admin-key").text.splitlines()
    return next((float(line.split()[-1]) for line in lines if line.startswith(f"{name} ")), 0.0)


def test_the_process_lives(desk: ApiDesk) -> None:
    answer = get(desk, "/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["cache-control"] == "no-store"


def test_ready_once_every_part_is(desk: ApiDesk) -> None:
    answer = get(desk, "/readyz")
    assert answer.status_code == 200, answer.text
    assert set(answer.json()["parts"]) == {"accepting", "model", "knowledge", "memory"}


def test_not_ready_while_the_model_is_away_and_ready_when_it_is_back(
    desk: ApiDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("assistant.api.readiness.MODEL_SECONDS", 0.0)
    probes = desk_probes(desk)
    probes["model"]._fresh_seconds = 0.0
    desk.model.models_status = 503
    answer = get(desk, "/readyz")
    assert answer.status_code == 503 and not answer.json()["parts"]["model"]["ready"]
    assert "503" in answer.json()["parts"]["model"]["detail"]
    assert get(desk, "/readyz?exclude=model").status_code == 200
    desk.model.models_status = 200
    assert get(desk, "/readyz").status_code == 200, "though nobody has asked it since"


def test_a_part_that_hangs_is_not_ready(desk: ApiDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("assistant.api.readiness.PATIENCE_SECONDS", 0.05)
    probe = desk_probes(desk)["memory"]
    go = threading.Event()
    monkeypatch.setattr(probe, "_check", lambda: go.wait(5))
    monkeypatch.setattr(probe, "_fresh_seconds", 0.0)
    answer = get(desk, "/readyz")
    assert answer.json()["parts"]["memory"] == {"ready": False, "detail": "does not answer"}
    go.set()
    wait_for(lambda: get(desk, "/readyz").status_code == 200)


def desk_probes(desk: ApiDesk) -> Any:
    return desk.programs._readiness._probes


def test_metrics_count_what_happens(desk: ApiDesk) -> None:
    before = sample(desk, 'assistant_questions_total{kind="answer"}')
    desk.model.say("星河7000重1.8千克。")
    assert desk.ask(QUESTION).status_code == 200
    wait_for(lambda: sample(desk, 'assistant_questions_total{kind="answer"}') == before + 1)
    assert sample(desk, 'assistant_tokens_total{part="answer"}') >= 3
    for stage in ("retrieve", "first_token", "answer", "queue"):
        assert sample(desk, f"assistant_{stage}_seconds_count") >= 1, stage
    assert sample(desk, 'assistant_chunks{collection="default"}') == 3
    assert sample(desk, 'assistant_sources{collection="default"}') == 3
    assert sample(desk, "assistant_questions_at_once") == 1
    assert sample(desk, "assistant_memory_held") == 0
    assert sample(desk, "assistant_model_ready") == 1
    desk.model.replies = [Reply(status=401, error="no")] * 3
    desk.ask(QUESTION)
    wait_for(lambda: sample(desk, 'assistant_errors_total{kind="key_refused"}') == 1)
    assert sample(desk, 'assistant_http_responses_total{interface="v1",status="503"}') == 1


def test_metrics_are_for_administrators(desk: ApiDesk) -> None:
    for key, status in (("", 401), ("reader-key", 403), ("editor-key", 403), ("admin-key", 200)):
        assert get(desk, "/metrics", key).status_code == status


@pytest.mark.parametrize(
    ("address", "known"),
    [("10.1.2.3", True), ("11.1.2.3", False), ("::1", True), ("", False), ("x", False)],
)
def test_metrics_are_for_named_networks(address: str, known: bool) -> None:
    health = Health(cast(Any, None), cast(Any, None), cast(Any, None), ("10.0.0.0/8", "::1/128"))
    request = SimpleNamespace(state=SimpleNamespace(address=address), client=None)
    assert health._is_known(cast(Any, request)) is known


def test_who_asks_too_much_is_told_when_to_come_back(desk: ApiDesk) -> None:
    hold = threading.Event()
    desk.model.replies = [Reply(tuple("星河7000重1.8千克。"), hold=hold) for _ in range(3)]
    turns = [desk.parts.turns.start("wang", f"c{n}", QUESTION, ahead=False) for n in range(2)]
    assert sample(desk, "assistant_questions_waiting") == 1
    mine, others = desk.ask(QUESTION), desk.ask(QUESTION, "editor-key")
    assert (mine.status_code, mine.json()["error"]["code"]) == (429, "rate_limit_exceeded")
    assert (others.status_code, others.json()["error"]["code"]) == (503, "overloaded")
    assert int(mine.headers["retry-after"]) >= 1 and int(others.headers["retry-after"]) >= 1
    hold.set()
    for turn in turns:
        assert list(turn.events())[-1].name == "done"


def test_a_stream_tells_the_place_in_the_queue(desk: ApiDesk) -> None:
    hold = threading.Event()
    desk.model.replies = [Reply(tuple("星河7000重1.8千克。"), hold=hold) for _ in range(2)]
    turn = desk.parts.turns.start("li", "c9", QUESTION, ahead=False)
    threading.Timer(0.2, hold.set).start()
    answer = desk.ask(QUESTION, stream=True)
    list(turn.events())
    assert ": place 1 in the queue\n\n" in answer.text and "[DONE]" in answer.text


@pytest.mark.parametrize(
    ("given", "taken"),
    [("trace-0123", True), ("a" * 64, True), ("", False), ("a b", False), ("a" * 65, False)],
)
def test_a_request_has_an_id(desk: ApiDesk, given: str, taken: bool) -> None:
    answer = get(desk, "/healthz", **{"X-Request-ID": given})
    assert (answer.headers["x-request-id"] == given) is taken
    assert len(answer.headers["x-request-id"]) >= 8


def test_the_turns_log_lines_bear_the_requests_id(
    desk: ApiDesk, caplog: pytest.LogCaptureFixture
) -> None:
    seen = []
    caplog.handler.addFilter(lambda record: seen.append((request_ids.current(), record)) or True)
    desk.model.replies = [Reply(status=401, error="no")] * 3
    with caplog.at_level(logging.INFO, "assistant"):
        answer = desk.ask(QUESTION)
    id = answer.headers["x-request-id"]
    lines = {record.getMessage(): mine for mine, record in seen}
    assert all(mine == id for mine in lines.values()), lines
    assert any("turn failed" in line for line in lines)
    assert any(line.startswith("POST /v1/chat/completions 503") for line in lines)


def test_after_the_drain_begins_it_is_not_ready(desk: ApiDesk) -> None:
    desk.parts.turns.queue.close()
    try:
        assert get(desk, "/readyz").json()["parts"]["accepting"]["ready"] is False
        assert get(desk, "/readyz").status_code == 503
        answer = desk.ask(QUESTION)
        assert answer.status_code == 503 and "restart" in answer.json()["error"]["message"]
        assert get(desk, "/healthz").status_code == 200
    finally:
        desk.parts.turns.queue._closed = False


def written(log_format: str, **extra: object) -> str:
    text = io.StringIO()
    handler = logging.StreamHandler(text)
    handler.setFormatter(FORMATS[log_format]())
    logger = logging.Logger("assistant.test")
    logger.addHandler(handler)
    try:
        raise ValueError("x")
    except ValueError:
        logger.warning("it %s", "failed", exc_info=True, extra=extra)
    return text.getvalue()


def test_log_lines_are_json_where_programs_read_them() -> None:
    with request_ids.using("abc-123"):
        line = written("json", seconds=0.5, user="李")
    row = json.loads(line)
    assert line.count("\n") == 1
    assert (row["level"], row["logger"], row["message"]) == (
        "WARNING",
        "assistant.test",
        "it failed",
    )
    assert (row["request_id"], row["seconds"], row["user"]) == ("abc-123", 0.5, "李")
    assert row["exception"].endswith("ValueError: x") and row["time"].endswith("+00:00")
    assert "request_id" not in json.loads(written("json"))


def test_log_lines_are_text_for_people() -> None:
    with request_ids.using("abc-123"):
        assert "WARNING assistant.test [abc-123]: it failed" in written("text")
    assert "WARNING assistant.test: it failed" in written("text")


def test_the_root_logger_takes_the_format() -> None:
    root = logging.getLogger()
    known = [(handler, handler.formatter) for handler in root.handlers]
    try:
        set_up_logging("json")
        assert root.handlers
        assert all(isinstance(each.formatter, FORMATS["json"]) for each in root.handlers)
    finally:
        for handler, formatter in known:
            handler.setFormatter(formatter)


def test_an_unexpected_fault_names_its_request() -> None:
    assert InternalError(ValueError()).text("en").endswith("the log has the details.")
    with request_ids.using("abc-123"):
        error = InternalError(ValueError())
    assert "abc-123" in error.text("en") and "abc-123" in error.text("zh")


@pytest.mark.parametrize(
    ("path", "interface"),
    [("/v1/models", "v1"), ("/api/v1/jobs", "api"), ("/metrics", "probe"), ("/", "page")],
)
def test_requests_are_counted_by_interface(path: str, interface: str) -> None:
    assert interface_of(path) == interface


def test_stages_end_where_the_next_begins() -> None:
    turn = RunningTurn("a", "c", "q")
    turn.waited = 2.0
    told = {"rewrite": 0.1, "retrieve": 0.4, "answer": 0.5, "first_token": 0.7, "total": 1.5}
    done = Done("c", "x", False, told)
    found = {name: round(seconds, 3) for name, seconds in durations(turn, done).items()}
    assert found == {
        "queue": 2.0,
        "rewrite": 0.3,
        "retrieve": 0.1,
        "first_token": 2.7,
        "answer": 3.5,
    }
    assert [name for name, _, _ in stages(done)] == ["rewrite", "retrieve", "answer"]
    assert durations(turn, Done("c", "", False, {"total": 1.0}, stopped=True)) == {"queue": 2.0}


def test_traces_need_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert open_tracing(Settings.load({}, None)) is None
    settings = Settings.load({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1"}, None)
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with pytest.raises(SettingsError, match=r"requirements-otel\.txt") as raised:
        open_tracing(settings)
    assert "requirements-otel.txt" in raised.value.text("zh")


class Collector(BaseHTTPRequestHandler):
    """Takes traces, as an OpenTelemetry collector does."""

    came: ClassVar[list[tuple[str, bytes]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.came.append((self.path, body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *arguments: object) -> None:
        pass


def test_traces_are_sent_to_the_endpoint() -> None:
    with served(Collector) as url:
        tracing = open_tracing(Settings.load({"OTEL_EXPORTER_OTLP_ENDPOINT": url}, None))
        assert tracing is not None
        turn = RunningTurn("wang", "c", QUESTION, request_id="abc-123")
        turn.waited = 0.5
        told = {"retrieve": 0.1, "answer": 0.5, "total": 1.5}
        tracing.observe(turn, Done("c", "重1.8千克", False, told, tokens={"prompt": 7}))
        tracing.observe(turn, Error("model_unavailable", "away"))
        tracing.close()
    [(path, body)] = Collector.came
    assert path == "/v1/traces"
    for word in ("turn", "queue", "retrieve", "answer", "abc-123", "model_unavailable"):
        assert word.encode() in body, word
    for word in (QUESTION, "重1.8千克", "wang"):
        assert word.encode() not in body, word
