"""``/v1/chat/completions`` as programs use it: OpenAI's own client and LangChain's, over HTTP."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator

import httpx
import openai
import pytest
from langchain_core.messages import AIMessage, HumanMessage
from langchain_openai import ChatOpenAI

from assistant.api.chat_request import MODEL, ChatRequest, Message
from assistant.api.completion import Completion
from assistant.events import Done, Revise, Token
from tests.api_desk import ApiDesk, api_desk
from tests.openai_server import Reply
from tests.waiting import wait_for

QUESTION = "星河7000有多重？"
ANSWER = "星河7000重1.8千克。"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiDesk]:
    with api_desk(tmp_path_factory.mktemp("data")) as desk:
        yield desk


@pytest.fixture
def desk(shared: ApiDesk) -> ApiDesk:
    wait_for(lambda: not shared.parts.turns.is_busy)
    shared.model.clear()
    return shared


@pytest.fixture
def client(desk: ApiDesk) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(
        base_url=f"{desk.url}/v1", api_key="reader-key", max_retries=0, timeout=20
    ) as client:
        yield client


def user(text: str) -> dict[str, str]:
    return {"role": "user", "content": text}


def test_openais_client_gets_an_answer_with_checked_citations(
    desk: ApiDesk, client: openai.OpenAI
) -> None:
    desk.model.say(ANSWER)
    answer = client.chat.completions.create(model=MODEL, messages=[user(QUESTION)])
    choice = answer.choices[0]
    assert choice.message.content == "星河7000重1.8千克[1]。"
    assert (choice.finish_reason, answer.model, answer.object) == (
        "stop",
        MODEL,
        "chat.completion",
    )
    assert answer.usage and answer.usage.total_tokens == 10
    (source,) = choice.message.model_extra["sources"]
    assert (source["n"], source["title"], source["cited"]) == (1, "星河7000手册", True)
    assert source["quote"][slice(*source["marks"][0])] in source["quote"]
    turn = answer.model_extra["turn"]
    assert (turn["kind"], turn["refused"], turn["model"]) == ("answer", False, "vllm:test")
    assert {"retrieve", "first_token", "total", "queue"} <= set(turn["timings"])


def test_a_stream_brings_token_by_token_and_the_sources_last(
    desk: ApiDesk, client: openai.OpenAI
) -> None:
    desk.model.say(ANSWER)
    chunks = list(
        client.chat.completions.create(
            model=MODEL,
            messages=[user(QUESTION)],
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert chunks[0].choices[0].delta.role == "assistant"
    texts = [chunk.choices[0].delta.content or "" for chunk in chunks[:-1]]
    assert "".join(texts) == ANSWER and len([text for text in texts if text]) == len(ANSWER)
    last = chunks[-2]
    assert last.choices[0].finish_reason == "stop"
    assert last.choices[0].delta.model_extra["sources"][0]["cited"]
    assert last.model_extra["turn"]["answer"] == "星河7000重1.8千克[1]。", "with its citations"
    assert chunks[-1].choices == [] and chunks[-1].usage.completion_tokens == 3
    assert len({chunk.id for chunk in chunks}) == 1


def test_the_messages_are_the_history(desk: ApiDesk, client: openai.OpenAI) -> None:
    desk.model.say("星河7000的保修期是多久？", "保修期为三年。")
    messages = [
        {"role": "system", "content": "Answer briefly."},
        user(QUESTION),
        {"role": "assistant", "content": "星河7000重1.8千克[1]。"},
        user("它的保修期是多久？"),
    ]
    answer = client.chat.completions.create(model=MODEL, messages=messages)
    assert answer.choices[0].message.content == "保修期为三年[1]。"
    assert answer.model_extra["turn"]["standalone"] == "星河7000的保修期是多久？"
    rewriting = desk.model.requests[0]["messages"][-1]["content"]
    assert "星河7000重1.8千克" in rewriting
    assert "Answer briefly." in desk.model.requests[1]["messages"][-1]["content"]


def test_nothing_is_stored_unless_a_conversation_is_named(desk: ApiDesk) -> None:
    desk.model.say(ANSWER, ANSWER, "星河7000的保修期是多久？", "保修期为三年。")
    memory = desk.parts.long_term
    assert desk.ask(QUESTION).status_code == 200
    assert memory.conversations("wang") == []
    told = desk.ask(QUESTION, conversation_id="trip").json()
    assert told["turn"]["conversation_id"] == "trip"
    assert [turn.text for turn in memory.turns("wang", "trip")] == [QUESTION]
    desk.ask("它的保修期是多久？", conversation_id="trip")
    assert len(memory.turns("wang", "trip")) == 2
    assert memory.conversations("li") == [], "it is the caller's alone"
    desk.parts.turns.forget("wang", "trip")


def test_langchains_client_answers_and_streams(desk: ApiDesk) -> None:
    chat = ChatOpenAI(
        base_url=f"{desk.url}/v1", api_key="reader-key", model=MODEL, max_retries=0, timeout=20
    )
    desk.model.say(ANSWER, "星河7000的保修期是多久？", "保修期为三年。")
    assert "".join(chunk.text for chunk in chat.stream(QUESTION)) == ANSWER
    history = [HumanMessage(QUESTION), AIMessage(ANSWER), HumanMessage("它的保修期是多久？")]
    answer = chat.invoke(history)
    assert answer.text == "保修期为三年[1]。"
    assert answer.usage_metadata["total_tokens"] == 10


def test_a_refusal_that_comes_after_the_answer_follows_it(
    desk: ApiDesk, client: openai.OpenAI
) -> None:
    desk.model.say("资料中没有提到价格。")
    chunks = list(
        client.chat.completions.create(
            model=MODEL, messages=[user("星河7000卖多少钱？")], stream=True
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    turn = chunks[-1].model_extra["turn"]
    assert turn["refused"] and turn["kind"] == "refusal"
    assert text == f"资料中没有提到价格。\n\n{turn['answer']}"
    assert chunks[-1].choices[0].delta.model_extra["sources"] == []


def test_who_hangs_up_stops_the_turn(desk: ApiDesk) -> None:
    hold = threading.Event()
    desk.model.replies = [Reply(tuple(ANSWER), hold=hold)] * 2
    body = {"model": MODEL, "messages": [user(QUESTION)], "stream": True}
    with desk.client() as http, http.stream("POST", "/v1/chat/completions", json=body) as reply:
        assert "星" in next(part for part in reply.iter_text() if "星" in part)
    wait_for(lambda: not desk.parts.turns.is_busy)
    with desk.client(), pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{desk.url}/v1/chat/completions",
            json={**body, "stream": False},
            headers={"Authorization": "Bearer reader-key"},
            timeout=0.5,
        )
    wait_for(lambda: not desk.parts.turns.is_busy)
    hold.set()


@pytest.mark.parametrize(
    ("fields", "status", "param", "says"),
    [
        ({"model": "gpt-4o"}, 404, "model", "does not exist"),
        ({"messages": []}, 400, "messages", "at least 1"),
        ({"messages": [{"role": "king", "content": "x"}]}, 400, "messages.0.role", "system"),
        ({"messages": [{"role": "assistant", "content": "x"}]}, 400, "messages", "last message"),
        ({"messages": [{"role": "user", "content": " "}]}, 400, "messages", "last message"),
        ({"messages": [{"role": "user", "content": "长" * 8001}]}, 400, None, "8000"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url"}]}]},
            400,
            "messages.0.content",
            "text",
        ),
        ({"n": 2}, 400, "n", "expected 1"),
        ({"tool_choice": "required"}, 400, "tool_choice", "auto"),
        ({"response_format": {"type": "json_object"}}, 400, "response_format", "text"),
        ({"conversation_id": "../x"}, 400, "conversation_id", "pattern"),
        ({"collection": "secret"}, 403, None, "secret"),
    ],
)
def test_what_cant_be_done_is_told_in_openais_shape(
    desk: ApiDesk, fields: dict[str, object], status: int, param: str | None, says: str
) -> None:
    answer = desk.ask(QUESTION, **fields)
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param), error
    assert says in error["message"] and set(error) == {"message", "type", "param", "code"}
    assert desk.model.requests == []


def test_what_openai_takes_and_we_dont_use_is_left_aside(desk: ApiDesk) -> None:
    desk.model.say(ANSWER)
    fields = {"temperature": 0.3, "top_p": 1, "max_tokens": 9, "user": "zhao", "tools": [], "x": 1}
    assert desk.ask(QUESTION, **fields).status_code == 200
    assert desk.parts.long_term.conversations("zhao") == []


@pytest.mark.parametrize("text", ["", "{", "[]", '{"model": 1}', "\xff"])
def test_a_body_that_is_no_request_is_refused(desk: ApiDesk, text: str) -> None:
    with desk.client() as http:
        answer = http.post("/v1/chat/completions", content=text.encode("latin-1"))
    assert answer.status_code == 400 and answer.json()["error"]["message"]


def test_a_body_without_end_is_cut_off(desk: ApiDesk) -> None:
    with desk.client() as http:
        answer = http.post("/v1/chat/completions", content=b" " * (4 * 2**20 + 1))
    assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


def test_without_a_key_nothing_is_answered(desk: ApiDesk) -> None:
    answer = desk.ask(QUESTION, key="")
    assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
    with pytest.raises(openai.AuthenticationError):
        openai.OpenAI(
            base_url=f"{desk.url}/v1", api_key="wrong", max_retries=0
        ).chat.completions.create(model=MODEL, messages=[user(QUESTION)])


@pytest.mark.parametrize("stream", [False, True])
def test_a_model_that_is_away_is_a_status_not_an_answer(desk: ApiDesk, stream: bool) -> None:
    desk.model.replies = [Reply(status=401, error="no")] * 3
    answer = desk.ask(QUESTION, stream=stream)
    assert answer.status_code == 503 and "retry-after" in answer.headers
    assert answer.json()["error"]["code"] == "key_refused"


def test_a_fault_in_the_middle_is_told_in_the_stream(
    desk: ApiDesk, client: openai.OpenAI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer had begun, so its status was sent: OpenAI's client raises what follows."""

    def fails(*_: object) -> Iterator[object]:
        yield Token("星")
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr(type(desk.parts.conversation), "_reply", fails)
    with pytest.raises(openai.APIError, match="RuntimeError"):
        list(client.chat.completions.create(model=MODEL, messages=[user(QUESTION)], stream=True))
    answer = desk.ask(QUESTION)
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] in answer.json()["error"]["message"]


