"""The audit log on the admin page: its last entries, in the reader's language."""

from __future__ import annotations

import html
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import gradio as gr

from assistant.errors import AssistantError
from assistant.ui.admin_users_rendering import ROLES, when
from assistant.ui.messages import warn
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors
from assistant.users.administration import check_administrator
from assistant.users.audit_reading import Entry, newest

SHOWN = 30  # at first, and with each click more
MOST = 600
LONGEST = 120  # characters of a value in the table
KINDS = {
    "": "admin_audit_all",
    "login": "admin_audit_login",
    "users": "admin_audit_users",
    "library": "admin_audit_library",
    "collection": "admin_audit_collection",
    "prompts": "admin_audit_prompts",
}
ACTIONS = {
    "login": "audit_login",
    "login.failed": "audit_login_failed",
    "login.delayed": "audit_login_delayed",
    "logout": "audit_logout",
    "password.failed": "audit_password_failed",
    "users.add": "audit_users_add",
    "users.remove": "audit_users_remove",
    "users.forget": "audit_users_forget",
    "users.password": "audit_users_password",
    "users.role": "audit_users_role",
    "users.disable": "audit_users_disable",
    "users.enable": "audit_users_enable",
    "users.sessions": "audit_users_sessions",
    "users.key.add": "audit_users_key_add",
    "users.key.revoke": "audit_users_key_revoke",
    "library.add": "audit_library_add",
    "library.delete": "audit_library_delete",
    "library.sync": "audit_library_sync",
    "library.follow": "audit_library_follow",
    "library.repair": "audit_library_repair",
    "collection.create": "audit_collection_create",
    "collection.change": "audit_collection_change",
    "collection.delete": "audit_collection_delete",
    "collection.owner": "audit_collection_owner",
    "prompts.save": "audit_prompts_save",
    "prompts.reset": "audit_prompts_reset",
    "prompts.keep": "audit_prompts_keep",
}
DETAILS = {
    "role": "admin_role",
    "collection": "admin_shelf",
    "address": "audit_address",
    "owner": "audit_owner",
    "before": "audit_before",
    "readers": "audit_readers",
    "title": "audit_names",
    "names": "audit_names",
    "label": "audit_names",
    "files": "audit_count",
    "documents": "audit_count",
    "count": "audit_count",
    "ended": "audit_count",
}


@dataclass(frozen=True)
class AuditPart:
    """Its handlers."""

    log_dir: Path
    visitors: Visitors

    def show(self, kind: str, find: str, count: int, request: gr.Request) -> tuple[str, Any]:
        """The entries, and whether there are more."""
        language = self.visitors.language(request)
        try:
            check_administrator(self.visitors.identity(request))
        except AssistantError as error:
            warn(error, language)
            return "", gr.update(visible=False)
        most = min(count, MOST) if isinstance(count, int) and count > 0 else SHOWN
        wanted = str(find or "").strip()[:200]
        kind = kind if kind in KINDS else ""
        entries = list(islice(newest(self.log_dir, kind, wanted), most + 1))
        is_more = len(entries) > most < MOST
        return entries_html(entries[:most], language), gr.update(visible=is_more)

    def more(self, count: int) -> int:
        return min(count, MOST) + SHOWN if isinstance(count, int) else SHOWN


def entries_html(entries: list[Entry], language: str) -> str:
    if not entries:
        return f'<p class="hint empty">{text("admin_audit_none", language)}</p>'
    heads = "".join(
        f'<th scope="col">{text(key, language)}</th>'
        for key in ("admin_audit_when", "admin_audit_who", "admin_audit_what")
    )
    rows = "".join(_row(entry, language) for entry in entries)
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _row(entry: Entry, language: str) -> str:
    key = ACTIONS.get(entry.action)
    what = text(key, language) if key else entry.action
    details = " · ".join(
        _detail(name, value, language) for name, value in entry.details.items() if value
    )
    told = entry.target if entry.target != entry.user else ""
    return (
        f"<tr><td>{html.escape(when(entry.time))}</td><td><bdi>{_short(entry.user)}</bdi></td>"
        f"<td><b>{_short(what)}</b> <bdi>{_short(told)}</bdi>"
        f'<span class="hint"><bdi>{_short(details)}</bdi></span></td></tr>'
    )


def _detail(name: str, value: str, language: str) -> str:
    called = text(DETAILS[name], language) if name in DETAILS else name
    roles = {role.word: key for role, key in ROLES.items()}
    if name == "role" and value in roles:
        value = text(roles[value], language)
    return f"{called}: {value}"


def _short(value: str) -> str:
    return html.escape(value if len(value) <= LONGEST else value[:LONGEST] + "…")
