"""Faults of the models' clients, translated at the border into our error tree.

Services agree on little: the same fault comes as another status, another code, or only as words.
:data:`KINDS` is the table of what they say; the first row that fits decides.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

from assistant.errors import (
    BadAnswer,
    ContentFiltered,
    ContextTooLong,
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
from assistant.models.names import Target

Fault = TypeVar("Fault", bound=ModelError)

LONGEST_REASON = 300  # characters of a service's own words


@dataclass(frozen=True)
class Kind:
    """A fault: told by ``statuses``, or by ``says`` in the code and message; what to do."""

    error: type[ModelError]
    statuses: tuple[int, ...]
    says: str
    en: str
    zh: str


KINDS: tuple[Kind, ...] = (
    Kind(
        ContentFiltered,
        (),
        r"data_?inspection|content_?filter|content_policy|inappropriate content"
        r"|sensitive.{0,3}(?:content|info|word)|\b1301\b|敏感|不合规",
        "The content filter of {provider} stopped this question, its passages or the answer: ask "
        "in other words, or use another model. ({why})",
        "{provider} 的内容审查拦截了这个问题、引用的资料或回答：请换一种问法，或改用其他模型。"
        "（{why}）",
    ),
    Kind(
        ContextTooLong,
        (413,),
        r"context.?length|context_size|maximum context|context window|range of input length"
        r"|prompt.{0,20}too long|input.{0,20}(?:too long|length)|token limit|\b1261\b",
        "The prompt is longer than {model} at {provider} can take: ask a shorter question, or set "
        "CONTEXT_WINDOW (and MAX_TOKENS) in .env to what the model has. ({why})",
        "提示超出了 {provider} 的 {model} 的上下文长度：请缩短问题，或在 .env 中按模型实际设置 "
        "CONTEXT_WINDOW（和 MAX_TOKENS）。（{why}）",
    ),
    Kind(
        RateLimited,
        (),
        r"throttling|rate.?limit|limit_requests|limit_burst|too many requests|engine_overloaded"
        r"|\b130[235]\b|并发|频率",
        "{provider} limits how often it may be asked: wait a little, then ask again. ({why})",
        "{provider} 限制了请求频率：请稍等片刻再试。（{why}）",
    ),
    Kind(
        QuotaExhausted,
        (402,),
        r"insufficient_quota|exceeded.{0,20}quota|quota.?exceeded|arrear|overdue|balance"
        r"|good standing|billing|\b1113\b|余额|欠费",
        "The account at {provider} has no quota or no money left: top it up at the service, or use "
        "another model. ({why})",
        "{provider} 账户额度已用完或已欠费：请到服务商处充值，或改用其他模型。（{why}）",
    ),
    Kind(
        ModelUnknown,
        (404,),
        r"model.{0,60}(?:not.?found|not.?exist|does.?n.t exist|not.?open|not.?supported)"
        r"|unknown model|model_not_found|invalidendpointormodel|\b1211\b|\b20012\b|模型不存在",
        "{provider} at {url} has no model {model}, or it is not opened for your account: check the "
        "model's name and the address in .env. ({why})",
        "{provider}（{url}）没有模型 {model}，或你的账户未开通：请检查 .env 中的模型名和地址。"
        "（{why}）",
    ),
    Kind(
        KeyRefused,
        (401, 403),
        r"invalid.?api.?key|incorrect api key|invalid token|authentication|unauthori[sz]ed",
        "{provider} refused the key for {model}: check {variable} in .env. ({why})",
        "{provider} 拒绝了访问 {model} 的密钥：请检查 .env 中的 {variable}。（{why}）",
    ),
    Kind(
        RateLimited,
        (429,),
        r"(?!)",
        "{provider} limits how often it may be asked: wait a little, then ask again. ({why})",
        "{provider} 限制了请求频率：请稍等片刻再试。（{why}）",
    ),
    Kind(
        ModelUnavailable,
        (500, 502, 503, 504, 529),
        r"overloaded|system busy",
        "{provider} at {url} is failing or overloaded: try again later. ({why})",
        "{provider}（{url}）出错或过载：请稍后再试。（{why}）",
    ),
    Kind(
        ModelRefused,
        (),
        r"",
        "{provider} refused the request for {model}: {why}",
        "{provider} 拒绝了对 {model} 的请求：{why}",
    ),
)

TIMEOUT = (
    ModelTimeout,
    "{provider} at {url} did not answer within {timeout:g} seconds: try again, or raise "
    "MODEL_TIMEOUT in .env.",
    "{provider}（{url}）在 {timeout:g} 秒内没有应答：请重试，或在 .env 中调大 MODEL_TIMEOUT。",
)
BROKEN = (
    StreamBroken,
    "The connection to {provider} broke off in the middle of the answer: ask again.",
    "与 {provider} 的连接在回答中途断开：请重试。",
)
UNREACHABLE = (
    ModelUnavailable,
    "{provider} can't be reached at {url}: is the server running, is the address in .env right? "
    "({why})",
    "无法连接 {provider}（{url}）：服务是否在运行？.env 中的地址是否正确？（{why}）",
)
UNREADABLE = (
    BadAnswer,
    "{provider} at {url} gave an answer that can't be read: is the address in .env that of its "
    "API? ({why})",
    "{provider}（{url}）的应答无法解析：.env 中的地址是否是它的 API 地址？（{why}）",
)


@contextmanager
def as_model_error(target: Target) -> Iterator[None]:
    """Raise what a client raises inside as a :class:`ModelError` that says what to do."""
    try:
        yield
    except ModelError:
        raise
    except Exception as error:
        known = translated(error, target)
        if known is None:
            raise
        raise known from error


def translated(error: Exception, target: Target) -> ModelError | None:
    """``error`` in our tree; None where no client of ours raised it."""
    names = {f"{base.__module__.partition('.')[0]}.{base.__name__}" for base in type(error).__mro__}
    status = getattr(error, "status_code", None)
    body = getattr(error, "body", None)
    if "httpx.HTTPStatusError" in names:
        status, body = error.response.status_code, _json(error.response)  # type: ignore[attr-defined]
    if status == -1:  # ollama's own way to say that a line of the stream was an error
        status = None
    if "openai.APIStatusError" in names or "ollama.ResponseError" in names or body is not None:
        return refused(target, status, said(body) or str(getattr(error, "error", "") or error))
    if names & {"openai.APITimeoutError", "httpx.TimeoutException"}:
        return _plain(TIMEOUT, target, error)
    if names & {"openai.APIConnectionError", "httpx.TransportError", "builtins.ConnectionError"}:
        return _plain(BROKEN if _broke_off(error) else UNREACHABLE, target, error)
    if "openai.APIError" in names:  # an error inside a stream
        return refused(target, None, str(getattr(error, "message", error)))
    unreadable = {"openai.OpenAIError", "ollama.RequestError", "json.JSONDecodeError"}
    if names & unreadable or isinstance(error, KeyError | TypeError | ValueError | IndexError):
        return _plain(UNREADABLE, target, error)
    return None


def refused(target: Target, status: int | None, why: str) -> ModelError:
    """The error for a service's answer of ``status`` (None: inside a stream) and its words."""
    kind = next(
        row
        for row in KINDS
        if status in row.statuses
        or (row.says and re.search(row.says, why, re.IGNORECASE))
        or not row.says
    )
    return kind.error(kind.en, kind.zh, **_fields(target, f"{status}: {why}" if status else why))


