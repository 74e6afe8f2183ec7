"""Every fault of every service is told apart, in both languages, with what to do.

The bodies are those that the services document or were seen to send.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from assistant.errors import (
    AssistantError,
    BadAnswer,
    ContentFiltered,
    ContextTooLong,
    KeyMissing,
    KeyRefused,
    ModelError,
    ModelRefused,
    ModelTimeout,
    ModelUnavailable,
    ModelUnknown,
    QuotaExhausted,
    RateLimited,
    StreamBroken,
)
from assistant.models.chat.choice import open_chat
from assistant.models.chat.model import ChatModel
from assistant.settings import Settings
from tests.openai_server import OpenAIServer, Reply, openai_server


def nested(code: object, message: str, kind: str = "error") -> dict[str, Any]:
    return {"error": {"message": message, "type": kind, "param": None, "code": code}}


#: service, status, body, what it is.
CASES: list[tuple[str, int, Any, type[ModelError]]] = [
    # OpenAI
    (
        "openai",
        401,
        nested("invalid_api_key", "Incorrect API key provided: sk-x."),
        KeyRefused,
    ),
    (
        "openai",
        429,
        nested("insufficient_quota", "You exceeded your current quota.", "insufficient_quota"),
        QuotaExhausted,
    ),
    ("openai", 429, nested("rate_limit_exceeded", "Rate limit reached for gpt-4o"), RateLimited),
    ("openai", 404, nested("model_not_found", "The model `x` does not exist"), ModelUnknown),
    (
        "openai",
        400,
        nested("context_length_exceeded", "This model's maximum context length is 8192 tokens."),
        ContextTooLong,
    ),
    ("openai", 500, nested(None, "The server had an error"), ModelUnavailable),
    ("openai", 400, nested(None, "Unsupported parameter: 'foo'"), ModelRefused),
    # DashScope, compatible mode and native shape
    ("dashscope", 401, nested("invalid_api_key", "Incorrect API key provided."), KeyRefused),
    (
        "dashscope",
        400,
        nested("Arrearage", "Access denied, please make sure your account is in good standing."),
        QuotaExhausted,
    ),
    (
        "dashscope",
        400,
        nested("data_inspection_failed", "Output data may contain inappropriate content."),
        ContentFiltered,
    ),
    (
        "dashscope",
        400,
        {"code": "DataInspectionFailed", "message": "Input data may contain...", "request_id": "1"},
        ContentFiltered,
    ),
    (
        "dashscope",
        429,
        {"code": "Throttling.RateQuota", "message": "Requests rate limit exceeded"},
        RateLimited,
    ),
    ("dashscope", 404, nested("model_not_found", "The model `x` does not exist."), ModelUnknown),
    (
        "dashscope",
        400,
        nested("invalid_parameter_error", "Range of input length should be [1, 98304]"),
        ContextTooLong,
    ),
    # DeepSeek
    ("deepseek", 401, nested("invalid_request_error", "Authentication Fails"), KeyRefused),
    ("deepseek", 402, nested("invalid_request_error", "Insufficient Balance"), QuotaExhausted),
    ("deepseek", 400, nested("invalid_request_error", "Model Not Exist"), ModelUnknown),
    ("deepseek", 503, nested(None, "Service is too busy"), ModelUnavailable),
    # Zhipu
    ("zhipu", 401, {"error": {"code": "1000", "message": "身份验证失败"}}, KeyRefused),
    ("zhipu", 429, {"error": {"code": "1113", "message": "您的账户已欠费"}}, QuotaExhausted),
    ("zhipu", 400, {"error": {"code": "1211", "message": "模型不存在"}}, ModelUnknown),
    (
        "zhipu",
        400,
        {"error": {"code": "1301", "message": "系统检测到输入或生成内容可能包含不安全或敏感内容"}},
        ContentFiltered,
    ),
    ("zhipu", 429, {"error": {"code": "1302", "message": "并发数过高"}}, RateLimited),
    # Kimi
    (
        "kimi",
        401,
        nested(None, "Invalid Authentication", "invalid_authentication_error"),
        KeyRefused,
    ),
    (
        "kimi",
        429,
        nested(None, "Your account is suspended", "exceeded_current_quota_error"),
        QuotaExhausted,
    ),
    ("kimi", 429, nested(None, "please try later", "rate_limit_reached_error"), RateLimited),
    (
        "kimi",
        404,
        nested(None, "Not found the model x or Permission denied", "resource_not_found_error"),
        ModelUnknown,
    ),
    (
        "kimi",
        400,
        nested(None, "The request was rejected: high risk", "content_filter"),
        ContentFiltered,
    ),
    # Doubao
    (
        "doubao",
        404,
        nested("InvalidEndpointOrModel.NotFound", "The model or endpoint x does not exist"),
        ModelUnknown,
    ),
    ("doubao", 403, nested("AccountOverdueError", "overdue balance"), QuotaExhausted),
    (
        "doubao",
        400,
        nested("InputTextSensitiveContentDetected", "may contain sensitive information"),
        ContentFiltered,
    ),
    # SiliconFlow, PPIO
    ("siliconflow", 400, {"code": 20012, "message": "Model does not exist"}, ModelUnknown),
    (
        "siliconflow",
        403,
        {"code": 30001, "message": "Sorry, your account balance is insufficient"},
        QuotaExhausted,
    ),
    ("siliconflow", 401, "Invalid token", KeyRefused),
    ("ppio", 403, {"code": 403, "reason": "NOT_ENOUGH_BALANCE", "message": "no"}, QuotaExhausted),
    ("ppio", 404, {"code": 404, "reason": "MODEL_NOT_FOUND", "message": "x"}, ModelUnknown),
    ("ppio", 429, {"code": 429, "reason": "RATE_LIMIT_EXCEEDED", "message": "x"}, RateLimited),
    # vLLM
    (
        "vllm",
        404,
        nested(404, "The model `x` does not exist.", "NotFoundError"),
        ModelUnknown,
    ),
    (
        "vllm",
        400,
        nested(
            400,
            "'max_tokens' or 'max_completion_tokens' is too large: 9000. This model's maximum "
            "context length is 4096 tokens and your request has 20 input tokens",
            "BadRequestError",
        ),
        ContextTooLong,
    ),
    ("vllm", 401, {"error": "Unauthorized"}, KeyRefused),
    # llama.cpp
    (
        "vllm",
        400,
        nested(400, "the request exceeds the available context size", "exceed_context_size_error"),
        ContextTooLong,
    ),
]

KEYS = {
    f"{prefix}_API_KEY": "k"
    for prefix in ("OPENAI", "DASHSCOPE", "DEEPSEEK", "ZHIPU", "MOONSHOT", "ARK", "SILICONFLOW")
} | {"PPIO_API_KEY": "k"}


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with openai_server() as running:
        yield running


opened: list[ChatModel] = []


def chat(url: str, service: str, **values: str) -> ChatModel:
    prefix = {"kimi": "MOONSHOT", "doubao": "ARK"}.get(service, service.upper())
    given = {**KEYS, f"{prefix}_BASE_URL": url, "MODEL_RETRIES": "0", **values}
    opened.append(open_chat(Settings.load(given, None), f"{service}:x"))
    return opened[-1]


@pytest.fixture(autouse=True)
def closing(server: OpenAIServer) -> Iterator[None]:
    server.clear()
    yield
    while opened:
        opened.pop().close()


def says_what_to_do(error: AssistantError) -> None:
    english, chinese = error.text("en"), error.text("zh")
    assert english != chinese
    advice = (".env", "ask again", "ask in other words", "top it up", "try again", "refused")
    assert any(word in english for word in advice), english
    assert any("\u4e00" <= char <= "\u9fff" for char in chinese)


@pytest.mark.parametrize(("service", "status", "body", "kind"), CASES)
def test_each_refusal_is_told_apart(
    server: OpenAIServer, service: str, status: int, body: Any, kind: type[ModelError]
) -> None:
    server.replies = [Reply(status=status, error=body)]
    with pytest.raises(ModelError) as caught:
        chat(server.url, service).model().invoke("hi")
    assert type(caught.value) is kind
    assert service in str(caught.value)
    says_what_to_do(caught.value)


def test_every_kind_has_its_own_message(server: OpenAIServer) -> None:
    kinds: dict[type, str] = {}
    for service, status, body, kind in CASES:
        server.replies = [Reply(status=status, error=body)]
        with pytest.raises(ModelError) as caught:
            chat(server.url, service).model().invoke("hi")
        kinds[kind] = str(caught.value).replace(service, "")[:40]
    assert len(set(kinds.values())) == len(kinds) == 8


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ({"code": "data_inspection_failed", "message": "Output data ..."}, ContentFiltered),
        ({"code": "Arrearage", "message": "Access denied"}, QuotaExhausted),
        ({"code": 500, "message": "EngineCore encountered an issue"}, ModelRefused),
    ],
)
def test_an_error_within_the_stream(
    server: OpenAIServer, fault: dict[str, Any], kind: type[ModelError]
) -> None:
    server.replies = [Reply(("half", " an answer"), fault=fault)]
    came = ""
    with pytest.raises(kind) as caught:
        for chunk in chat(server.url, "dashscope").model().stream("hi"):
            came += chunk.text
    assert came == "half"
    says_what_to_do(caught.value)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("content_filter", ContentFiltered),
        ("sensitive", ContentFiltered),
        ("insufficient_system_resource", StreamBroken),
    ],
)
def test_an_answer_that_the_service_ended(
    server: OpenAIServer, reason: str, kind: type[ModelError]
) -> None:
    server.replies = [Reply(("half",), finish=reason)]
    with pytest.raises(kind) as caught:
        chat(server.url, "zhipu").model().invoke("hi")
    says_what_to_do(caught.value)


def test_a_stream_that_breaks_off_is_an_error_not_an_end(server: OpenAIServer) -> None:
    server.replies = [Reply(tuple("half an answer"), cut=True)]
    came = ""
    with pytest.raises(StreamBroken, match="broke off") as caught:
        for chunk in chat(server.url, "vllm").model().stream("hi"):
            came += chunk.text
    assert came == "ha"
    says_what_to_do(caught.value)


def test_a_server_that_is_away() -> None:
    with pytest.raises(ModelUnavailable, match=r"127\.0\.0\.1:9") as caught:
        chat("http://127.0.0.1:9/v1", "vllm").model().invoke("hi")
    assert type(caught.value) is ModelUnavailable
    says_what_to_do(caught.value)


def test_a_server_that_hangs_up_before_it_answered(server: OpenAIServer) -> None:
    server.replies = [Reply(drop=True)]
    with pytest.raises(ModelUnavailable, match="can't be reached") as caught:
        chat(server.url, "vllm").model().invoke("hi")
    assert type(caught.value) is ModelUnavailable
    says_what_to_do(caught.value)


def test_thoughts_without_an_answer(server: OpenAIServer) -> None:
    server.replies = [Reply((), thoughts=("all of it",))]
    with pytest.raises(BadAnswer, match="reasoning-parser") as caught:
        chat(server.url, "vllm").model().invoke("hi")
    assert caught.value.text("zh") != caught.value.text("en")


def test_a_host_that_is_not_known() -> None:
    with pytest.raises(ModelUnavailable) as caught:
        chat("http://gpu-box.invalid:6006/v1", "vllm").model().invoke("hi")
    says_what_to_do(caught.value)


def test_a_server_that_does_not_answer_in_time(server: OpenAIServer) -> None:
    server.replies = [Reply(silent=True)]
    with pytest.raises(ModelTimeout, match="1 seconds") as caught:
        chat(server.url, "vllm", MODEL_TIMEOUT="1").model().invoke("hi")
    says_what_to_do(caught.value)


@pytest.mark.parametrize(
    "reply", [Reply(raw="<html>Welcome to nginx</html>"), Reply(body={"unexpected": 1})]
)
def test_an_address_that_is_not_an_api(server: OpenAIServer, reply: Reply) -> None:
    server.replies = [reply]
    with pytest.raises(BadAnswer, match="is the address in") as caught:
        chat(server.url, "vllm").model().invoke("hi")
    says_what_to_do(caught.value)


def test_a_missing_key_is_told_at_start() -> None:
    with pytest.raises(KeyMissing, match="DASHSCOPE_API_KEY") as caught:
        open_chat(Settings.load({}, None), "dashscope:qwen-plus")
    says_what_to_do(caught.value)
