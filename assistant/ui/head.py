"""The head of all pages: links, the state of what runs behind them, and the visitor's choices."""

from __future__ import annotations

import html
from collections.abc import Mapping
from dataclasses import dataclass, field

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse

from assistant.ui.looks import SCHEMES, cookies_of, scheme
from assistant.ui.shell import Frame
from assistant.ui.status import State, Status
from assistant.ui.texts import LANGUAGES, text
from assistant.ui.visitor import Visitors
from assistant.users.identity import LOCAL, Identity, Role

LONGEST_CHIP = 40  # characters; a longer state is a message of its own
PAGES = (("chat", "/"), ("knowledge", "/knowledge"), ("memories", "/memory"), ("status", "/status"))
#: For administrators alone; for others no link leads there, and it shows nothing.
ADMIN_PAGES = (("admin", "/admin"),)
#: Pages that no link of the head leads to.
MORE = (("guide", "/guide"),)
GUIDE_COOKIE = "guide"
#: What the page's script says: name of the data attribute -> key.
SCRIPT_TEXTS = {
    "app": "app",
    "away": "app_away",
    "failed": "app_failed",
    "broken": "upload_broken",
    "ended": "login_ended",
    "login": "login_again",
}
SCHEME_TEXTS = dict(zip(SCHEMES, ("scheme_auto", "scheme_light", "scheme_dark"), strict=True))
ROLE_TEXTS = {Role.READER: "role_reader", Role.EDITOR: "role_editor", Role.ADMIN: "role_admin"}
_GEAR = (
    '<svg viewBox="0 0 20 20" aria-hidden="true"><path d="M3 6h8M15 6h2M3 14h2M9 14h8"/>'
    '<circle cx="13" cy="6" r="2"/><circle cx="7" cy="14" r="2"/></svg>'
)


@dataclass(frozen=True)
class Looker:
    """Who looks at a page, and what they chose."""

    language: str
    identity: Identity = LOCAL
    cookies: Mapping[str, str] = field(default_factory=dict)


class Heads:
    """The frames of the pages, and the route that keeps their states current."""

    def __init__(self, status: Status, visitors: Visitors) -> None:
        self._status = status
        self._visitors = visitors

    def frame(self, request: Request) -> Frame:
        looker = self._looker(request)
        page = page_at(request.url.path)
        states = self._status.states(looker.language)
        name, app = text(page, looker.language), text("app", looker.language)
        return Frame(looker.language, f"{name} · {app}", header_html(page, states, looker))

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route("/head", self.current, methods=["GET"])
        return router

    async def current(self, request: Request) -> JSONResponse:
        """The states as they are now; the parts are looked at, at most every some seconds."""
        language = self._looker(request).language
        self._status.watch()
        states = self._status.states(language)
        answer = {
            "states": chips(states, language),
            "notices": notices(states),
            "ready": self._status.is_ready,
        }
        return JSONResponse(answer, headers={"Cache-Control": "no-store"})

    def _looker(self, request: Request) -> Looker:
        identity = self._visitors.identity(request)
        language = self._visitors.language(request)
        return Looker(language, identity, cookies_of(request.headers))


def page_at(path: str) -> str:
    """The key of the page at ``path``; of the chat for an unknown one."""
    wanted = path.rstrip("/") or "/"
    return next((key for key, place in (*PAGES, *ADMIN_PAGES, *MORE) if place == wanted), "chat")


def header_html(page: str, states: list[State], looker: Looker) -> str:
    """The head of ``page``, a key of :data:`PAGES`, :data:`ADMIN_PAGES` or :data:`MORE`."""
    language = looker.language
    links = "".join(
        f'<a href="{path}"{" aria-current=page" if key == page else ""}>{text(key, language)}</a>'
        for key, path in (*PAGES, *(ADMIN_PAGES if looker.identity.role >= Role.ADMIN else ()))
    )
    ready = str(all(state.is_ready for state in states)).lower()
    said = "".join(
        f' data-{name}="{html.escape(text(key, language))}"' for name, key in SCRIPT_TEXTS.items()
    )
    return (
        f'<div id="head" data-ready="{ready}"{said}>'
        f'<a class="skip" href="#content">{text("skip", language)}</a>'
        f'<header class="top"><a class="brand" href="/">'
        f'<span class="logo" aria-hidden="true">知</span>{text("app", language)}</a>'
        f'<nav aria-label="{text("pages", language)}">{links}</nav>'
        f'<div class="states" role="status">{chips(states, language)}</div>'
        f"{_tools(looker)}</header>"
        f'<div id="notices"><div class="states-notices">{notices(states)}</div>'
        f"{_hello(page, looker)}</div></div>"
        '<span id="content" tabindex="-1"></span>'
    )


