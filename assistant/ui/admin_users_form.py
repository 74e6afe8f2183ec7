"""The users' part of the admin page: its components, and which click leads where."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

from assistant.ui.admin_users import UsersPart
from assistant.ui.admin_users_rendering import ROLES
from assistant.ui.wiring import PRIVATE

LISTS = Path(__file__).with_name("admin.js")
TO_FORM = """() => setTimeout(() => {
  const form = document.querySelector("#admin-user h3, #admin-add input");
  form?.scrollIntoView({block: "nearest"});
  form?.focus();
}, 100)"""


def build_users(demo: gr.Blocks, part: UsersPart, i18n: gr.I18n) -> list[Any]:
    """Lay the part out; the events that change something."""
    of = gr.State("")
    with gr.Column(elem_id="admin-users", elem_classes="part"):
        gr.Markdown(i18n("admin_users_heading"), elem_classes="heading")
        way = gr.HTML(elem_id="admin-way", padding=False)
        table = gr.HTML(elem_id="admin-table", padding=False, js_on_load=LISTS.read_text("utf-8"))
        new = gr.Button(
            i18n("admin_add"), elem_id="admin-new", elem_classes="push", scale=0, visible=False
        )
        form, fields = _new_user(i18n)
        said = gr.HTML(elem_id="admin-said", padding=False)
        user = _User(i18n)
    seen = [way, table, new]
    opened = [*user.shown, of]
    demo.load(part.show, None, seen, **PRIVATE)
    new.click(part.begin, None, [form, fields.name, fields.password, said], **PRIVATE).then(
        None, None, None, js=TO_FORM
    )
    fields.cancel.click(lambda: gr.update(visible=False), None, form, **PRIVATE)
    added = [
        event(part.add, fields.given, [form, fields.password, said], **PRIVATE)
        for event in (fields.save.click, fields.name.submit, fields.password.submit)
    ]
    opening = table.click(part.act, of, opened, **PRIVATE)
    # A password that was shown once goes with the next user that is looked at.
    opening.then(lambda: "", None, said, **PRIVATE).then(None, None, None, js=TO_FORM)
    changed = [*added, *user.wire(part, of, opened)]
    for event in changed:
        event.then(part.show, None, seen, **PRIVATE)
    return changed


class _NewUser:
    """The fields of a new user."""

    def __init__(self, i18n: gr.I18n) -> None:
        with gr.Row(elem_classes="fields"):
            self.name = gr.Textbox(
                label=i18n("admin_new_name"), max_lines=1, elem_id="admin-new-name", min_width=180
            )
            self.password = gr.Textbox(
                label=i18n("admin_new_password"),
                type="password",
                max_lines=1,
                elem_id="admin-new-password",
                min_width=220,
                html_attributes=gr.InputHTMLAttributes(autocomplete="new-password"),
            )
        self.role = _role(i18n, "admin-new-role")
        with gr.Row(elem_classes="buttons"):
            self.cancel = gr.Button(i18n("admin_cancel"), elem_classes="push", scale=0)
            self.save = gr.Button(
                i18n("admin_add"),
                variant="primary",
                elem_id="admin-new-save",
                elem_classes="push",
                scale=0,
            )
        self.given = [self.name, self.role, self.password]


def _new_user(i18n: gr.I18n) -> tuple[gr.Column, _NewUser]:
    with gr.Column(visible=False, elem_id="admin-add", elem_classes="sheet") as form:
        fields = _NewUser(i18n)
    return form, fields


def _role(i18n: gr.I18n, elem_id: str) -> gr.Radio:
    return gr.Radio(
        [(i18n(key), role.word) for role, key in ROLES.items()],
        value="reader",
        label=i18n("admin_role"),
        elem_id=elem_id,
        elem_classes="pills",
    )


class _User:
    """The form of one user."""

    def __init__(self, i18n: gr.I18n) -> None:
        with gr.Column(visible=False, elem_id="admin-user", elem_classes="sheet") as self.box:
            self.heading = gr.HTML(
                elem_id="admin-user-heading",
                padding=False,
                js_on_load=LISTS.read_text("utf-8"),
            )
            with gr.Row(elem_classes="fields") as self.role_row:
                self.role = _role(i18n, "admin-role")
                self.save_role = _push(i18n, "admin_save_role", "admin-save-role")
            with gr.Row(elem_classes="fields") as self.password_row:
                self.password = gr.Textbox(
                    label=i18n("admin_new_password"),
                    type="password",
                    max_lines=1,
                    elem_id="admin-password",
                    html_attributes=gr.InputHTMLAttributes(autocomplete="new-password"),
                )
                self.set_password = _push(i18n, "admin_set_password", "admin-set-password")
            self.said = gr.HTML(elem_id="admin-user-said", padding=False)
            with gr.Row(elem_classes="buttons"):
                self.close = _push(i18n, "admin_close", "admin-close")
                self.end = _push(i18n, "admin_end_sessions", "admin-end-sessions")
                self.toggle = _push(i18n, "admin_disable", "admin-toggle")
                self.remove = _push(i18n, "admin_remove", "admin-remove")
            self._confirm(i18n)
        self.shown = [
            self.box, self.heading, self.role, self.role_row, self.toggle, self.password_row,
            self.password, self.remove, self.confirm, self.said,
        ]  # fmt: skip

    def _confirm(self, i18n: gr.I18n) -> None:
        with gr.Column(visible=False, elem_id="admin-confirm") as self.confirm:
            self.lost = gr.HTML(padding=False)
            self.forget = gr.Checkbox(
                label=i18n("admin_remove_forget"), container=False, elem_id="admin-forget"
            )
            with gr.Row(elem_classes="buttons"):
                self.keep = _push(i18n, "admin_cancel", "admin-keep-user")
                self.really = gr.Button(
                    i18n("admin_remove_really"),
                    variant="stop",
                    elem_id="admin-really",
                    elem_classes="push",
                    scale=0,
                )

    def wire(self, part: UsersPart, of: gr.State, opened: list[Any]) -> list[Any]:
        """The events that change something."""
        asked = [self.confirm, self.lost, self.forget]
        self.close.click(
            lambda: (gr.update(visible=False), ""), None, [self.box, self.said], **PRIVATE
        )
        self.keep.click(lambda: gr.update(visible=False), None, self.confirm, **PRIVATE)
        self.remove.click(part.ask_removal, of, asked, **PRIVATE)
        given = [of, self.password]
        return [
            self.heading.click(part.act, of, opened, **PRIVATE),
            self.save_role.click(part.change_role, [of, self.role], opened, **PRIVATE),
            self.toggle.click(part.toggle, of, opened, **PRIVATE),
            self.end.click(part.end_sessions, of, opened, **PRIVATE),
            self.set_password.click(part.set_password, given, opened, **PRIVATE),
            self.password.submit(part.set_password, given, opened, **PRIVATE),
            self.really.click(part.remove, [of, self.forget], opened, **PRIVATE),
        ]


def _push(i18n: gr.I18n, key: str, elem_id: str) -> gr.Button:
    return gr.Button(i18n(key), elem_id=elem_id, elem_classes="push", scale=0)
