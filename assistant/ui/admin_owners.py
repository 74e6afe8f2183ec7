"""Whose the collections are, on the admin page: one of a user who is gone goes to another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from assistant.errors import AssistantError
from assistant.knowledge.collections import Collections
from assistant.knowledge.records import CollectionInfo
from assistant.knowledge.sharing import not_readable
from assistant.ui.collection_names import collection_name
from assistant.ui.messages import caution, inform, warn
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors
from assistant.users.accounts import Accounts, user_name
from assistant.users.administration import check_administrator
from assistant.users.audit import Audit
from assistant.users.identity import LOCAL


@dataclass(frozen=True)
class OwnersPart:
    """Its handlers."""

    collections: Collections
    accounts: Accounts
    visitors: Visitors
    audit: Audit

    def show(self, request: gr.Request) -> tuple[Any, Any]:
        """The two lists to choose from: collections with their owners, and owners."""
        language = self.visitors.language(request)
        try:
            check_administrator(self.visitors.identity(request))
            users = set(self.accounts.all())
        except AssistantError as error:
            warn(error, language)
            return gr.update(choices=[], value=None), gr.update(choices=[], value=None)
        nobody = (text("admin_owner_none", language), LOCAL.user)
        shelves = [
            (f"{collection_name(info, language)} · {self._owner(info, users, language)}", info.name)
            for info in self.collections.all()
        ]
        owners = [nobody, *((name, name) for name in sorted(users - {LOCAL.user}))]
        return gr.update(choices=shelves, value=None), gr.update(choices=owners, value=None)

    def hand_over(
        self, name: str | None, owner: str | None, request: gr.Request
    ) -> tuple[Any, Any]:
        """Give a collection to another user, who may be one that a login service knows."""
        language = self.visitors.language(request)
        if not name or not owner:
            caution("admin_choose_both", language)
            return gr.skip(), gr.skip()
        try:
            by = self.visitors.identity(request)
            check_administrator(by)
            info = self.collections.find(str(name))
            if info is None:
                raise not_readable(str(name)[:80])
            user = user_name(str(owner))
            self.collections.change(info.name, owner=user)
        except AssistantError as error:
            warn(error, language)
            return gr.skip(), gr.skip()
        self.audit.note(by, "collection.owner", info.name, owner=user, before=info.owner)
        shown = text("admin_owner_none", language) if user == LOCAL.user else user
        inform("admin_handed", language, name=collection_name(info, language), owner=shown)
        return self.show(request)

    def _owner(self, info: CollectionInfo, users: set[str], language: str) -> str:
        if info.owner == LOCAL.user:
            return text("admin_owner_none", language)
        if info.owner in users:
            return info.owner
        return text("admin_owner_gone", language, owner=info.owner)
