"""Who looks at a page, in which language, and what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from assistant.ui.looks import cookies_of
from assistant.ui.texts import LANGUAGES, visitor_language
from assistant.users.identity import LOCAL, Identity, LoginRequired, Role, require

LOCAL_USER = LOCAL.user


class WebRequest(Protocol):
    """What Gradio's and FastAPI's requests have in common. Both also have the ``state`` into
    which the gate put the identity."""

    @property
    def headers(self) -> Mapping[str, str]: ...


@dataclass(frozen=True)
class Visitors:
    """Args:
    setting: ``LANGUAGE``.
    is_open: nobody logs in, so whoever asks is the local user. Else a request that did not come
        through the gate is nobody's.
    """

    setting: str
    is_open: bool = True

    def of(self, request: WebRequest) -> tuple[str, str]:
        """User id and language ("zh" or "en").

        Raises:
            LoginRequired: nobody is logged in.
        """
        return self.identity(request).user, self.language(request)

    def identity(self, request: WebRequest) -> Identity:
        """Who asks; the local user where there is no login.

        Raises:
            LoginRequired: nobody is logged in.
        """
        found = getattr(getattr(request, "state", None), "identity", None)
        if isinstance(found, Identity):
            return found
        if self.is_open:
            return LOCAL
        raise LoginRequired

    def require(self, request: WebRequest, role: Role) -> Identity:
        """Who asks, if they may do what ``role`` may.

        Raises:
            AccessDenied: they may not.
            LoginRequired: nobody is logged in.
        """
        found = self.identity(request)
        require(found, role)
        return found

    def language(self, request: WebRequest) -> str:
        """ "zh" or "en": what was chosen on a page, else as the setting or the browser has it."""
        chosen = cookies_of(request.headers).get("language", "")
        if chosen in LANGUAGES:
            return chosen
        return visitor_language(self.setting, request.headers.get("accept-language", ""))
