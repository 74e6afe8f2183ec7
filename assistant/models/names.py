"""What a user writes for a model -> which model, where, with which options.

``provider:model``, the name of a table in ``MODELS_FILE``, ``auto``, or for chat several of them
with commas between: the first that can answer does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from assistant.errors import KeyMissing, SettingsError
from assistant.models.options import OPTIONS, ROLES, settled
from assistant.providers import EMBEDDED, IN_PROCESS, OPENAI, PROVIDERS, TABLE, Provider
from assistant.settings import Settings

#: Between the members of a chain in ``CHAT_MODELS``, whose entries have the commas between them.
CHAIN = "|"


@dataclass(frozen=True)
class Target:
    """A model, where it is, and what the user set for it."""

    provider: Provider
    model: str
    base_url: str = ""
    api_key: str = field(default="", repr=False)
    timeout: float = 120.0  # seconds
    retries: int = 2
    options: Mapping[str, Any] = field(default_factory=dict)
    alias: str = ""  # the name of its table in MODELS_FILE

    @cached_property
    def name(self) -> str:
        """``provider:model``."""
        return f"{self.provider.name}:{self.model}"


def resolve(settings: Settings, text: str, role: str, setting: str = "") -> Target:
    """The one model that ``text`` names.

    Args:
        role: a key of :data:`assistant.models.options.ROLES`.
        setting: where ``text`` stands, for messages; default: the role's.

    Raises:
        SettingsError: no such provider or named model, no model's name, an option that the
            backend doesn't take.
        KeyMissing: the service needs a key and ``.env`` has none.
    """
    setting = setting or ROLES[role]
    own: dict[str, Any] = {}
    alias = ""
    if ":" not in text:
        alias, own = text, dict(_named(settings, text, setting))
        text = str(own.pop("model"))
    provider, model = split_name(text, setting)
    if not getattr(provider, role):
        raise SettingsError(
            "{setting} is {name}: {provider} has no such models. These have: {known}",
            "{setting} 的值是 {name}：{provider} 不提供这类模型。可用：{known}",
            setting=setting,
            name=text,
            provider=provider.name,
            known=", ".join(row.name for row in TABLE if getattr(row, role)),
        )
    if not model and provider.speaks not in (EMBEDDED, "tei"):
        raise SettingsError(
            "{setting} is {name}: say which model, for example {name}MODEL-NAME.",
            "{setting} 的值是 {name}：请写明模型名，例如 {name}模型名。",
            setting=setting,
            name=text,
        )
    options = settled(settings, role, provider, model, own)
    return _target(settings, provider, model, options, alias=alias, setting=setting)


def resolve_all(settings: Settings, text: str, role: str, setting: str = "") -> list[Target]:
    """The models that ``text`` names, in the order in which they are asked."""
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [resolve(settings, part, role, setting) for part in parts]


def chain_name(text: str, between: str) -> str:
    """What a model or a chain is called where it is chosen.

    >>> chain_name("vllm:a, dashscope:b", ","), chain_name("fast", "|")
    ('vllm:a|dashscope:b', 'fast')
    """
    return CHAIN.join(part.strip() for part in text.split(between) if part.strip())


def shown_name(name: str) -> str:
    """A chain as people read it.

    >>> shown_name("vllm:a|dashscope:b")
    'vllm:a → dashscope:b'
    """
    return name.replace(CHAIN, " → ")


def as_chat_model(entry: str) -> str:
    """An entry of ``CHAT_MODELS`` as ``CHAT_MODEL`` has it."""
    return entry.replace(CHAIN, ",")


def split_name(text: str, setting: str) -> tuple[Provider, str]:
    """``"ollama:qwen3:0.6b"`` -> its provider and ``"qwen3:0.6b"``.

    Raises:
        SettingsError: no such provider; the known ones are listed.
    """
    name, _, model = text.partition(":")
    provider = PROVIDERS.get(name.lower())
    if provider is None:
        raise SettingsError(
            "{setting} is {text}: there is no provider {name}. Known: {known}",
            "{setting} 的值是 {text}：没有名为 {name} 的服务。可用：{known}",
            setting=setting,
            text=text,
            name=repr(name),
            known=", ".join(f"{row.name}:" for row in TABLE),
        )
    return provider, model.strip()


def _target(
    settings: Settings,
    provider: Provider,
    model: str,
    options: dict[str, Any],
    *,
    alias: str,
    setting: str,
) -> Target:
    known = settings.services
    base_url = str(options.pop("base_url", known.get(f"{provider.variable}_BASE_URL", "")))
    key = str(options.pop("api_key", known.get(f"{provider.variable}_API_KEY", "")))
    if provider.key_needed and not key:
        raise KeyMissing(
            "{setting} is {provider}:{model}, which needs a key: set {variable} in .env.",
            "{setting} 的值是 {provider}:{model}，需要密钥：请在 .env 中设置 {variable}。",
            setting=setting,
            provider=provider.name,
            model=model,
            variable=f"{provider.variable}_API_KEY",
        )
    if provider.speaks not in (OPENAI, EMBEDDED, IN_PROCESS):
        base_url = base_url.rstrip("/").removesuffix("/v1")
    return Target(
        provider,
        model,
        base_url.rstrip("/"),
        key,
        float(options.pop("timeout", settings.model_timeout)),
        int(options.pop("retries", settings.model_retries)),
        options,
        alias,
    )


def _named(settings: Settings, name: str, setting: str) -> Mapping[str, Any]:
    tables = named_models(settings)
    if name not in tables:
        raise SettingsError(
            "{setting} is {name}: write provider:model, such as local: or dashscope:qwen-plus, or "
            "one of the models named in {file} ({known}).",
            "{setting} 的值是 {name}：请写成“服务:模型”，例如 local: 或 dashscope:qwen-plus，"
            "或填写 {file} 中命名的模型（{known}）。",
            setting=setting,
            name=name,
            file=settings.models_file.name,
            known=", ".join(tables) or "-",
        )
    return tables[name]


def named_models(settings: Settings) -> dict[str, dict[str, Any]]:
    """The tables of ``MODELS_FILE``, checked: name -> ``model`` and its options.

    Raises:
        SettingsError: the file can't be read, or a table is wrong; says where and what is
            expected.
    """
    path = settings.models_file
    try:
        with path.open("rb") as file:
            tables = tomllib.load(file)
    except FileNotFoundError:
        if "MODELS_FILE" in settings.given:
            raise _bad_file(path.name, "no such file", "文件不存在") from None
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _bad_file(path.name, str(error), str(error)) from error
    for name, table in tables.items():
        _check_table(path.name, name, table)
    return tables


def _check_table(file: str, name: str, table: object) -> None:
    if not isinstance(table, dict) or ":" not in str(table.get("model", "")):
        raise _bad_file(
            file,
            f'[{name}] needs a line such as model = "vllm:qwen3-8b"',
            f'[{name}] 需要一行 model = "服务:模型"，例如 "vllm:qwen3-8b"',
        )
    for option, value in table.items():
        if option == "model":
            continue
        kind = OPTIONS.get(option)
        if kind is None:
            known = ", ".join(sorted(OPTIONS))
            raise _bad_file(
                file,
                f"[{name}] has an unknown option {option}; known: {known}",
                f"[{name}] 中有未知选项 {option}；可用：{known}",
            )
        if not kind.fits(value):
            raise _bad_file(
                file,
                f"[{name}] {option} must be {kind.en}",
                f"[{name}] 的 {option} 应为{kind.zh}",
            )


def _bad_file(file: str, en: str, zh: str) -> SettingsError:
    return SettingsError(
        "The file of named models {file} can't be used: {en}.",
        "命名模型文件 {file} 无法使用：{zh}。",
        file=file,
        en=en,
        zh=zh,
    )
