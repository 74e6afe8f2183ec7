"""Conversations that are shared by a link: who can read them, and that nothing in them is live."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from assistant.memory.long_term import LongTermMemory
from assistant.ui.chat_shared import SharedConversations, link_of
from assistant.ui.visitor import Visitors
from tests.memories import turn, unit

pytest_plugins = ["tests.memory_fixtures"]


@pytest.fixture
def client(memory: LongTermMemory) -> Iterator[TestClient]:
    app = FastAPI()
    app.include_router(SharedConversations(memory, Visitors("en")).router())
    with TestClient(app) as opened:
        yield opened


def shared(memory: LongTermMemory, answer: str = "Two kilograms[1].") -> str:
    source = {"n": 1, "title": "<Manual>", "location": "p. 1", "url": "https://a.example/b"}
    made = replace(turn("How <heavy>?", answer, time.time(), "t1"), sources=(source,))
    memory.add("li", "c1", made, unit(1), text="q")
    assert memory.list.share("li", "c1", "secret")
    return link_of("li", "c1", memory.list.shared("li")["c1"])


def test_the_link_leads_to_the_conversation(memory: LongTermMemory, client: TestClient) -> None:
    page = client.get(shared(memory, "| a | b |\n|---|---|\n| 1 | **two**[1] |"))
    assert page.status_code == 200
    assert "How &lt;heavy&gt;?" in page.text and "<strong>two</strong>" in page.text
    assert "A conversation that li shares" in page.text and "&lt;Manual&gt;" in page.text
    assert 'href="https://a.example/b"' in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "script" not in page.headers["content-security-policy"]


def test_it_keeps_its_link_until_it_is_no_longer_shared(
    memory: LongTermMemory, client: TestClient
) -> None:
    link = shared(memory)
    assert memory.list.share("li", "c1", "another")
    assert memory.list.shared("li") == {"c1": "secret"}
    assert memory.list.share("li", "c1", "")
    assert client.get(link).status_code == 404
    assert memory.list.share("li", "c1", "new")
    assert client.get(link).status_code == 404, "the old link stays dead"
    assert not memory.list.share("li", "nosuch", "x")


@pytest.mark.parametrize("how", ["hold", "forget", "forget_all"])
def test_what_is_deleted_is_not_shared(
    memory: LongTermMemory, client: TestClient, how: str
) -> None:
    link = shared(memory)
    if how == "hold":
        memory.list.hold("li", "c1")
    elif how == "forget":
        memory.forget("li", "c1")
    else:
        memory.forget_all("li")
    assert client.get(link).status_code == 404
    if how == "hold":
        memory.list.release("li", "c1")
        assert client.get(link).status_code == 200
    else:
        memory.add("li", "c1", turn("q", "again", time.time(), "t2"), unit(1), text="q")
        assert client.get(link).status_code == 404


def token(*told: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    "guess",
    [
        token("li", "c1", ""),
        token("li", "c1", "wrong"),
        token("li", "c2", "secret"),
        token("wang", "c1", "secret"),
        token("li", "c1"),
        token("li", "c1", None),
        token({"a": 1}),
        token("l\ud800i", "c1", "sec\ud800ret"),
        "x",
        "%00",
        "é" * 9,
        "A" * 2000,
        "..%2F..%2Fetc",
    ],
)
def test_no_other_link_leads_anywhere(
    memory: LongTermMemory, client: TestClient, guess: str
) -> None:
    shared(memory)
    answer = client.get(f"/shared/{guess}")
    assert answer.status_code == 404 and "kilograms" not in answer.text


def test_nothing_in_it_is_live(memory: LongTermMemory, client: TestClient) -> None:
    evil = (
        "<script>alert(1)</script> ![x](https://evil.example/x.png) [x](javascript:alert(1)) "
        "<img src=x onerror=alert(1)>\n\n<https://evil.example>\n\n[r]: javascript:alert(1)\n\n[r]"
    )
    page = client.get(shared(memory, evil)).text
    body = page.partition("</head>")[2]
    for live in ("<script", "<img", "javascript&", ' src="', 'href="https://evil', "href='"):
        assert live not in body
