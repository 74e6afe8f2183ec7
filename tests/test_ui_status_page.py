"""The status page and the guide: what administrators and others see, and that a check runs once."""

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from xml.etree import ElementTree

import pytest

from assistant.errors import MemoryUnavailable, ModelUnavailable
from assistant.memory.store.server_facts import ServerFacts, server_facts
from assistant.models.checking.row import FAILED, OK, Finding, Row
from assistant.observability.figures import Ended, Figures
from assistant.observability.recent_faults import Fault, RecentFaults
from assistant.settings import Settings
from assistant.ui import model_checks
from assistant.ui.guide import guide_html, linked
from assistant.ui.guide_facts import Part
from assistant.ui.model_checks import ModelChecks
from assistant.ui.plots import Plot, Series, svg
from assistant.ui.status import State
from assistant.ui.status_facts import RedisFacts, RunningFacts, StoreFacts, redis_address, taken
from assistant.ui.status_page import StatusPage
from assistant.ui.status_rendering import faults_html, redis_html, states_html, store_html
from assistant.ui.usage import RANGES, usage_html
from assistant.ui.visitor import Visitors
from assistant.users.identity import Identity, Role
from tests.waiting import wait_for

NOW = 1_790_000_000.0
EVIL = "<script>alert(1)</script>"
SERVER = ServerFacts("valkey", "9.1.2", 2_000_000, 3, 60.0, True)


def settings_in(tmp_path: Path, **given: str) -> Settings:
    return Settings.load({"DATA_DIR": str(tmp_path), **given}, None)


class FakeFacts:
    """All that the page asks of the parts."""

    def __init__(self, settings: Settings) -> None:
        self.parts = SimpleNamespace(settings=settings, chats=SimpleNamespace(names=("vllm:test",)))
        self.began = NOW

    def running(self) -> RunningFacts:
        return RunningFacts(1, 2, 32, 40, 3, 9_000_000)

    def redis(self) -> RedisFacts:
        return RedisFacts("redis://box:6379", False, 7, SERVER)

    def store(self) -> StoreFacts:
        counts = {"default": {"sources": 3, "chunks": 40}, "secret": {"sources": 1, "chunks": 2}}
        return StoreFacts(counts, "flat", True)

    def disk(self) -> dict[str, int]:
        return {"taken_knowledge": 12_000_000, "taken_free": 5_000_000_000}


def request_of(role: Role, language: str = "en") -> Any:
    identity = Identity("li", role, "session")
    return SimpleNamespace(
        headers={"accept-language": language}, state=SimpleNamespace(identity=identity)
    )


@pytest.fixture
def page(tmp_path: Path) -> Iterator[StatusPage]:
    settings = settings_in(tmp_path)
    states = [State("Chat model", "ready", True), State("Memory", "away", False)]
    status = SimpleNamespace(states=lambda language: states, watch=lambda: None)
    figures = Figures(None)
    figures.add(Ended(first_token=1.0, error="model"))
    with RecentFaults().attached() as faults:
        import logging

        logging.getLogger("assistant.test").warning("secret trouble of others %s", EVIL)
        yield StatusPage(
            cast(Any, status),
            cast(Any, FakeFacts(settings)),
            figures,
            ModelChecks(settings, tmp_path / "check.json", lambda _: iter(())),
            faults,
            Visitors("auto", is_open=False),
        )


def test_an_administrator_sees_all_of_it(page: StatusPage) -> None:
    overview, button, cards, shown, usage, recent, _ = page.show("day", request_of(Role.ADMIN))
    for told in ("redis://box:6379", "valkey 9.1.2", "12.0 MB", "secret", "Python", "vllm:test"):
        assert told in overview + cards
    assert button["visible"]
    assert shown["visible"]
    assert "<svg" in usage
    assert "secret trouble" in recent
    assert "<script" not in overview + cards + usage + recent


@pytest.mark.parametrize("role", [Role.READER, Role.EDITOR])
def test_others_see_the_states_only(page: StatusPage, role: Role) -> None:
    overview, button, cards, shown, usage, recent, _ = page.show("day", request_of(role, "zh"))
    whole = overview + cards + usage + recent
    assert "vllm:test" in whole
    for hidden in ("box:6379", "valkey", "MB", "secret", "svg", "Python", "trouble"):
        assert hidden not in whole
    assert not button["visible"]
    assert not shown["visible"]


