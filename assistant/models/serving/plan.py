"""How a model is going to be served: the command, its environment, and what to tell."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from assistant.models.options import ROLES

ENGINES = ("vllm", "llama")
KEY = "VLLM_API_KEY"
ANYWHERE = ("0.0.0.0", "::", "")  # noqa: S104 - recognised, not bound
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Wishes:
    """What the user said; None: it is worked out."""

    host: str = "127.0.0.1"
    port: int = 6006
    name: str | None = None
    max_model_len: int | None = None  # tokens
    dtype: str | None = None
    gpu_share: float | None = None  # of the memory
    tools: bool = True
    tool_call_parser: str | None = None
    reasoning_parser: str | None = None
    tensor_parallel: int | None = None
    api_key: str = field(default="", repr=False)
    python: str | None = None
    extra: tuple[str, ...] = ()


@dataclass(frozen=True)
class Note:
    """Something that the user should know, in both languages."""

    en: str
    zh: str

    def text(self, language: str) -> str:
        return self.zh if language.startswith("zh") else self.en


@dataclass(frozen=True)
class Plan:
    """A server to be started. The key is neither in ``argv`` nor in what is printed."""

    engine: str
    argv: tuple[str, ...]
    name: str  # by which clients ask for the model
    role: str  # a key of ROLES
    host: str
    port: int
    api_key: str = field(default="", repr=False)
    environment: Mapping[str, str] = field(default_factory=dict)
    stdin: str = ""
    notes: tuple[Note, ...] = ()

    @property
    def client_host(self) -> str:
        """The host by which this machine reaches it."""
        host = "127.0.0.1" if self.host in ANYWHERE else self.host
        return f"[{host}]" if ":" in host else host

    @property
    def base_url(self) -> str:
        return f"http://{self.client_host}:{self.port}/v1"

    def command(self) -> str:
        """For a shell; the key is taken from the environment."""
        words = [f"{name}={shlex.quote(value)}" for name, value in self.environment.items()]
        command = " ".join([*words, shlex.join(self.argv)])
        return f"printf %s {shlex.quote(self.stdin)} | {command}" if self.stdin else command

    def settings(self) -> list[str]:
        """The lines of ``.env`` that use it."""
        lines = [f"{ROLES[self.role]}=vllm:{self.name}", f"VLLM_BASE_URL={self.base_url}"]
        return [*lines, f"{KEY}=..."] if self.api_key else lines


def last_name(model: str) -> str:
    """The name by which a model is asked for: ``"Qwen/Qwen3-8B"`` -> ``"Qwen3-8B"``."""
    return Path(model).name.partition("@")[0].removesuffix(".gguf")


def open_to_all(host: str, api_key: str) -> list[Note]:
    """A warning where anyone in the network could use the server."""
    if api_key or host in LOOPBACK:
        return []
    return [
        Note(
            f"Everyone who reaches {host} can use this server: set a key with VLLM_API_KEY in "
            ".env or --api-key.",
            f"任何能访问 {host} 的人都可以使用该服务：请在 .env 中设置 VLLM_API_KEY，"
            "或使用 --api-key 设置密钥。",
        )
    ]
