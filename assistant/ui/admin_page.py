"""The admin page: its parts one below the other, and which click leads to which handler."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import gradio as gr

from assistant.errors import AssistantError
from assistant.knowledge.collections import Collections
from assistant.parts import Parts
from assistant.prompt_edits import FOLDER, PromptEdits
from assistant.ui.admin_audit import KINDS, SHOWN, AuditPart
from assistant.ui.admin_owners import OwnersPart
from assistant.ui.admin_prompts import PromptsPart
from assistant.ui.admin_prompts_form import build_prompts
from assistant.ui.admin_trial import TrialPart
from assistant.ui.admin_users import UsersPart
from assistant.ui.admin_users_form import build_users
from assistant.ui.texts import text
from assistant.ui.visitor import Visitors
from assistant.ui.wiring import PRIVATE
from assistant.users.access import Access
from assistant.users.administration import Administration, check_administrator


@dataclass(frozen=True)
class AdminPage:
    """The handlers of the parts."""

    visitors: Visitors
    users: UsersPart
    owners: OwnersPart
    prompts: PromptsPart
    trial: TrialPart
    audit: AuditPart

    def open(self, request: gr.Request) -> tuple[Any, Any]:
        """What stands instead of the page for whoever may not see it, and the page."""
        try:
            check_administrator(self.visitors.identity(request))
        except AssistantError:
            refused = text("admin_refused", self.visitors.language(request))
            return gr.update(value=f'<p class="hint empty">{refused}</p>', visible=True), gr.update(
                visible=False
            )
        return gr.update(value="", visible=False), gr.update(visible=True)


def open_admin(parts: Parts, access: Access, visitors: Visitors) -> AdminPage:
    """The page over ``parts``; tells the log of edited prompts that an upgrade has overtaken."""
    edits = PromptEdits(parts.settings.data_dir / FOLDER)
    edits.report()
    collections = Collections(parts.knowledge)

    def reread() -> None:
        if parts.chat.ready:
            threading.Thread(target=parts.turns.read_prompts, name="prompts", daemon=True).start()

    return AdminPage(
        visitors=visitors,
        users=UsersPart(
            administration=Administration(access),
            collections=collections,
            memory=parts.long_term,
            forgetting=parts.turns,
            settings=parts.settings,
            visitors=visitors,
            audit=access.audit,
        ),
        owners=OwnersPart(collections, access.accounts, visitors, access.audit),
        prompts=PromptsPart(edits, visitors, access.audit, reread),
        trial=TrialPart(parts.turns, edits, visitors),
        audit=AuditPart(access.audit.folder, visitors),
    )


def build_admin_page(demo: gr.Blocks, page: AdminPage, i18n: gr.I18n) -> None:
    """Lay the page out inside the running Blocks context and wire it."""
    with gr.Column(elem_id="admin-page"):
        refused = gr.HTML(elem_id="admin-refused", padding=False)
        with gr.Column(visible=False, elem_id="admin-parts") as parts:
            changes = build_users(demo, page.users, i18n)
            given, owned = _owners(demo, page.owners, i18n)
            edited = build_prompts(demo, page.prompts, page.trial, i18n)
            shown, entries = _audit(demo, page.audit, i18n)
    demo.load(page.open, None, [refused, parts], **PRIVATE)
    for event in (*changes, given, *edited):  # what was done stands in the log at once
        event.then(page.audit.show, shown, entries, **PRIVATE)
    for event in changes:
        event.then(page.owners.show, None, owned, **PRIVATE)


def _heading(key: str, i18n: gr.I18n) -> None:
    gr.Markdown(i18n(key), elem_classes="heading")


def _owners(demo: gr.Blocks, part: OwnersPart, i18n: gr.I18n) -> tuple[Any, list[Any]]:
    """The event that changes something, and the fields."""
    with gr.Column(elem_id="admin-owners", elem_classes="part"):
        _heading("admin_shelves_heading", i18n)
        with gr.Row(elem_classes="fields"):
            shelf = gr.Dropdown([], label=i18n("admin_shelf"), elem_id="admin-shelf", min_width=220)
            owner = gr.Dropdown(
                [],
                label=i18n("admin_owner"),
                allow_custom_value=True,
                elem_id="admin-owner",
                min_width=180,
            )
            give = gr.Button(
                i18n("admin_hand_over"), elem_id="admin-hand-over", elem_classes="push", scale=0
            )
    fields = [shelf, owner]
    demo.load(part.show, None, fields, **PRIVATE)
    return give.click(part.hand_over, fields, fields, **PRIVATE), fields


def _audit(demo: gr.Blocks, part: AuditPart, i18n: gr.I18n) -> tuple[list[Any], list[Any]]:
    """What the list goes by, and the list."""
    count = gr.State(SHOWN)
    with gr.Column(elem_id="admin-audit", elem_classes="part"):
        _heading("admin_audit_heading", i18n)
        with gr.Row(elem_classes="fields"):
            kind = gr.Radio(
                [(i18n(called), key) for key, called in KINDS.items()],
                value="",
                label=i18n("admin_audit_kind"),
                elem_id="admin-audit-kind",
                elem_classes="pills",
                min_width=280,
            )
            find = gr.Textbox(
                label=i18n("admin_audit_find"), max_lines=1, elem_id="admin-audit-find"
            )
        entries = gr.HTML(elem_id="admin-entries", padding=False)
        more = gr.Button(i18n("admin_audit_more"), elem_classes="push", scale=0, visible=False)
    looked, shown = [kind, find, count], [entries, more]
    demo.load(part.show, looked, shown, **PRIVATE)
    kind.input(part.show, looked, shown, **PRIVATE)
    find.change(part.show, looked, shown, trigger_mode="always_last", **PRIVATE)
    more.click(part.more, count, count, **PRIVATE).then(part.show, looked, shown, **PRIVATE)
    return looked, shown