def test_a_conversation_that_answers_is_busy(desk: ApiDesk) -> None:
    hold = threading.Event()
    desk.model.replies = [Reply(tuple(ANSWER), hold=hold)]
    turn = desk.parts.turns.start("wang", "trip", QUESTION, ahead=False)
    answer = desk.ask(QUESTION, conversation_id="trip")
    hold.set()
    list(turn.events())
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "conversation_busy")
    desk.parts.turns.forget("wang", "trip")


def test_models(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == [MODEL]
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def completion() -> Completion:
    return Completion("c", MODEL)


def test_words_are_never_sent_twice() -> None:
    """What is streamed after each revision of an answer."""
    sent = completion()
    sent.apply(Token("重1.8千克。"))
    assert sent.apply(Revise("重1.8千克[1]。", (1,))) == "", "its citations alone"
    sent = completion()
    sent.apply(Token("重1.8千克。又又又"))
    assert sent.apply(Revise("重1.8千克。", ())) == "", "cut"
    sent = completion()
    sent.apply(Token("重"))
    assert sent.apply(Revise("重1.8千克。", ())) == "1.8千克。", "longer"
    assert sent.apply(Revise("没有依据。", ())) == "\n\n没有依据。", "taken back"
    assert sent.apply(Token("不过")) == "不过"
    assert sent.apply(Done("", "没有依据。不过", True)) == ""


def test_messages_of_one_side_in_a_row_are_one() -> None:
    asked = ChatRequest(
        model=MODEL,
        messages=[
            Message(role="assistant", content="您好"),
            Message(role="user", content="一"),
            Message(role="user", content=[{"type": "text", "text": "二"}]),
            Message(role="assistant", content=None),
            Message(role="tool", content="…"),
            Message(role="assistant", content="三"),
            Message(role="user", content="四"),
        ],
    )
    question, given = asked.conversation()
    assert question == "四"
    assert [(turn.text, turn.answer) for turn in given.turns] == [("一\n二", "三")]


def test_the_stream_is_one_event_a_line(desk: ApiDesk) -> None:
    desk.model.replies = [Reply(("第一\n第二。",), thoughts=("想",))]
    answer = desk.ask(QUESTION, stream=True)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = [line for line in answer.text.split("\n\n") if line]
    assert events[-1] == "data: [DONE]"
    deltas = [json.loads(event[6:])["choices"][0]["delta"] for event in events[:-1]]
    assert {"reasoning_content": "想"} in deltas
