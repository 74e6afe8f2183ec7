"""Conversations as Markdown and JSON, and the route that gives them away to their owner only."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Turn
from assistant.transcripts import answer_markdown, as_markdown, file_name
from assistant.ui.chat_export import ConversationExport
from assistant.ui.visitor import Visitors
from tests.memories import turn, unit

pytest_plugins = ["tests.memory_fixtures"]

ZONE = ZoneInfo("Asia/Shanghai")


def cited(answer: str, **source: object) -> Turn:
    known = {"n": 1, "title": "手册", "location": "规格", "url": "", **source}
    return replace(turn("极光多重？", answer, 0.0, "t1"), sources=(known, {"n": 2, "title": "x"}))


def test_a_conversation_as_markdown() -> None:
    turns = [cited("# 重量\n两千克[1]。"), turn("它多长？", "不知道。", 60.0)]
    assert as_markdown("极光\n多重", turns, "zh", ZONE) == (
        "# 极光 多重\n\n## 问 · 1970-01-01 08:00\n\n极光多重？\n\n"
        "### 答\n\n#### 重量\n两千克[1]。\n\n"
        "**资料来源**\n\n- [1] 手册 · 规格\n\n"
        "## 问 · 1970-01-01 08:01\n\n它多长？\n\n### 答\n\n不知道。\n"
    )


def test_web_sources_are_links_and_others_are_not() -> None:
    web = answer_markdown(cited("好[1]。", url="https://a.example/b_(c)", title="a [b]"), "en")
    assert "- [1] [a \\[b\\]](<https://a.example/b_(c)>) · 规格" in web
    bad = answer_markdown(cited("好[1]。", url="javascript:alert(1)"), "en")
    assert "javascript" not in bad


@pytest.mark.parametrize(
    ("title", "name"),
    [("极光 多重？", "极光 多重"), ("../../x", "x"), ("?:*", "conversation"), ("a" * 99, "a" * 60)],
)
def test_a_file_is_named_after_the_conversation(title: str, name: str) -> None:
    assert file_name(title) == name


@pytest.fixture
def client(memory: LongTermMemory) -> Iterator[TestClient]:
    app = FastAPI()

    class Named(Visitors):
        def of(self, request: Any) -> tuple[str, str]:
            return request.headers.get("x-user", "u"), "zh"

    app.include_router(ConversationExport(memory, Named("zh")).router())
    with TestClient(app) as opened:
        yield opened


def add(memory: LongTermMemory, *turns: Turn) -> None:
    for place, one in enumerate(turns):
        memory.add("u", "c1", one, unit(place), text=one.text)


def test_the_owner_gets_it_and_nobody_else(memory: LongTermMemory, client: TestClient) -> None:
    add(memory, replace(cited("两千克[1]。"), time=time.time(), rating=-1, reason="wrong"))
    markdown = client.get("/conversation/c1/export?format=md")
    assert markdown.status_code == 200 and "两千克[1]" in markdown.text
    assert "filename*=UTF-8''" in markdown.headers["content-disposition"]
    assert markdown.headers["cache-control"] == "no-store"
    data = client.get("/conversation/c1/export?format=json").json()
    assert data["title"] == "极光多重？"
    assert data["turns"][0]["sources"][0]["title"] == "手册"
    assert (data["turns"][0]["rating"], data["turns"][0]["reason"]) == (-1, "wrong")
    answer = client.get("/conversation/c1/export?format=md&turn=t1")
    assert answer.text.startswith("两千克[1]。") and "资料来源" in answer.text
    for path in ("c1/export", "c1/export?format=json", "c1/export?turn=t1"):
        refused = client.get(f"/conversation/{path}", headers={"x-user": "v"})
        missing = client.get(f"/conversation/{path}".replace("c1", "c2"))
        assert refused.status_code == missing.status_code == 404
        assert refused.text == missing.text


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/conversation/c1/export?format=exe", 422),
        ("/conversation/..%2F..%2Fetc/export", 404),
        ("/conversation/a%20b/export", 422),
        (f"/conversation/{'x' * 65}/export", 422),
        ("/conversation/c1/export?turn=nosuch", 404),
    ],
)
def test_bad_requests_are_refused(client: TestClient, path: str, status: int) -> None:
    assert client.get(path).status_code == status


def test_without_redis_it_says_so(tmp_path: Path) -> None:
    app = FastAPI()
    away = LongTermMemory(lambda: f"unix://{tmp_path}/none.sock")
    app.include_router(ConversationExport(away, Visitors("zh")).router())
    with TestClient(app) as opened:
        answer = opened.get("/conversation/c1/export")
    assert answer.status_code == 503 and "Redis" in answer.text
