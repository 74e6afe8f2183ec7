"""The list of conversations as HTML: its groups, what a search shows, and that nothing is live."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from zoneinfo import ZoneInfo

import pytest

from assistant.memory.conversation_list import Found, Held
from assistant.memory.records import ConversationInfo
from assistant.ui.chat_list import zone_of
from assistant.ui.chat_list_rendering import Listed, by_day, day_name, excerpt, list_html
from assistant.ui.chat_tools import tools_html

SHANGHAI = ZoneInfo("Asia/Shanghai")
NOW = datetime(2026, 3, 15, 0, 30, tzinfo=SHANGHAI)
EVIL = "<img src=x onerror=alert(1)>\"'&\u202e"


def info(id: str, when: datetime = NOW, **fields: Any) -> ConversationInfo:
    return ConversationInfo(id, fields.pop("title", id), when.timestamp(), 1, **fields)


@pytest.mark.parametrize(
    ("ago", "zh", "en"),
    [
        (timedelta(0), "今天", "Today"),
        (timedelta(minutes=31), "昨天", "Yesterday"),
        (timedelta(days=2), "过去 7 天", "Previous 7 days"),
        (timedelta(days=7), "过去 7 天", "Previous 7 days"),
        (timedelta(days=8), "过去 30 天", "Previous 30 days"),
        (timedelta(days=31), "2026 年 2 月", "February 2026"),
        (timedelta(days=100), "2025 年 12 月", "December 2025"),
        (-timedelta(days=3), "今天", "Today"),
    ],
)
def test_days_are_those_of_the_readers_calendar(ago: timedelta, zh: str, en: str) -> None:
    then = (NOW - ago).timestamp()
    assert (day_name(then, NOW, "zh"), day_name(then, NOW, "en")) == (zh, en)


def test_a_broken_time_is_today() -> None:
    assert day_name(1e30, NOW, "en") == "Today"


def test_the_zone_is_that_of_the_browser() -> None:
    utc = NOW.astimezone(ZoneInfo("UTC"))
    then = (NOW - timedelta(minutes=31)).timestamp()
    assert (day_name(then, NOW, "en"), day_name(then, utc, "en")) == ("Yesterday", "Today")


def test_pinned_ones_stand_on_top() -> None:
    rows = [info("a"), info("b", NOW - timedelta(days=40), pinned=True), info("c")]
    groups = by_day(rows, NOW, "en")
    assert [(title, [one.id for one in group]) for title, group in groups] == [
        ("Pinned", ["b"]),
        ("Today", ["a", "c"]),
    ]


def test_nothing_in_the_list_is_live() -> None:
    found = [Found(info("x", title=EVIL), EVIL, EVIL)]
    held = [(Held("y", EVIL, 0.0), 5.0)]
    for query in ("", "img", EVIL):
        html = list_html(Listed(found, "x", held=held, query=query), NOW, "en")
        assert "<img" not in html and "\u202e" not in html
        for value in re.findall(r'="([^"]*)"', html):
            assert "<" not in value and ">" not in value


def test_rows_say_what_they_are() -> None:
    rows = [Found(info("run")), Found(ConversationInfo("off", "t", NOW.timestamp(), 0))]
    html = list_html(Listed(rows, "run", running={"run"}, has_more=True), NOW, "zh")
    assert 'aria-label="正在回答"' in html and 'aria-label="回答中断"' in html
    assert '<a href="/?c=run" aria-current="page"' in html
    assert 'aria-label="“run”的操作"' in html
    assert "/conversation/off/export?format=json" in html
    assert 'data-do="more"' in html


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (Listed(()), "还没有对话。"),
        (Listed((), is_away=True), "暂时无法读取"),
        (Listed((), query="<b>"), "没有找到“&lt;b&gt;”"),
    ],
)
def test_an_empty_list_says_why(listed: Listed, said: str) -> None:
    assert said in list_html(listed, NOW, "zh")


def test_an_excerpt_is_cut_around_what_was_searched_for() -> None:
    answer = "前" * 100 + "极光\n两千克" + "后" * 200
    cut = excerpt(Found(info("a"), "问题", answer), "极光")
    assert cut.startswith("…前") and cut.endswith("后…") and "<mark>极光</mark> 两千克" in cut
    assert excerpt(Found(info("a")), "极光") == ""


@pytest.mark.parametrize(
    ("cookie", "zone"),
    [
        ("zone=Asia%2FShanghai", SHANGHAI),
        ("zone=Asia/Shanghai; language=zh", SHANGHAI),
        ("zone=No/Such", None),
        ("zone=../../etc/passwd", None),
        ("zone=Asia", None),
        ("zone=", None),
        ("", None),
    ],
)
def test_the_zone_comes_from_a_cookie(cookie: str, zone: ZoneInfo | None) -> None:
    assert zone_of(cast(Any, SimpleNamespace(headers={"cookie": cookie}))) == zone


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_shortcuts_are_told(language: str) -> None:
    html = tools_html("local", language)
    assert html.count("<kbd>") >= 8 and 'id="cite-card"' in html
