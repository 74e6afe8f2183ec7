"""Small pages of our own, outside of Gradio: no script, nothing from elsewhere, one column."""

from __future__ import annotations

import base64
import hashlib
import html
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from starlette.responses import HTMLResponse

from assistant.ui.looks import root_attributes

_STYLE = Path(__file__).with_name("plain.css")


def plain_page(
    title: str,
    body: str,
    language: str,
    *,
    cookies: Mapping[str, str] | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> HTMLResponse:
    """A page whose ``body`` is safe as HTML. Of styles only its own is applied, its forms go back
    here, and no other page may frame it."""
    style, policy = _style()
    content = (
        f"<!doctype html><html {root_attributes(language, cookies or {})}><head>"
        '<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{style}</style></head>"
        f"<body><main>{body}</main></body></html>"
    )
    fixed = {"Content-Security-Policy": policy, "Cache-Control": "no-store"}
    return HTMLResponse(content, status, {**fixed, **(headers or {})})


def said(kind: str, words: str) -> str:
    """A message in a page's body: "good" or "bad" news."""
    return f'<p class="said {kind}" role="alert">{html.escape(words)}</p>'


@cache
def _style() -> tuple[str, str]:
    """The style, and the policy that allows it alone."""
    style = _STYLE.read_text("utf-8")
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    return style, policy
