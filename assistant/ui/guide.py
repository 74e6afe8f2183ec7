"""The guide: what runs where, how to add documents, and what makes the answers better."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

import gradio as gr

from assistant.parts import Parts
from assistant.ui.guide_facts import Part, is_small, parts_of
from assistant.ui.library_rendering import size_text
from assistant.ui.model_checks import ModelChecks
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors
from assistant.ui.wiring import PRIVATE
from assistant.users.identity import Role

#: What each way is called, and what it takes in ``.env``.
WAYS = (
    ("guide_way_gguf", "CHAT_MODEL=local:/path/to/qwen2.5-7b-instruct-q4_k_m.gguf"),
    ("guide_way_ollama", "CHAT_MODEL=ollama:qwen3:8b"),
    ("guide_way_vllm", "CHAT_MODEL=vllm:qwen3-8b\nVLLM_BASE_URL=http://gpu-box:6006/v1"),
    ("guide_way_dashscope", "CHAT_MODEL=dashscope:qwen-plus\nDASHSCOPE_API_KEY=sk-..."),
    ("guide_way_deepseek", "CHAT_MODEL=deepseek:deepseek-chat\nDEEPSEEK_API_KEY=sk-..."),
    (
        "guide_way_openai",
        "CHAT_MODEL=openai:gpt-4.1-mini\nOPENAI_BASE_URL=https://.../v1\nOPENAI_API_KEY=sk-...",
    ),
    ("guide_way_rerank", "RERANK_MODEL=dashscope:qwen3-rerank"),
)
STEPS = (
    ("guide_step_add", "guide_step_add_more"),
    ("guide_step_ask", "guide_step_ask_more"),
    ("guide_step_check", "guide_step_check_more"),
)
#: Of the table of what runs where.
HEADS = (
    "guide_runs_part",
    "guide_runs_what",
    "guide_runs_where",
    "guide_runs_size",
    "guide_runs_speed",
)
_LINK = re.compile(r"\[([^\]]+)\]\((/\w*)\)")


@dataclass(frozen=True)
class GuidePage:
    """Administrators see what to set as well."""

    parts: Parts
    checks: ModelChecks
    visitors: Visitors

    def show(self, request: gr.Request) -> str:
        language = self.visitors.language(request)
        is_admin = self.visitors.identity(request).role >= Role.ADMIN
        rows = parts_of(self.parts, self.checks.last, language)
        return guide_html(rows, language, is_admin=is_admin, small=is_small(self.parts))


def build_guide_page(demo: gr.Blocks, page: GuidePage) -> None:
    """Lay the page out inside the running Blocks context and wire it."""
    with gr.Column(elem_id="guide-page"):
        whole = gr.HTML(elem_id="guide", padding=False)
    demo.load(page.show, None, whole, **PRIVATE)


def guide_html(rows: list[Part], language: str, *, is_admin: bool, small: bool) -> str:
    steps = "".join(
        f"<li><h3>{text(key, language)}</h3><p>{linked(text(more, language))}</p></li>"
        for key, more in STEPS
    )
    better = _better(language, small=small) if is_admin else _reader(language)
    return (
        f"<section class='lead'><h1>{text('guide_title', language)}</h1>"
        f"<p>{text('guide_lead', language)}</p></section>"
        f"<section><h2>{text('guide_steps', language)}</h2><ol class='steps'>{steps}</ol></section>"
        f"{_runs(rows, language)}{better}"
        f"<section><h2>{text('guide_more', language)}</h2>"
        f"<p>{text('guide_more_keys', language)}</p></section>"
        f"<p class='done'><a class='go' href='/' data-seen='guide'>{text('guide_done', language)}"
        "</a></p>"
    )


def linked(told: str) -> str:
    """A text of ours with its links to pages as HTML."""
    return _LINK.sub(r'<a href="\2">\1</a>', html.escape(told))


def _runs(rows: list[Part], language: str) -> str:
    named = "".join(f'<th scope="col">{text(key, language)}</th>' for key in HEADS)
    listed = "".join(_run(row, language) for row in rows)
    title = text("guide_runs", language)
    return (
        f'<section><h2>{title}</h2><div class="scrolls" tabindex="0" role="region" '
        f'aria-label="{title}"><table><thead><tr>{named}</tr></thead><tbody>{listed}</tbody>'
        "</table></div></section>"
    )


def _run(row: Part, language: str) -> str:
    where = text("guide_here", language)
    if row.host:
        where = text("guide_at", language, host=row.host)
        if row.sent:
            where = f"{where} ({text(row.sent, language)})"
    size = size_text(row.size) if row.size else "–"
    measured = row.key in ("model_chat", "model_embedding")
    speed = row.speed or (text("guide_not_measured", language) if measured else "–")
    told = zip(HEADS[1:], (row.what, where, size, speed), strict=True)
    cells = "".join(
        f'<td data-name="{text(key, language)}">{html.escape(value)}</td>' for key, value in told
    )
    return f'<tr><th scope="row">{text(row.key, language)}</th>{cells}</tr>'


def _better(language: str, *, small: bool) -> str:
    told = f"<p>{text('guide_better_small', language)}</p>" if small else ""
    ways = "".join(
        f"<li><h3>{text(key, language)}</h3><pre tabindex='0'><code>{html.escape(lines)}</code>"
        "</pre></li>"
        for key, lines in WAYS
    )
    return (
        f"<section><h2>{text('guide_better', language)}</h2>{told}"
        f"<p>{linked(text('guide_better_how', language))}</p><ul class='ways'>{ways}</ul>"
        f"<p class='hint'>{text('guide_keys', language)}</p></section>"
    )


def _reader(language: str) -> str:
    return f"<section><p>{text('guide_reader', language)}</p></section>"
