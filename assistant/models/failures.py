"""Faults of the OpenAI-protocol clients, translated at the border into our error tree."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from assistant.errors import ModelError, ModelRefused, ModelUnavailable
from assistant.models.providers import Endpoint

#: Names of ``openai``'s exceptions, the special before the general, and what each is to the user.
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
    import httpx
    import openai

    try:
        yield
    except openai.OpenAIError as error:
        raise _translated(error, target) from error
    except httpx.HTTPError as error:
        # A stream that breaks off: the client lets the transport's error through.
        raise ModelUnavailable(
            "The connection to {provider} broke off in the middle of the answer: {why}",
            "与 {provider} 的连接在回答中途断开：{why}",
            provider=target.provider,
            why=str(error) or type(error).__name__,
        ) from error


def _translated(error: Exception, target: Endpoint) -> ModelError:
    import openai

    for name, kind, english, chinese in FAULTS:
        if isinstance(error, getattr(openai, name)):
            return kind(
                english,
                chinese,
                provider=target.provider,
                model=target.model,
                url=target.base_url,
                why=str(getattr(error, "message", error))[:300],
            )
    raise TypeError(f"not an error of the client: {error!r}")
