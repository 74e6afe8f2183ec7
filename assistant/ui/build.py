"""Joins the pages and routes into one web app."""

from __future__ import annotations

import warnings
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol

import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware

from assistant.api.library_routes import Documents
from assistant.api.programs import Programs
from assistant.page_pictures.pictures import PagePictures
from assistant.parts import Parts
from assistant.settings import ROOT
from assistant.ui.admin_page import AdminPage, build_admin_page, open_admin
from assistant.ui.chat import Chat
from assistant.ui.chat_attached import ChatFiles
from assistant.ui.chat_export import ConversationExport
from assistant.ui.chat_page import build_chat_page
from assistant.ui.chat_shared import SharedConversations
from assistant.ui.doors import add_gate, limit_gradio
from assistant.ui.guide import build_guide_page
from assistant.ui.head import Heads
from assistant.ui.jobs import Jobs
from assistant.ui.library import add_sample_once
from assistant.ui.library_handlers import (
    DocumentFlow,
    LibraryHandlers,
    LibraryParts,
    library_handlers,
)
from assistant.ui.library_page import build_library_page
from assistant.ui.light_sessions import lighten_sessions
from assistant.ui.memory import MemoryPage
from assistant.ui.memory_clicks import MemoryClicks
from assistant.ui.memory_export import MemoryExport
from assistant.ui.memory_overview import Keeping
from assistant.ui.memory_page import build_memory_page
from assistant.ui.operating import Operating, open_operating
from assistant.ui.page_texts import PageTexts
from assistant.ui.quick_blocks import QuickBlocks
from assistant.ui.security import SecurityHeaders
from assistant.ui.shell import Shell
from assistant.ui.sources import SourcePages
from assistant.ui.status_page import build_status_page
from assistant.ui.streams import SafeStreams
from assistant.ui.theme import STYLES, theme
from assistant.ui.uploads import HOURLY_SECONDS, UPLOAD_SECONDS
from assistant.ui.visitor import Visitors
from assistant.users.access import Access
from assistant.users.audit import Audit

SAMPLE = ROOT / "data" / "sample"
TITLE = "知识库助手 · Knowledge Assistant"
#: Nothing here is an interface for programs.
NO_DOCS: dict[str, Any] = {"docs_url": None, "redoc_url": None, "openapi_url": None}


class Flow(DocumentFlow, Documents, Protocol):
    """All that the pages and the interfaces use of the document flow."""


def build_app(parts: Parts, library: Flow) -> FastAPI:
    """The web app over ``parts``. What runs behind the pages (Redis, the sample at the first
    start) begins here; the app's shutdown ends it."""
    audit = Audit(parts.settings.log_dir)
    access = Access(parts.settings, audit)
    visitors = Visitors(parts.settings.language, is_open=access.way.is_open)
    operating, jobs = open_operating(parts, visitors), Jobs()
    chat = Chat(parts, visitors, can_share=parts.settings.share)
    files = ChatFiles(parts, library, visitors, chat)
    demo = build_pages(
        chat,
        files,
        operating,
        library=_library_handlers(parts, library, jobs, visitors, audit),
        memory=_memory_page(parts, visitors),
        clicks=MemoryClicks(parts.long_term, parts.turns, visitors),
        admin=open_admin(parts, access, visitors),
    )
    programs = Programs(parts, library, jobs, visitors, audit)
    pictures = PagePictures(parts.knowledge)
    closing = _closing(
        files.close, pictures.close, chat.close, operating.close, jobs.close, programs.close
    )
    app = FastAPI(title=TITLE, lifespan=closing, **NO_DOCS)
    programs.add_routes(app)
    app.include_router(operating.heads.router())
    app.include_router(SourcePages(parts.knowledge, visitors, pictures).router())
    app.include_router(MemoryExport(parts.long_term, visitors).router())
    app.include_router(ConversationExport(parts.long_term, visitors).router())
    if parts.settings.share:
        app.include_router(SharedConversations(parts.long_term, visitors).router())
    app.add_middleware(SafeStreams)
    add_gate(app, access, visitors, parts.settings)
    app.add_middleware(SecurityHeaders)
    programs.add_request_log(app)
    operating.start()
    chat.start()
    files.start()
    pictures.start()
    marker = parts.settings.data_dir / "sample-added"
    parts.conversation.arrivals.ask(jobs.works_on)
    add_sample_once(SAMPLE, marker, parts.knowledge, jobs, library)
    mounted = _mount(app, demo, parts, operating.heads)
    limit_gradio(mounted, [f"/{page[0]}" for page in demo.pages], visitors, parts.settings)
    return mounted


def _library_handlers(
    parts: Parts, flow: DocumentFlow, jobs: Jobs, visitors: Visitors, audit: Audit
) -> LibraryHandlers:
    return library_handlers(
        LibraryParts(
            flow=flow,
            knowledge=parts.knowledge,
            embeddings=parts.embeddings,
            retriever=parts.conversation.answerer.retriever,
            jobs=jobs,
            visitors=visitors,
            audit=audit,
            sample=SAMPLE,
            uploads=parts.settings.upload_dir,
            largest_file=parts.settings.max_file_mb * 2**20,
        )
    )


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
    files: ChatFiles,
    operating: Operating,
    *,
    library: LibraryHandlers,
    memory: MemoryPage,
    clicks: MemoryClicks,
    admin: AdminPage,
) -> gr.Blocks:
    i18n = PageTexts()
    clearing = (HOURLY_SECONDS, UPLOAD_SECONDS)  # of uploads that nobody took
    with QuickBlocks(
        title=TITLE, analytics_enabled=False, fill_height=True, delete_cache=clearing
    ) as demo:
        build_chat_page(demo, chat, files, i18n)
    with demo.route("knowledge", "/knowledge", show_in_navbar=False):
        build_library_page(demo, library, i18n)
    with demo.route("memory", "/memory", show_in_navbar=False):
        build_memory_page(demo, memory, clicks, i18n)
    with demo.route("status", "/status", show_in_navbar=False):
        build_status_page(demo, operating.page, i18n)
    with demo.route("admin", "/admin", show_in_navbar=False):
        build_admin_page(demo, admin, i18n)
    with demo.route("guide", "/guide", show_in_navbar=False):
        build_guide_page(demo, operating.guide)
    demo.queue(default_concurrency_limit=None)
    demo.i18n_instance = i18n.asked_for()
    built: gr.Blocks = demo
    return built


def _mount(app: FastAPI, demo: gr.Blocks, parts: Parts, heads: Heads) -> FastAPI:
    with warnings.catch_warnings():
        # Said of every app with several pages, also where server-side rendering is off.
        warnings.filterwarnings("ignore", "SSR mode is not supported", UserWarning)
        mounted: FastAPI = gr.mount_gradio_app(
            app,
            demo,
            path="/",
            server_name=parts.settings.host,
            server_port=parts.settings.port,
            app_kwargs={**NO_DOCS, "middleware": [Middleware(Shell, framing=heads.frame)]},
            footer_links=[],
            run_history=False,
            max_file_size=f"{parts.settings.max_file_mb}mb",
            show_error=False,
            ssr_mode=False,
            enable_monitoring=False,
            theme=theme(),
            css_paths=STYLES,
        )
    lighten_sessions(mounted, demo)
    return mounted
