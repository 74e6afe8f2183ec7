"""How the text of a setting becomes a value: one reader for each kind.

A reader raises ``ValueError(expected, expected in Chinese)`` where the text can't be used.
"""

from __future__ import annotations

import ipaddress
import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).resolve().parent.parent

Reader = Callable[[str], object]


def text(value: str) -> str:
    return value


def path(value: str) -> Path:
    return (ROOT / Path(value).expanduser()).resolve()


def models_path(value: str) -> Path:
    if value:
        return path(value)
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "conversational-rag" / "models"


def integer(low: int, high: int) -> Callable[[str], int]:
    def parse(value: str) -> int:
        if not value.lstrip("-").isdigit() or not low <= int(value) <= high:
            raise ValueError(f"a whole number from {low} to {high}", f"{low} 到 {high} 之间的整数")
        return int(value)

    return parse


def decimal(low: float, high: float) -> Callable[[str], float]:
    def parse(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = float("nan")
        if not low <= number <= high:
            raise ValueError(f"a number from {low:g} to {high:g}", f"{low:g} 到 {high:g} 之间的数")
        return number

    return parse


def choice(*names: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value not in names:
            raise ValueError("one of " + ", ".join(names), "以下之一：" + "、".join(names))
        return value

    return parse


def several(*names: str) -> Callable[[str], tuple[str, ...]]:
    def parse(value: str) -> tuple[str, ...]:
        items = tuple(item.strip() for item in value.split(",") if item.strip())
        if not items or not set(items) <= set(names):
            raise ValueError(
                "a comma-separated list out of " + ", ".join(names),
                "用逗号分隔的列表，可选：" + "、".join(names),
            )
        return items

    return parse


def listed(value: str) -> tuple[str, ...]:
    """What stands between commas."""
    return tuple(item.strip() for item in value.split(",") if item.strip())


def url(*schemes: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        if value and (urlsplit(value).scheme not in schemes or len(value.split("://")[1]) == 0):
            forms = ", ".join(f"{scheme}://..." for scheme in schemes)
            raise ValueError(f"empty or a URL like {forms}", f"留空或形如 {forms} 的地址")
        return value.rstrip("/")

    return parse


def networks(value: str) -> tuple[str, ...]:
    items = tuple(item.strip() for item in value.split(",") if item.strip())
    try:
        return tuple(str(ipaddress.ip_network(item)) for item in items)
    except ValueError as error:
        raise ValueError(
            "empty or addresses and networks like 127.0.0.1,10.0.0.0/8",
            "留空或形如 127.0.0.1,10.0.0.0/8 的地址和网段",
        ) from error


def header(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]*", value):
        raise ValueError(
            "empty or the name of a header like X-Forwarded-User",
            "留空或形如 X-Forwarded-User 的请求头名称",
        )
    return value.lower()


def switch(value: str) -> bool:
    words = {"on": True, "true": True, "1": True, "off": False, "false": False, "0": False}
    if value.lower() not in words:
        raise ValueError("on or off", "on 或 off")
    return words[value.lower()]


def json_object(value: str) -> dict[str, object]:
    try:
        found = json.loads(value)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise ValueError(
            'a JSON object such as {"key": "value"}', 'JSON 对象，例如 {"key": "value"}'
        )
    return found


def optional(read: Reader) -> Reader:
    """A setting that may be left empty: None then."""

    def parse(value: str) -> object:
        return read(value) if value else None

    return parse