def test_only_administrators_check(page: StatusPage, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr("assistant.ui.status_page.warn", lambda error, language: said.append(error))
    page.check(request_of(Role.EDITOR))
    assert len(said) == 1
    assert not page.checks.is_running
    page.check(request_of(Role.ADMIN))
    wait_for(lambda: page.checks.last.at > 0 and not page.checks.is_running)


def test_one_check_runs_at_a_time_and_is_kept(tmp_path: Path) -> None:
    settings, hold = settings_in(tmp_path), threading.Event()
    runs: list[int] = []

    def trials(_: Settings) -> Iterator[Row]:
        runs.append(1)
        yield Row("chat", "vllm:a", OK, Finding("1 s", "1 秒", {"seconds": 1.0}))
        assert hold.wait(10)
        error = ModelUnavailable("Away.", "不在。")
        yield Row("embedding", "tei:b", FAILED, error=error)

    checks = ModelChecks(settings, tmp_path / "cache" / "check.json", trials)
    assert checks.start()
    wait_for(lambda: len(checks.last.rows) == 1)
    assert not checks.start(), "another one is running"
    hold.set()
    wait_for(lambda: not checks.is_running)
    assert runs == [1]
    again = ModelChecks(settings, tmp_path / "cache" / "check.json", trials).last
    assert again == checks.last
    assert [(row.check, row.verdict, row.told("zh")) for row in again.rows] == [
        ("chat", OK, "1 秒"),
        ("embedding", FAILED, "不在。"),
    ]
    assert (again.figure("chat", "seconds"), again.figure("chat", "none")) == (1.0, None)


@pytest.mark.parametrize("fault", [ModelUnavailable("Away.", "不在。"), KeyError("x")])
def test_a_check_that_breaks_says_so(tmp_path: Path, fault: Exception) -> None:
    def trials(_: Settings) -> Iterator[Row]:
        raise fault
        yield

    checks = ModelChecks(settings_in(tmp_path), tmp_path / "check.json", trials)
    assert checks.start()
    wait_for(lambda: not checks.is_running)
    [row] = checks.last.rows
    assert row.verdict == FAILED
    assert row.told("zh")
    assert checks.start(), "the next one can run"
    wait_for(lambda: not checks.is_running)


@pytest.mark.parametrize("kept", ["", "[]", '{"at": 1}', '{"at": 1, "rows": [{"x": 1}]}'])
def test_a_damaged_check_is_none(tmp_path: Path, kept: str) -> None:
    path = tmp_path / "check.json"
    path.write_text(kept, "utf-8")
    assert ModelChecks(settings_in(tmp_path), path).last == model_checks.LastCheck()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("", ""),
        ("redis://li:s3cret@box:6380/2", "redis://box:6380"),
        ("rediss://:s3cret@box/0", "rediss://box:6379"),
        ("unix://:s3cret@/run/redis.sock", "unix:///run/redis.sock"),
        ("redis+sentinel://:s3cret@a:1,b:2/main", "redis+sentinel://a:1,b:2/main"),
        ("redis+cluster://li:s3cret@a:1,b:2", "redis+cluster://a:1,b:2"),
    ],
)
def test_the_address_of_redis_has_no_secrets(tmp_path: Path, url: str, shown: str) -> None:
    assert redis_address(settings_in(tmp_path, REDIS_URL=url)) == shown


def test_redis_away_is_told() -> None:
    error = MemoryUnavailable("Redis is away <b>.", "Redis 不在。")
    told = redis_html(RedisFacts("", True, 4, None, error), "en")
    assert "Redis is away &lt;b&gt;." in told
    assert "embedded" in told
    assert ">4<" in told


def test_what_a_server_tells_of_itself() -> None:
    node = {
        "redis_version": "7.2.4",
        "server_name": "valkey",
        "valkey_version": "9.1.2",
        "used_memory": 10,
        "connected_clients": 2,
        "uptime_in_seconds": 5,
        "aof_enabled": 1,
    }
    one = server_facts(cast(Any, SimpleNamespace(info=lambda: node)))
    assert (one.name, one.version, one.memory, one.is_persistent) == ("valkey", "9.1.2", 10, True)
    cluster = {"a:1": node, "b:2": {**node, "aof_enabled": 0}}
    both = server_facts(cast(Any, SimpleNamespace(info=lambda: cluster)))
    assert (both.memory, both.clients, both.is_persistent) == (20, 4, False)
    plain = server_facts(cast(Any, SimpleNamespace(info=lambda: {"redis_version": "7.0"})))
    assert (plain.name, plain.version) == ("redis", "7.0")


