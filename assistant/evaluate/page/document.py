"""The file: one page without script, that asks for nothing from anywhere."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from pathlib import Path
from typing import Any

from assistant.evaluate.page.sections import SECTIONS
from assistant.evaluate.page.words import words

STYLE = Path(__file__).with_name("style.css")
# Whatever a question or a passage holds, the page neither runs nor fetches anything.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_RUN = ("made", "chat_model", "rewrite_model", "embedding_model", "rerank_model")


def html_page(result: Mapping[str, Any], language: str) -> str:
    """A result of any command.

    Args:
        result: with ``set``, ``n`` and ``rows``; perhaps ``run``, ``curves`` and ``details``.
        language: "zh" or "en".
    """
    told = words(language)
    title = f"{told['title']}: {result['set']}"
    body = "".join(section(result, told) for section in SECTIONS)
    facts = "".join(
        f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in _facts(result, told)
    )
    return (
        f'<!doctype html>\n<html lang="{"zh-CN" if language == "zh" else "en"}">\n<head>\n'
        '<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>\n{STYLE.read_text('utf-8')}</style>\n</head>\n"
        f"<body>\n<h1>{escape(title)}</h1>\n<dl>{facts}</dl>\n{body}\n</body>\n</html>\n"
    )


def _facts(result: Mapping[str, Any], told: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in ("command", "n"):
        if result.get(name) is not None:
            yield told[name], str(result[name])
    for name in ("a", "b"):
        if name in result:
            yield name.upper(), str(result[name]["file"])
    run: Mapping[str, Any] = result.get("run") or {}
    for name in _RUN:
        if run.get(name):
            yield told[name], str(run[name])
