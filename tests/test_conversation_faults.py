"""Turns whose chat model thinks, breaks off, is stopped or is replaced by another one: on real
parts, the model's replies from a queue over the real wire format."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant import events
from assistant.errors import ContextTooLong
from assistant.knowledge.records import NewChunk
from assistant.parts import Parts, open_parts
from assistant.settings import Settings
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.question_parts import parts_over
from tests.waiting import wait_for

TEXT = "星河7000是远山公司制造的便携式光谱仪，重量为1.8千克。它的电池可用12小时，保修期为三年。"
QUESTION = "星河7000有多重？"


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with openai_server() as running:
        yield running


@pytest.fixture(scope="module")
def shared(server: OpenAIServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Parts]:
    parts = parts_over(
        server,
        tmp_path_factory.mktemp("data"),
        DASHSCOPE_BASE_URL=server.url,
        DASHSCOPE_API_KEY="k",
        CHAT_MODEL="vllm:first,dashscope:second",
        MODEL_RETRIES="0",
    )
    vectors = parts.embeddings.embed_passages([TEXT])
    parts.knowledge.add_embedded("/a.md", "手册", "md", 1, "h", [NewChunk(TEXT)], vectors)
    yield parts
    parts.close()


@pytest.fixture
def parts(shared: Parts, server: OpenAIServer) -> Parts:
    server.clear()
    for info in shared.long_term.conversations("local"):
        shared.memory.forget("local", info.id)
    for backend in shared.chat.backends:
        backend.circuit.succeeded()
    return shared


def ask(parts: Parts, question: str = QUESTION, **options: object) -> list[events.Event]:
    turn = parts.conversation.turn("local", "c", question, language="zh", **options)  # type: ignore[arg-type]
    return list(turn)


def done_of(seen: list[events.Event]) -> events.Done:
    assert isinstance(seen[-1], events.Done), seen[-1]
    return seen[-1]


def test_thoughts_are_shown_and_never_stored_or_sent_back(
    parts: Parts, server: OpenAIServer
) -> None:
    answer = Reply(tuple("<think>秘密的想法</think>\n星河7000重1.8千克。"), thoughts=("先想想",))
    server.replies = [answer]
    server.say("<think>想</think>星河7000的保修期多久？", "三年。")
    seen = ask(parts)
    thoughts = "".join(event.text for event in seen if isinstance(event, events.Thinking))
    assert thoughts == "先想想秘密的想法"
    assert done_of(seen).answer == "星河7000重1.8千克[1]。"
    (stored,) = parts.long_term.turns("local", "c")
    assert "想" not in str(stored.as_json())
    (rewrite,) = (e for e in ask(parts, "它的保修期多久？") if isinstance(e, events.Rewrite))
    assert rewrite.standalone == "星河7000的保修期多久？"
    sent = str([request["messages"] for request in server.requests])
    assert "秘密" not in sent and "先想想" not in sent and "think" not in sent
    assert server.requests[1]["chat_template_kwargs"] == {"enable_thinking": False}


def test_thoughts_whose_tag_only_closes_are_taken_back(parts: Parts, server: OpenAIServer) -> None:
    server.say("先想一想。\n</think>\n\n星河7000重1.8千克。")
    seen = ask(parts)
    assert events.Revise("", ()) in seen
    assert done_of(seen).answer == "星河7000重1.8千克[1]。"
    assert "想一想" not in str(parts.long_term.turns("local", "c")[0].as_json())


def test_an_answer_that_breaks_off_is_kept_and_said_to_be_broken(
    parts: Parts, server: OpenAIServer
) -> None:
    server.replies = [Reply(("星河7000重1.8千克。", "它的", "电池"), cut=True)]
    seen = ask(parts)
    done = done_of(seen)
    assert (done.incomplete, done.answer.startswith("星河7000重1.8千克[1]。")) == ("broken", True)
    (notice,) = (event for event in seen if isinstance(event, events.Notice))
    assert (notice.kind, "中途断开" in notice.message) == ("stream_broken", True)
    assert parts.long_term.turns("local", "c")[0].incomplete == "broken"


def test_an_answer_cut_at_its_longest_says_so(parts: Parts, server: OpenAIServer) -> None:
    server.replies = [Reply(tuple("星河7000重1.8千克。"), finish="length")]
    assert done_of(ask(parts)).incomplete == "cut"


def test_an_answer_that_repeats_itself_for_ever_is_stopped(
    parts: Parts, server: OpenAIServer
) -> None:
    server.replies = [Reply((*["星河7000重1.8千克。"] * 30, "结束"))]
    seen = ask(parts)
    done = done_of(seen)
    assert (done.incomplete, done.answer) == ("repeated", "星河7000重1.8千克[1]。")
    assert parts.long_term.turns("local", "c")[0].incomplete == "repeated"


def test_thoughts_that_repeat_themselves_for_ever_are_no_answer(
    parts: Parts, server: OpenAIServer
) -> None:
    turning = Reply(("星河7000重1.8千克。",), thoughts=("我再想一想这个问题吧。",) * 40)
    server.replies = [turning, Reply(("星河7000重1.8千克。",))]
    seen = ask(parts)
    assert done_of(seen).answer == "星河7000重1.8千克[1]。"
    assert len(server.requests) == 2


def test_another_model_answers_and_the_reader_is_told(parts: Parts, server: OpenAIServer) -> None:
    server.replies = [Reply(status=503, error="busy"), Reply(tuple("星河7000重1.8千克。"))]
    seen = ask(parts)
    assert done_of(seen).model == "dashscope:second"
    (notice,) = (event for event in seen if isinstance(event, events.Notice))
    assert "vllm:first" in notice.message and "dashscope:second" in notice.message
    assert parts.long_term.turns("local", "c")[0].model == "dashscope:second"


def test_an_error_that_no_other_model_mends_ends_the_turn(
    parts: Parts, server: OpenAIServer
) -> None:
    too_long = {"error": {"code": 400, "message": "maximum context length is 4096 tokens"}}
    server.replies = [Reply(status=400, error=too_long)] * 2
    with pytest.raises(ContextTooLong):
        ask(parts)
    assert parts.long_term.turns("local", "c") == []


def test_a_stop_before_the_first_token_closes_the_connection(
    parts: Parts, server: OpenAIServer
) -> None:
    server.replies = [Reply(silent=True)]
    turn = parts.turns.start("local", "c", QUESTION, language="zh", ahead=False)
    seen = []
    began = 0.0
    for event in turn.events():
        seen.append(event)
        if isinstance(event, events.Step) and event.stage == "answer":
            wait_for(lambda: bool(server.requests))
            began = time.monotonic()
            turn.stop()
    assert time.monotonic() - began < 3
    done = done_of(seen)
    assert (done.answer, done.stopped) == ("", True)
    wait_for(lambda: bool(server.left))


def test_a_stop_while_the_question_is_rewritten(parts: Parts, server: OpenAIServer) -> None:
    server.say("星河7000重1.8千克。")
    ask(parts)
    server.replies = [Reply(silent=True)]
    stopped = threading.Event()
    threading.Timer(0.3, stopped.set).start()
    began = time.monotonic()
    assert done_of(ask(parts, "它的保修期多久？", stopped=stopped)).stopped
    assert time.monotonic() - began < 3
    wait_for(lambda: bool(server.left))


def test_a_rewriting_model_that_is_away_does_not_stop_the_answer(
    tmp_path: Path, server: OpenAIServer
) -> None:
    server.clear()
    settings = Settings.load(
        {
            "DATA_DIR": str(tmp_path),
            "VLLM_BASE_URL": server.url,
            "CHAT_MODEL": "vllm:first",
            "OLLAMA_BASE_URL": "http://127.0.0.1:9",
            "REWRITE_MODEL": "ollama:small",
            "MODEL_RETRIES": "0",
            "GRACE_SECONDS": "0",
        },
        None,
    )
    parts = open_parts(settings)
    try:
        vectors = parts.embeddings.embed_passages([TEXT])
        parts.knowledge.add_embedded("/a.md", "手册", "md", 1, "h", [NewChunk(TEXT)], vectors)
        server.say("星河7000重1.8千克。", "保修期为三年。")
        ask(parts)
        seen = ask(parts, "它的保修期多久？")
    finally:
        parts.close()
    assert done_of(seen).answer == "保修期为三年[1]。"
    (notice,) = (event for event in seen if isinstance(event, events.Notice))
    assert (notice.kind, "ollama" in notice.message) == ("model_unavailable", True)
    (rewrite,) = (event for event in seen if isinstance(event, events.Rewrite))
    assert rewrite.standalone == f"{QUESTION} 它的保修期多久？"