def said(body: object) -> str:
    """The code and the message of an error's body, in any of the shapes that services use."""
    if isinstance(body, str):
        return body
    if not isinstance(body, dict):
        return ""
    inner = body.get("error")
    if isinstance(inner, dict):
        return said(inner)
    words = [body.get(name) for name in ("code", "type", "reason", "error_type")]
    words += [inner, body.get("message"), body.get("detail")]
    told = dict.fromkeys(str(word) for word in words if word and word != "error")
    return " ".join(told)


def nothing_came(target: Target) -> BadAnswer:
    """A stream that ended without a single event of the API."""
    return _plain(UNREADABLE, target, ValueError("no event of the API came"))


def unreachable(target: Target, error: Exception) -> ModelUnavailable:
    """The error of a server whose connection failed before it answered."""
    return _plain(UNREACHABLE, target, error)


def broken_off(target: Target, why: str) -> StreamBroken:
    """The error of an answer that ended before it was whole."""
    return _plain(BROKEN, target, ConnectionError(why))


def _plain(row: tuple[type[Fault], str, str], target: Target, error: Exception) -> Fault:
    kind, en, zh = row
    root: BaseException = error
    while root.__cause__ is not None:
        root = root.__cause__
    return kind(en, zh, **_fields(target, str(root) or type(root).__name__))


def _fields(target: Target, why: str) -> dict[str, object]:
    return {
        "provider": target.provider.name,
        "model": target.model,
        "url": target.base_url,
        "variable": f"{target.provider.variable}_API_KEY",
        "timeout": target.timeout,
        "why": why[:LONGEST_REASON],
    }


def _json(response: object) -> object:
    try:
        return response.json()  # type: ignore[attr-defined]
    except ValueError:
        return str(getattr(response, "text", ""))


def _broke_off(error: BaseException) -> bool:
    """Whether the transport failed after the connection stood: the client tells it apart only in
    the causes of its error."""
    if type(error).__name__ in ("ReadError", "RemoteProtocolError"):
        return True
    cause = error.__cause__ or error.__context__
    return cause is not None and _broke_off(cause)
