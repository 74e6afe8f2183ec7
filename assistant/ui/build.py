"""Joins the pages and routes into one web app."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import gradio as gr
from fastapi import FastAPI

from assistant.parts import Parts
from assistant.settings import ROOT
from assistant.ui.chat import Chat
from assistant.ui.chat_page import build_chat_page
from assistant.ui.followed import FollowedPage, Following
from assistant.ui.jobs import Jobs
from assistant.ui.library import Library, LibraryPage, add_sample_once
from assistant.ui.library_page import build_library_page
from assistant.ui.library_preview import Previewer, PreviewPage
from assistant.ui.memory import MemoryPage
from assistant.ui.memory_clicks import MemoryClicks
from assistant.ui.memory_export import MemoryExport
from assistant.ui.memory_overview import Keeping
from assistant.ui.memory_page import build_memory_page
from assistant.ui.security import SecurityHeaders
from assistant.ui.sources import SourcePages
from assistant.ui.status import Status, header_html
from assistant.ui.streams import SafeStreams
from assistant.ui.texts import LANGUAGES, table
from assistant.ui.theme import STYLE, theme
from assistant.ui.visitor import Visitors
from assistant.ui.wiring import PRIVATE

SAMPLE = ROOT / "data" / "sample"
TITLE = "知识库助手 · Knowledge Assistant"
STATUS_SECONDS = 1.0
#: Nothing here is an interface for programs.
NO_DOCS: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}


class DocumentFlow(Library, Following, Previewer, Protocol):
    """All that the pages use of the document flow."""


def build_app(parts: Parts, library: DocumentFlow) -> FastAPI:
    """The web app over ``parts``. What runs behind the pages (Redis, the sample at the first
    start) begins here; the app's shutdown ends it."""
    visitors = Visitors(parts.settings.language)
    status, jobs = Status(parts.chat, parts.long_term), Jobs()
    followed = FollowedPage(library, jobs, visitors)
    pages = LibraryPage(library, parts.knowledge, jobs, visitors, followed=followed, sample=SAMPLE)
    preview = PreviewPage(library, visitors)
    chat = Chat(parts, visitors)
    demo = build_pages(
        chat,
        status,
        visitors,
        library=pages,
        followed=followed,
        preview=preview,
        memory=_memory_page(parts, visitors),
        clicks=MemoryClicks(parts.long_term, parts.turns, visitors),
    )
    app = FastAPI(title=TITLE, lifespan=_closing(chat.close, status.close, jobs.close), **NO_DOCS)
    app.include_router(SourcePages(parts.knowledge, visitors).router())
    app.include_router(MemoryExport(parts.long_term, visitors).router())
    app.add_middleware(SecurityHeaders)
    app.add_middleware(SafeStreams)
    status.start()
    marker = parts.settings.data_dir / "sample-added"
    add_sample_once(SAMPLE, marker, parts.knowledge, jobs, library)
    return _mount(app, demo, parts)


def _memory_page(parts: Parts, visitors: Visitors) -> MemoryPage:
    settings = parts.settings
    keeping = Keeping(
        is_embedded=not settings.redis_url,
        days=settings.memory_days,
        turns=settings.memory_turns,
        facts=settings.memory_facts,
    )
    return MemoryPage(parts.long_term, parts.embeddings.embed_questions, visitors, keeping)


def _closing(
    *closers: Callable[[], None],
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        for close in closers:
            close()

    return lifespan


def build_pages(
    chat: Chat,
    status: Status,
    visitors: Visitors,
    *,
    library: LibraryPage,
    followed: FollowedPage,
    preview: PreviewPage,
    memory: MemoryPage,
    clicks: MemoryClicks,
) -> gr.Blocks:
    i18n = translations(visitors.setting)
    with gr.Blocks(title=TITLE, analytics_enabled=False, fill_height=True) as demo:
        _header(demo, "chat", status, visitors)
        build_chat_page(demo, chat, i18n)
    with demo.route("knowledge", "/knowledge", show_in_navbar=False):
        _header(demo, "knowledge", status, visitors)
        build_library_page(demo, library, followed, preview, i18n)
    with demo.route("memory", "/memory", show_in_navbar=False):
        _header(demo, "memories", status, visitors)
        build_memory_page(demo, memory, clicks, i18n)
    demo.queue(default_concurrency_limit=None)
    built: gr.Blocks = demo
    return built


def translations(setting: str) -> gr.I18n:
    """All texts for the browser, which chooses by its own language where ``LANGUAGE`` is auto."""
    chosen = {own: setting if setting in LANGUAGES else own for own in LANGUAGES}
    return gr.I18n(**{own: table(language) for own, language in chosen.items()})


def _header(demo: gr.Blocks, page: str, status: Status, visitors: Visitors) -> None:
    """The head of a page; it asks for the parts' state until all are ready."""
    header = gr.HTML(elem_id="header", padding=False)
    timer = gr.Timer(STATUS_SECONDS)

    def refresh(request: gr.Request) -> tuple[str, Any]:
        language = visitors.language(request)
        html = header_html(page, language, status.states(language))
        return html, gr.Timer(active=not status.is_ready)

    timer.tick(refresh, None, [header, timer], **PRIVATE)
    demo.load(refresh, None, [header, timer], **PRIVATE)


def _mount(app: FastAPI, demo: gr.Blocks, parts: Parts) -> FastAPI:
    with warnings.catch_warnings():
        # Said of every app with several pages, also where server-side rendering is off.
        warnings.filterwarnings("ignore", "SSR mode is not supported", UserWarning)
        mounted: FastAPI = gr.mount_gradio_app(
            app,
            demo,
            path="/",
            server_name=parts.settings.host,
            server_port=parts.settings.port,
            app_kwargs=NO_DOCS,
            footer_links=[],
            run_history=False,
            max_file_size=f"{parts.settings.max_file_mb}mb",
            show_error=False,
            ssr_mode=False,
            enable_monitoring=False,
            i18n=translations(parts.settings.language),
            theme=theme(),
            css_paths=STYLE,
        )
    return mounted
