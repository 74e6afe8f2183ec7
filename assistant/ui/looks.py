"""What a visitor chose of a page's looks, kept in cookies: language, and light or dark."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from starlette.requests import cookie_parser

SCHEMES = ("auto", "light", "dark")
#: Variables of colours, for pages that bring their own style.
TOKENS = Path(__file__).with_name("tokens.css")


def cookies_of(headers: Mapping[str, str]) -> dict[str, str]:
    """The cookies of a request, whatever else stands among them.

    >>> cookies_of({"cookie": "theme=dark; language=zh"})
    {'theme': 'dark', 'language': 'zh'}
    """
    return cookie_parser(headers.get("cookie", ""))


def scheme(cookies: Mapping[str, str]) -> str:
    """ "light" or "dark" as chosen; "auto": as the system has it."""
    chosen = cookies.get("theme", "")
    return chosen if chosen in SCHEMES else "auto"


def root_attributes(language: str, cookies: Mapping[str, str]) -> str:
    """The attributes of a page's ``<html>``.

    ``data-theme`` stands there only where it is known: the style of a page without scripts goes by
    the system otherwise.

    >>> root_attributes("zh", {"theme": "dark"})
    'lang="zh-CN" data-choice="dark" data-theme="dark"'
    """
    choice = scheme(cookies)
    tag = "zh-CN" if language == "zh" else "en"
    known = f' data-theme="{choice}"' if choice != "auto" else ""
    return f'lang="{tag}" data-choice="{choice}"{known}'
