"""A question about the first documents waits while they are read in."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import conversation, events
from assistant.knowledge.records import NewChunk
from assistant.parts import Parts, open_parts
from assistant.settings import Settings
from tests.openai_server import OpenAIServer, openai_server

TEXT = "星河7000的重量为1.8千克。"
ASKED = "星河7000有多重？"


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with openai_server() as running:
        yield running


@pytest.fixture
def parts(tmp_path: Path, server: OpenAIServer) -> Iterator[Parts]:
    data = {
        "DATA_DIR": str(tmp_path),
        "VLLM_BASE_URL": server.url,
        "CHAT_MODEL": "vllm:test",
        "GRACE_SECONDS": "0",
    }
    opened = open_parts(Settings.load(data, None))
    yield opened
    opened.close()


def add(parts: Parts) -> None:
    chunk = NewChunk(TEXT)
    vectors = parts.embeddings.embed_passages([TEXT])
    parts.knowledge.add_embedded("/a.md", "手册", "md", len(TEXT), "h", [chunk], vectors)


def stages(seen: list[events.Event]) -> list[str]:
    return [event.stage for event in seen if isinstance(event, events.Step)]


def done(seen: list[events.Event]) -> events.Done:
    last = seen[-1]
    assert isinstance(last, events.Done)
    return last


def test_the_first_document_is_waited_for(parts: Parts, server: OpenAIServer) -> None:
    is_coming = threading.Event()
    is_coming.set()
    parts.conversation.arrivals.ask(lambda name: name == "default" and is_coming.is_set())
    server.say("星河7000重1.8千克。")
    seen = []
    for event in parts.conversation.turn("local", "c1", ASKED):
        seen.append(event)
        if isinstance(event, events.Step) and event.stage == "documents":
            add(parts)
    assert stages(seen)[0] == "documents" and "retrieve" in stages(seen)
    assert "1.8" in done(seen).answer and not done(seen).refused


@pytest.mark.parametrize(("language", "said"), [("zh", "还在读入"), ("en", "still being read")])
def test_it_is_told_when_that_takes_long(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, language: str, said: str
) -> None:
    monkeypatch.setattr(conversation, "ARRIVAL_SECONDS", 0.2)
    parts.conversation.arrivals.ask(lambda name: True)
    asked = ASKED if language == "zh" else "How heavy is the Starlight?"
    seen = list(parts.conversation.turn("local", "c1", asked, language=language))
    assert stages(seen) == ["documents"]
    assert said in done(seen).answer and done(seen).refused


def test_stop_ends_the_waiting(parts: Parts) -> None:
    parts.conversation.arrivals.ask(lambda name: True)
    stopped = threading.Event()
    stopped.set()
    seen = list(parts.conversation.turn("local", "c1", ASKED, stopped=stopped))
    assert "还在读入" in done(seen).answer


def test_what_fails_on_its_way_leaves_it_empty(parts: Parts) -> None:
    told = iter([True, True])
    parts.conversation.arrivals.ask(lambda name: next(told, False))
    seen = list(parts.conversation.turn("local", "c1", ASKED))
    assert stages(seen) == ["documents"]
    assert "还是空的" in done(seen).answer


def test_nothing_is_waited_for_where_nothing_comes(parts: Parts) -> None:
    parts.conversation.arrivals.ask(lambda name: name == "another")
    seen = list(parts.conversation.turn("local", "c1", ASKED))
    assert stages(seen) == [] and "还是空的" in done(seen).answer
