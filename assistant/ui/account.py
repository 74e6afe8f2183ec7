"""A user's own page: another password, and keys for programs."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from assistant.errors import AssistantError
from assistant.ui.login import with_session
from assistant.ui.looks import cookies_of
from assistant.ui.plain_page import plain_page, said
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors
from assistant.users import keys
from assistant.users.access import Access
from assistant.users.accounts import Account, Key
from assistant.users.identity import Identity
from assistant.users.refused import Missing

ACCOUNT = "/account"
FIELDS = (("old", "account_old"), ("new", "account_new"), ("again", "account_again"))
Field = Annotated[str, Form()]


@dataclass(frozen=True)
class AccountPages:
    """The handlers of the routes."""

    access: Access
    visitors: Visitors

    def router(self) -> APIRouter:
        router = APIRouter()
        router.add_api_route(ACCOUNT, self.show, methods=["GET"])
        router.add_api_route(f"{ACCOUNT}/password", self.change_password, methods=["POST"])
        router.add_api_route(f"{ACCOUNT}/keys", self.add_key, methods=["POST"])
        router.add_api_route(f"{ACCOUNT}/keys/end", self.end_key, methods=["POST"])
        return router

    def show(self, request: Request, changed: str = "") -> Response:
        language = self.visitors.language(request)
        words = said("good", text("account_changed", language)) if changed else ""
        return self._page(request, words)

    def change_password(
        self, request: Request, old: Field = "", new: Field = "", again: Field = ""
    ) -> Response:
        identity, language = self._session(request), self.visitors.language(request)
        if identity is None:
            return self._gone(request)
        if new != again:
            words = said("bad", text("account_differ", language))
            return self._page(request, words, status=422)
        try:
            token = self.access.change_password(identity, old, new, request.state.address)
        except AssistantError as error:
            return self._page(request, said("bad", error.text(language)), status=422)
        answer = RedirectResponse(f"{ACCOUNT}?changed=1", 303)
        return with_session(answer, request, token, self.access.sessions.longest)

    def add_key(self, request: Request, label: Field = "") -> Response:
        identity, language = self._session(request), self.visitors.language(request)
        account = self._account(identity)
        if identity is None or account is None:
            return self._gone(request)
        try:
            plain = keys.add_key(self.access.accounts, account.name, label.strip())
        except AssistantError as error:
            return self._page(request, said("bad", error.text(language)), status=422)
        self.access.audit.note(identity, "users.key.add", identity.user, label=label)
        words = f'<div class="said good" role="alert"><p>{text("account_key_new", language)}</p>'
        return self._page(request, f"{words}<code>{html.escape(plain)}</code></div>")

    def end_key(self, request: Request, id: Field = "") -> Response:
        identity, language = self._session(request), self.visitors.language(request)
        if identity is None:
            return self._gone(request)
        try:
            keys.revoke_key(self.access.accounts, identity.user, id)
        except AssistantError as error:
            return self._page(request, said("bad", error.text(language)), status=422)
        self.access.audit.note(identity, "users.key.revoke", identity.user, id=id)
        return RedirectResponse(ACCOUNT, 303)

    def _session(self, request: Request) -> Identity | None:
        """Who is logged in at a browser. A key makes no keys and changes no password."""
        identity = self.visitors.identity(request)
        return identity if identity.way in ("session", "oidc", "proxy") else None

    def _account(self, identity: Identity | None) -> Account | None:
        return self.access.accounts.get(identity.user) if identity else None

    def _gone(self, request: Request) -> Response:
        language = self.visitors.language(request)
        words = Missing().text(language)
        return plain_page(text("refused", language), f"<p>{words}</p>", language, status=404)

    def _page(self, request: Request, words: str, **answer: Any) -> Response:
        identity, language = self._session(request), self.visitors.language(request)
        if identity is None:
            return self._gone(request)
        account = self._account(identity)
        role = text(f"role_{identity.role.word}", language)
        body = (
            f"<h1>{html.escape(identity.user)}</h1><p>{role}</p>{words}"
            f'<div class="card"><h2>{text("account_password", language)}</h2>'
            f"{_password_form(account, identity, language)}</div>"
            f"{_keys(account, language) if account else ''}"
            f'<p><a href="/">{text("account_back", language)}</a></p>'
        )
        title = f"{text('account', language)} · {text('app', language)}"
        return plain_page(title, body, language, cookies=cookies_of(request.headers), **answer)


def _password_form(account: Account | None, identity: Identity, language: str) -> str:
    if identity.way != "session" or account is None or account.password is None:
        return f'<p class="note">{text("account_elsewhere", language)}</p>'
    fields = "".join(
        f'<label for="{name}">{text(key, language)}</label>'
        f'<input id="{name}" name="{name}" type="password" maxlength="256" required '
        f'autocomplete="{"current" if name == "old" else "new"}-password">'
        for name, key in FIELDS
    )
    return (
        f'<p class="note">{text("account_note", language)}</p>'
        f'<form method="post" action="{ACCOUNT}/password">{fields}'
        f"<button>{text('account_password', language)}</button></form>"
    )


def _keys(account: Account, language: str) -> str:
    rows = "".join(_key(key, language) for key in account.keys)
    return (
        f'<div class="card"><h2>{text("account_keys", language)}</h2>'
        f'<p class="note">{text("account_keys_note", language)}</p>'
        f'{f"<ul>{rows}</ul>" if rows else ""}<form method="post" action="{ACCOUNT}/keys">'
        f'<label for="label">{text("account_key_label", language)}</label>'
        '<input id="label" name="label" maxlength="100" autocomplete="off">'
        f"<button>{text('account_key_add', language)}</button></form></div>"
    )


def _key(key: Key, language: str) -> str:
    used = text("account_key_unused", language)
    if key.used:
        used = text("account_key_used", language, when=key.used.replace("T", " ")[:16] + " UTC")
    name = html.escape(key.label or key.id)
    end = text("account_key_end", language)
    return (
        f'<li><div>{name}<br><span class="note">kb-{key.id} · {html.escape(used)}</span></div>'
        f'<form method="post" action="{ACCOUNT}/keys/end">'
        f'<input type="hidden" name="id" value="{key.id}">'
        f'<button class="quiet" aria-label="{end}: {name}">{end}</button></form></li>'
    )
