"""Faults of the OpenAI-protocol clients, translated at the border into our error tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assistant.errors import ModelError, ModelRefused, ModelUnavailable
from assistant.models.providers import Endpoint

#: Names of ``openai``'s exceptions, the special before the general, and what each is to the user.
#: ``BrokenOff`` is ours: a connection error after the connection stood.
FAULTS: tuple[tuple[str, type[ModelError], str, str], ...] = (
    (
        "AuthenticationError",
        ModelRefused,
        "{provider} refused the key for {model}: check the key in .env.",
        "{provider} 拒绝了访问 {model} 的密钥：请检查 .env 中的密钥。",
    ),
    (
        "NotFoundError",
        ModelRefused,
        "{provider} at {url} has no model {model}: check the model's name.",
        "{provider}（{url}）没有模型 {model}：请检查模型名。",
    ),
    (
        "RateLimitError",
        ModelRefused,
        "{provider} limits requests, or the quota is used up: try again later. ({why})",
        "{provider} 限流或额度已用完：请稍后再试。（{why}）",
    ),
    (
        "APITimeoutError",
        ModelUnavailable,
        "{provider} at {url} did not answer in time: try again, or raise MODEL_TIMEOUT.",
        "{provider}（{url}）未在时限内应答：请重试，或调大 MODEL_TIMEOUT。",
    ),
    (
        "BrokenOff",
        ModelUnavailable,
        "The connection to {provider} broke off in the middle of the answer: ask again.",
        "与 {provider} 的连接在回答中途断开：请重试。",
    ),
    (
        "APIConnectionError",
        ModelUnavailable,
        "{provider} can't be reached at {url}: is the server running, is the address right?",
        "无法连接 {provider}（{url}）：服务是否在运行？地址是否正确？",
    ),
    (
        "APIStatusError",
        ModelRefused,
        "{provider} answered with an error: {why}",
        "{provider} 返回错误：{why}",
    ),
    (
        "OpenAIError",
        ModelError,
        "{provider} gave an answer that can't be read: {why}",
        "{provider} 的应答无法解析：{why}",
    ),
)


@contextmanager
def as_model_error(target: Endpoint) -> Iterator[None]:
    """Raise what the client raises inside as a :class:`ModelError` that says what to do."""
    import openai

    try:
        yield
    except openai.OpenAIError as error:
        raise _translated(error, target) from error


def _translated(error: Exception, target: Endpoint) -> ModelError:
    names = {base.__name__ for base in type(error).__mro__}
    if _broke_off(error):
        names.add("BrokenOff")
    _, kind, english, chinese = next(row for row in FAULTS if row[0] in names)
    return kind(
        english,
        chinese,
        provider=target.provider,
        model=target.model,
        url=target.base_url,
        why=str(getattr(error, "message", error))[:300],
    )


def _broke_off(error: BaseException) -> bool:
    """Whether the transport failed after the connection stood: the client tells it apart only in
    the causes of its error."""
    cause = error.__cause__ or error.__context__
    if cause is None:
        return False
    return type(cause).__name__ in ("ReadError", "RemoteProtocolError") or _broke_off(cause)