def _tools(looker: Looker) -> str:
    """The other language, and a panel with every choice and the user."""
    language = looker.language
    [other] = [one for one in LANGUAGES if one != language]
    tag = "zh-CN" if other == "zh" else "en"
    name = html.escape(looker.identity.user) if looker.identity.way != LOCAL.way else ""
    shown = f"<b>{name}</b>" if name else ""
    label = html.escape(text("choices", language))
    return (
        f'<div class="tools"><button type="button" data-language="{other}" lang="{tag}">'
        f"{text('language_name', other)}</button>"
        f'<details><summary aria-label="{f"{name} · " if name else ""}{label}">{_GEAR}{shown}'
        f'</summary><div class="panel">{_user(looker)}{_languages(language)}'
        f"{_schemes(looker)}"
        f'<a href="/guide">{text("guide", language)}</a></div></details></div>'
    )


def _languages(language: str) -> str:
    buttons = "".join(
        f'<button type="button" data-language="{one}" lang="{"zh-CN" if one == "zh" else "en"}" '
        f'aria-pressed="{str(one == language).lower()}">{text("language_name", one)}</button>'
        for one in LANGUAGES
    )
    return f'<div role="group" aria-label="{text("language", language)}">{buttons}</div>'


def _schemes(looker: Looker) -> str:
    chosen = scheme(looker.cookies)
    buttons = "".join(
        f'<button type="button" data-theme-choice="{one}" '
        f'aria-pressed="{str(one == chosen).lower()}">'
        f"{text(SCHEME_TEXTS[one], looker.language)}</button>"
        for one in SCHEMES
    )
    return f'<div role="group" aria-label="{text("scheme", looker.language)}">{buttons}</div>'


def _user(looker: Looker) -> str:
    identity, language = looker.identity, looker.language
    if identity.way == LOCAL.way:
        return ""
    role = text(ROLE_TEXTS[identity.role], language)
    who = f'<p class="who"><strong>{html.escape(identity.user)}</strong> · {role}</p>'
    own = f'<a href="/account">{text("account", language)}</a>'
    if identity.way not in ("session", "oidc"):
        return f"<div>{who}{own if identity.way == 'proxy' else ''}</div>"
    return (
        f'<div>{who}<form method="post" action="/logout">'
        f'<button type="submit">{text("log_out", language)}</button></form>{own}</div>'
    )


def _hello(page: str, looker: Looker) -> str:
    """A line that leads to the guide, until it was opened or sent away."""
    if page == "guide" or looker.cookies.get(GUIDE_COOKIE):
        return ""
    language = looker.language
    return (
        f'<div class="hello"><span>{text("hello", language)}</span>'
        f'<a href="/guide" data-seen="{GUIDE_COOKIE}">{text("hello_open", language)}</a>'
        f'<button type="button" data-seen="{GUIDE_COOKIE}">{text("hello_close", language)}'
        "</button></div>"
    )


def chips(states: list[State], language: str) -> str:
    """The states in brief, each leading to the status page."""
    if all(state.is_ready for state in states):
        return f'<a class="chip good" href="/status">{text("all_ready", language)}</a>'
    return "".join(
        f'<a class="chip {"good" if state.is_ready else "wait"}" href="/status">'
        f"{html.escape(state.label)}: {html.escape(_brief(state, language))}</a>"
        for state in states
    )


def _brief(state: State, language: str) -> str:
    return text("job_failed", language) if _is_message(state) else state.text


def notices(states: list[State]) -> str:
    """What is amiss, in full."""
    return "".join(
        f'<div class="banner" role="alert"><strong>{html.escape(state.label)}</strong> '
        f"<span>{html.escape(state.text)}</span></div>"
        for state in states
        if _is_message(state)
    )


def _is_message(state: State) -> bool:
    return not state.is_ready and (len(state.text) > LONGEST_CHIP or "\n" in state.text)
