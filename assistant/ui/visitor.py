"""Who looks at a page, and in which language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from assistant.ui.texts import visitor_language

LOCAL_USER = "local"


class WebRequest(Protocol):
    """What Gradio's and FastAPI's requests have in common."""

    @property
    def headers(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Visitors:
    """Args:
    setting: ``LANGUAGE``.
    """

    setting: str

    def of(self, request: WebRequest) -> tuple[str, str]:
        """User id and language ("zh" or "en"). Without a login everyone is the local user, which
        is why the app listens on loopback only."""
        return LOCAL_USER, self.language(request)

    def language(self, request: WebRequest) -> str:
        return visitor_language(self.setting, request.headers.get("accept-language", ""))
