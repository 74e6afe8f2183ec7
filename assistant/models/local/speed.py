"""How fast a served chat model reads and writes on this machine: measured once, then remembered."""

from __future__ import annotations

import json
import random
import uuid
from pathlib import Path
from typing import NamedTuple

from assistant.errors import ModelUnavailable
from assistant.models.local.chat_server import ChatService, LocalChatServer
from assistant.settings import Settings

#: Other work on the machine only ever slows a round down: the best of some short ones counts.
ROUNDS = 3
PROMPT_WORDS = 40  # some 100 tokens with the template
ANSWER_TOKENS = 8
MEASURE_SECONDS = 120.0


class Speed(NamedTuple):
    """Tokens per second."""

    prompt: float
    decode: float


def measure_speed(base_url: str, api_key: str) -> Speed:
    """Ask for short answers to prompts that no cache holds; takes 3 to 10 s on two cores.

    Raises:
        ModelUnavailable: the server didn't answer, or without llama.cpp's timings.
    """
    rounds = [_measure_once(base_url, api_key) for _ in range(ROUNDS)]
    return Speed(max(speed.prompt for speed in rounds), max(speed.decode for speed in rounds))


def _measure_once(base_url: str, api_key: str) -> Speed:
    import httpx

    words = [random.choice(_WORDS) for _ in range(PROMPT_WORDS)]  # noqa: S311 - no secret
    body = {
        "messages": [{"role": "user", "content": f"{uuid.uuid4()} {' '.join(words)}"}],
        "max_tokens": ANSWER_TOKENS,
        "temperature": 0,
        "cache_prompt": False,
    }
    try:
        # trust_env: a proxy for the outside must not be asked for this machine.
        with httpx.Client(trust_env=False, timeout=MEASURE_SECONDS) as client:
            response = client.post(
                f"{base_url}/chat/completions",
                json=body,
                headers={"Authorization": f"Bearer {api_key}"},
            )
        response.raise_for_status()
        timings = response.json()["timings"]
        return Speed(timings["prompt_per_second"], timings["predicted_per_second"])
    except (httpx.HTTPError, KeyError, ValueError) as error:
        raise ModelUnavailable(
            "The speed of the chat model can't be measured: {error!r}",
            "无法测量对话模型的速度：{error!r}",
            error=error,
        ) from error


def local_speed(settings: Settings, server: LocalChatServer) -> Speed:
    """The speed of the started embedded model; measured at the first call for this model file and
    number of threads, then read from ``DATA_DIR/cache``.

    Raises:
        ModelUnavailable: as :func:`measure_speed`.
    """
    path = _cache(settings, server.service)
    try:
        return Speed(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError):
        speed = measure_speed(server.base_url, server.api_key)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(speed._asdict()), encoding="utf-8")
        return speed


def _cache(settings: Settings, service: ChatService) -> Path:
    return settings.data_dir / "cache" / f"speed-{service.model.stem}-{service.threads}.json"


_WORDS = (
    "river", "window", "quiet", "seven", "garden", "paper", "orange", "morning", "stone", "letter",
    "图书馆", "天气", "问题", "资料", "城市", "学习", "时间", "电影", "历史", "数据",
)  # fmt: skip