def test_disk_that_is_taken(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "b").write_bytes(b"x" * 10_000)
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    assert 10_000 <= taken(tmp_path / "a") < 30_000
    assert taken(tmp_path / "nothing") == 0


def test_a_long_list_of_collections_is_cut() -> None:
    count = {"sources": 1, "chunks": 1}
    names = {EVIL: count} | {f"c{n}": count for n in range(500)}
    told = store_html(StoreFacts(names, "flat", False), {}, "en")
    assert told.count("<li>") < 20
    assert "<script" not in told


def test_faults_are_shown_harmlessly() -> None:
    fault = Fault(NOW, "ERROR", "assistant.x", EVIL, f"Traceback\n{EVIL}", "abc123", 3)
    told = faults_html([fault], "en")
    assert "<script" not in told
    for part in ("request abc123", "3 times", "Trace"):
        assert part in told
    assert "<li" not in faults_html([], "zh")


def test_a_state_is_shown_harmlessly() -> None:
    told = states_html([State(EVIL, EVIL, False)], 100.0, "zh")
    assert "<script" not in told
    assert "还有部分没有就绪" in told


def test_figures_are_plotted_by_the_hour() -> None:
    clock = SimpleNamespace(now=NOW)
    figures = Figures(None, lambda: clock.now)
    for back in (30, 5, 5, 1):
        clock.now = NOW - back * 3600
        figures.add(Ended(first_token=1.0, retrieval=0.1, error="model" if back == 1 else ""))
    assert figures.since(0)[0].at < NOW - 24 * 3600
    shown = usage_html(figures, "day", "en", NOW)
    assert shown.count("<svg") == 4
    assert "3 in all" in shown
    assert "4 in all" in usage_html(figures, "week", "zh", NOW).replace("共 4", "4 in all")
    for piece in shown.split("<svg")[1:]:
        picture = ElementTree.fromstring("<svg" + piece.partition("</svg>")[0] + "</svg>")
        assert picture.attrib["role"] == "img"
        assert picture.attrib["aria-label"]
    assert "<tbody>" in shown
    assert len(shown) < 40_000
    assert "svg" not in usage_html(Figures(None), "day", "en", NOW)


@pytest.mark.parametrize("shown", RANGES)
def test_a_full_week_stays_small(shown: str) -> None:
    clock = SimpleNamespace(now=0.0)
    figures = Figures(None, lambda: clock.now)
    for minute in range(0, 7 * 24 * 60, 7):
        clock.now = NOW - 60 * (7 * 24 * 60 - minute)
        figures.add(Ended(first_token=minute % 9 + 0.1, retrieval=0.05))
    assert len(usage_html(figures, shown, "zh", NOW)) < 60_000


def test_a_plot_of_nothing_and_of_extremes() -> None:
    for values in ([], [None, None], [0.0], [1e-9, 1e9, None, 3.0]):
        for mark in ("bar", "line"):
            labels = [EVIL] * len(values)
            picture = svg(Plot(EVIL, EVIL, labels, [Series(EVIL, values, mark)]))
            ElementTree.fromstring(picture)


ROWS = [
    Part("model_chat", f"dashscope:{EVIL}", "dashscope.example", 0, "", "guide_answers_sent"),
    Part("guide_memory", "Valkey", "", 4096),
]


def test_the_guide_tells_what_leaves_the_machine() -> None:
    told = guide_html(ROWS, "en", is_admin=True, small=False)
    assert "service at dashscope.example (questions and passages are sent to it)" in told
    assert "<script" not in told
    assert "DASHSCOPE_API_KEY=sk-..." in told
    assert "not measured yet" in told
    assert "small" not in told.partition("For better answers")[2].partition("<ul")[0]
    assert "内置的小模型" in guide_html(ROWS, "zh", is_admin=True, small=True)


def test_readers_are_not_told_what_to_set() -> None:
    told = guide_html(ROWS, "zh", is_admin=False, small=True)
    assert "API_KEY" not in told
    assert "管理员" in told


def test_links_of_texts() -> None:
    assert linked("a [b](/c) <d>") == 'a <a href="/c">b</a> &lt;d&gt;'
