"""What happens on each click of the admin page's part about users. Every handler asks again whether
who clicks may, and notes what was done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import gradio as gr

from assistant.errors import AssistantError
from assistant.knowledge.collections import Collections
from assistant.settings import Settings
from assistant.ui.admin_users_rendering import (
    ROLES,
    heading_html,
    password_html,
    removal_html,
    said_html,
    users_html,
    way_html,
)
from assistant.ui.collection_names import collection_name
from assistant.ui.memory import SEARCHED_TALKS, Memories
from assistant.ui.memory_clicks import Forgetting
from assistant.ui.messages import caution, inform, warn
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors, WebRequest
from assistant.users.administration import Administration, User, check_administrator
from assistant.users.audit import Audit
from assistant.users.identity import Identity, Role
from assistant.users.passwords import made_password
from assistant.users.ways import Way


class Shown(NamedTuple):
    """The section, in the order of its components."""

    way: Any
    users: Any
    add: Any


class Form(NamedTuple):
    """The form of one user, in the order of its components."""

    box: Any
    heading: Any
    role: Any
    role_row: Any
    toggle: Any
    password_row: Any
    password: Any
    remove: Any
    confirm: Any
    said: Any
    of: Any  # the user's name


@dataclass(frozen=True)
class UsersPart:
    """Its handlers."""

    administration: Administration
    collections: Collections
    memory: Memories
    forgetting: Forgetting
    settings: Settings
    visitors: Visitors
    audit: Audit

    def show(self, request: gr.Request) -> Shown:
        """The section as it is now; nothing for whoever may not see it."""
        language = self.visitors.language(request)
        try:
            by = self._by(request)
            users = self.administration.users(by)
        except AssistantError as error:
            warn(error, language)
            return Shown("", "", _hidden())
        way = self.administration.way
        may_change = not way.is_open
        table = users_html(users, by.user, language, may_change=may_change)
        return Shown(way_html(way, self.settings, language), table, gr.update(visible=may_change))

    def begin(self, request: gr.Request) -> tuple[Any, str, Any, Any]:
        """Open the form of a new user: the form, its fields, and no old password."""
        language = self.visitors.language(request)
        try:
            self._by(request)
        except AssistantError as error:
            warn(error, language)
            return (gr.skip(),) * 4
        has_password = self.administration.way is Way.USERS
        return gr.update(visible=True), "", gr.update(value="", visible=has_password), ""

    def add(self, name: str, role: str, password: str, request: gr.Request) -> tuple[Any, Any, Any]:
        """A new user: the form, which stays where it fails, its password, and what is said."""
        language = self.visitors.language(request)
        given: str | None = str(password or "") or made_password()
        if self.administration.way is not Way.USERS:
            given = None
        try:
            by = self._by(request)
            made = self.administration.add(by, str(name or ""), _role(role), given)
        except AssistantError as error:
            warn(error, language)
            return gr.skip(), gr.skip(), gr.skip()
        said = text("admin_added", language, name=made)
        if given and not password:
            return _hidden(), "", password_html(made, given, language)
        return _hidden(), "", said_html(said)

    def act(self, of: str, event: gr.EventData, request: gr.Request) -> Form:
        """A button of the table or of the list of keys: ``event`` has ``do`` and ``value``."""
        do, value = str(event.do), str(event.value)
        if do == "user":
            return self._form(value, request)
        if do == "key":
            return self._do(
                of,
                request,
                lambda by: self.administration.revoke_key(by, of, value),
                lambda language: inform("admin_key_done", language),
            )
        return _as_it_is()

    def change_role(self, of: str, role: str, request: gr.Request) -> Form:
        def said(language: str) -> None:
            named = text(ROLES[_role(role)], language)
            inform("admin_role_done", language, name=of, role=named)

        return self._do(
            of, request, lambda by: self.administration.set_role(by, of, _role(role)), said
        )

    def toggle(self, of: str, request: gr.Request) -> Form:
        """Disable, or enable again."""
        done = ""

        def change(by: Identity) -> None:
            nonlocal done
            if self.administration.user(by, of).disabled:
                self.administration.enable(by, of)
                done = "admin_enable_done"
            else:
                self.administration.disable(by, of)
                done = "admin_disable_done"

        return self._do(of, request, change, lambda language: inform(done, language, name=of))

    def end_sessions(self, of: str, request: gr.Request) -> Form:
        return self._do(
            of,
            request,
            lambda by: self.administration.end_sessions(by, of),
            lambda language: inform("admin_sessions_done", language, name=of),
        )

    def set_password(self, of: str, password: str, request: gr.Request) -> Form:
        """The typed password, or one that is made and shown once."""
        language = self.visitors.language(request)
        given = str(password or "") or made_password()
        try:
            by = self._by(request)
            self.administration.set_password(by, of, given)
        except AssistantError as error:
            warn(error, language)
            return _as_it_is()
        said = said_html(text("admin_password_typed", language, name=of))
        if not password:
            said = password_html(of, given, language)
        return self._form(of, request)._replace(said=said)

    def ask_removal(self, of: str, request: gr.Request) -> tuple[Any, str, Any]:
        """What would go and what would stay: the question, its words, and the choice in it."""
        language = self.visitors.language(request)
        try:
            self.administration.check_removable(self._by(request), of)
            lines = [text("admin_remove_what", language, name=of), *self._left(of, language)]
        except AssistantError as error:
            warn(error, language)
            return _hidden(), "", False
        return gr.update(visible=True), removal_html(lines), False

    def remove(self, of: str, forget: bool, request: gr.Request) -> Form:
        """Delete a user, with what they said where ``forget``."""
        language = self.visitors.language(request)
        try:
            by = self._by(request)
            self.administration.check_removable(by, of)
            if forget is True:
                self._forget(by, of, language)
            self.administration.remove(by, of)
        except AssistantError as error:
            warn(error, language)
            return _as_it_is()
        inform("admin_removed", language, name=of)
        return _closed()

    def _forget(self, by: Identity, of: str, language: str) -> None:
        """The user is kept out first, so that nothing is added while it is deleted."""
        self.administration.disable(by, of)
        try:
            self.forgetting.forget_all(of)
        except AssistantError:
            caution("admin_not_forgotten", language, name=of)
            raise
        self.audit.note(by, "users.forget", of)

    def _left(self, of: str, language: str) -> list[str]:
        lines = []
        try:
            talks = len(self.memory.conversations(of, SEARCHED_TALKS))
            facts = len(self.memory.facts(of))
            told = text("admin_remove_talks", language, conversations=talks, facts=facts)
            lines.append(told)
        except AssistantError:
            lines.append(text("admin_remove_unread", language))
        own = [info for info in self.collections.all() if info.owner == of]
        if own:
            names = ", ".join(collection_name(info, language) for info in own)
            lines.append(text("admin_remove_shelves", language, names=names))
        if self.administration.way is not Way.USERS:
            lines.append(text("admin_remove_elsewhere", language))
        return lines

    def _do(
        self,
        of: str,
        request: WebRequest,
        change: Callable[[Identity], None],
        said: Callable[[str], None],
    ) -> Form:
        """Make a change of the user ``of``; the form as it is then."""
        language = self.visitors.language(request)
        try:
            change(self._by(request))
        except AssistantError as error:
            warn(error, language)
            return _as_it_is()
        said(language)
        return self._form(of, request)

    def _form(self, of: str, request: WebRequest) -> Form:
        language = self.visitors.language(request)
        try:
            user = self.administration.user(self._by(request), of)
        except AssistantError as error:
            warn(error, language)
            return _closed()
        return self._opened(user, language)

    def _opened(self, user: User, language: str) -> Form:
        key = "admin_enable" if user.disabled else "admin_disable"
        kept = gr.update(visible=user.is_kept)
        has_password = user.is_kept and self.administration.way is Way.USERS
        return Form(
            box=gr.update(visible=True),
            heading=heading_html(user, language),
            role=user.role.word,
            role_row=kept,
            toggle=gr.update(value=text(key, language), visible=user.is_kept),
            password_row=gr.update(visible=has_password),
            password="",
            remove=kept,
            confirm=_hidden(),
            said="",
            of=user.name,
        )

    def _by(self, request: WebRequest) -> Identity:
        by = self.visitors.identity(request)
        check_administrator(by)
        return by


def _role(word: str) -> Role:
    """What the form offers; anything else is the least."""
    try:
        return Role.named(str(word))
    except ValueError:
        return Role.READER


def _hidden() -> Any:
    return gr.update(visible=False)


def _as_it_is() -> Form:
    return Form(*(gr.skip() for _ in Form._fields))


def _closed() -> Form:
    return _as_it_is()._replace(box=_hidden(), said="", of="")
