"""JSON over HTTP to a model's service, for the calls that no client package makes well: retried
where it is safe, every fault in our error tree."""

from __future__ import annotations

import ipaddress
import ssl
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from assistant.models.failures import as_model_error
from assistant.models.names import Target

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

#: Answers after which the same request may be sent again: nothing was done.
AGAIN = (408, 409, 425, 429, 500, 502, 503, 504, 529)
LONGEST_WAIT = 30.0  # seconds between two attempts


def is_inside(url: str) -> bool:
    """Whether ``url`` is on this machine or in a private network: no proxy is asked for it."""
    host = urlsplit(url).hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost"


def network(url: str) -> dict[str, Any]:
    """How an HTTP client reaches ``url``: a proxy for the outside isn't asked for this machine or
    this network."""
    import httpx

    inside = is_inside(url)
    # Shorter than uvicorn keeps a connection: else a request may be sent into a closing one.
    limits = httpx.Limits(keepalive_expiry=4 if inside else 60)
    return {"trust_env": not inside, "verify": certificates(), "limits": limits}


@cache
def certificates() -> ssl.SSLContext:
    """The certificates that servers are checked with: loading them takes some 30 ms."""
    import httpx

    return httpx.create_ssl_context()


def get_json(target: Target, path: str, seconds: float | None = None) -> Any:
    """GET ``path`` below the target's base URL, once.

    Raises:
        ModelError: as :func:`post_json`.
    """
    with as_model_error(target), _client(target, seconds or target.timeout) as client:
        return _answer(client.get(target.base_url + path))


def post_json(target: Target, url: str, body: dict[str, Any], retries: int | None = None) -> Any:
    """POST ``body`` and return the answer.

    Throttling, failing servers and lost connections are tried again, after waits that grow and
    vary, or as long as the server asks for.

    Args:
        url: absolute, or a path below the target's base URL.
        retries: default: the target's.

    Raises:
        ModelUnavailable, ModelRefused: the service is away, or says no; the last attempt's.
        BadAnswer: the answer is not JSON.
    """
    from tenacity import Retrying, retry_if_exception, stop_after_attempt

    url = url if "://" in url else target.base_url + url
    attempts = Retrying(
        stop=stop_after_attempt(1 + (target.retries if retries is None else retries)),
        retry=retry_if_exception(_worth_again),
        wait=_wait,
        reraise=True,
    )
    with as_model_error(target), _client(target, target.timeout) as client:
        return attempts(lambda: _answer(client.post(url, json=body)))


def _client(target: Target, seconds: float) -> httpx.Client:
    import httpx

    headers = {"Authorization": f"Bearer {target.api_key}"} if target.api_key else {}
    return httpx.Client(timeout=seconds, headers=headers, **network(target.base_url))


def _answer(response: httpx.Response) -> Any:
    response.raise_for_status()
    return response.json()


def _worth_again(error: BaseException) -> bool:
    import httpx

    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in AGAIN
    return isinstance(error, httpx.TransportError)


def _wait(state: RetryCallState) -> float:
    """Seconds until the next attempt: what the server asks for, else exponential with jitter."""
    import httpx
    from tenacity import wait_random_exponential

    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, httpx.HTTPStatusError):
        asked = error.response.headers.get("Retry-After", "")
        if asked.isdigit():
            return min(float(asked), LONGEST_WAIT)
    return float(wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)(state))
