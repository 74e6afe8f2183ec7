"""Puts the gate, the login and the limits of Gradio's routes around the app."""

from __future__ import annotations

from collections.abc import Iterable

from fastapi import FastAPI
from starlette.routing import Mount

from assistant.settings import Settings
from assistant.ui.account import AccountPages
from assistant.ui.gate import Gate
from assistant.ui.gradio_routes import GradioRoutes
from assistant.ui.login import LoginPages
from assistant.ui.login_service import LoginService
from assistant.ui.uploads import UploadLimits, upload_folder
from assistant.ui.visitor import Visitors
from assistant.users.access import Access
from assistant.users.oidc import Oidc
from assistant.users.ways import Way

#: Files of one upload, and how many of the largest size they may be together.
UPLOAD_FILES, UPLOAD_LARGEST = 1000, 20


def add_gate(app: FastAPI, access: Access, visitors: Visitors, settings: Settings) -> None:
    """Login, account and the gate. To be called after all middleware that answers for routes."""
    if access.way is not Way.PROXY:
        app.include_router(LoginPages(access, visitors).router())
    if access.way is Way.OIDC:
        app.include_router(LoginService(access, visitors, Oidc(settings)).router())
    if not access.way.is_open:
        app.include_router(AccountPages(access, visitors).router())
    app.add_middleware(Gate, access=access, visitors=visitors, host=settings.host)


def limit_gradio(
    app: FastAPI, pages: Iterable[str], visitors: Visitors, settings: Settings
) -> None:
    """Let through to the mounted Gradio app what ``pages`` need."""
    limits = UploadLimits(
        upload_folder(settings), UPLOAD_FILES, UPLOAD_LARGEST * settings.max_file_mb
    )
    [mount] = [route for route in app.routes if isinstance(route, Mount)]
    mount.app = GradioRoutes(mount.app, pages, visitors, limits)
