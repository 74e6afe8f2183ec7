"""The users' part of the admin page as HTML: pure functions. Names stand there as text."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import datetime

from assistant.settings import Settings
from assistant.ui.texts import text
from assistant.users.administration import User
from assistant.users.identity import Role
from assistant.users.ways import Way

ROLES = {Role.READER: "role_reader", Role.EDITOR: "role_editor", Role.ADMIN: "role_admin"}
WAYS = {
    Way.LOCAL: "admin_way_local",
    Way.OFF: "admin_way_off",
    Way.USERS: "admin_way_users",
    Way.PROXY: "admin_way_proxy",
    Way.OIDC: "admin_way_oidc",
}
COLUMNS = ("admin_name", "admin_role", "admin_last_login", "admin_sessions", "admin_keys")
FIRST_COMMAND = "python -m assistant.users add NAME --role admin"


def when(time: str) -> str:
    """An ISO time for people, in the server's own time zone; one that is none, as it is.

    >>> when("yesterday")
    'yesterday'
    """
    try:
        return datetime.fromisoformat(time).astimezone().strftime("%Y-%m-%d %H:%M")
    except ValueError:
        return time[:20]


def way_html(way: Way, settings: Settings, language: str) -> str:
    """Where users are kept and what roles come from; without a login, how to have one."""
    unset = text("admin_not_set", language)
    is_proxy = way is Way.PROXY
    told = text(
        WAYS[way],
        language,
        name=(settings.auth_proxy_header if is_proxy else settings.oidc_issuer) or unset,
        roles=(settings.auth_proxy_roles if is_proxy else settings.oidc_roles_claim) or unset,
        default=settings.auth_default_role,
    )
    said = f'<p class="hint">{html.escape(told)}</p>'
    return f"{said}<pre><code>{FIRST_COMMAND}</code></pre>" if way.is_open else said


def users_html(users: Sequence[User], own: str, language: str, *, may_change: bool) -> str:
    """The table. ``own``: the name of who looks."""
    if not users:
        return f'<p class="hint empty">{text("admin_nobody", language)}</p>'
    heads = "".join(f'<th scope="col">{text(key, language)}</th>' for key in COLUMNS)
    last = f'<th><span class="unseen">{text("admin_change", language)}</span></th>'
    rows = "".join(_row(user, own, language, may_change) for user in users)
    return (
        f"<table><thead><tr>{heads}{last if may_change else ''}</tr></thead>"
        f"<tbody>{rows}</tbody></table>"
    )


def _row(user: User, own: str, language: str, may_change: bool) -> str:
    tags = [
        f'<span class="tag{" bad" if key == "admin_disabled" else ""}">{text(key, language)}</span>'
        for key, is_so in (
            ("admin_you", user.name == own),
            ("admin_disabled", user.disabled),
            ("admin_guest", not user.is_kept),
        )
        if is_so
    ]
    login = when(user.last_login) if user.last_login else text("admin_unknown", language)
    told = (text(ROLES[user.role], language), login, str(user.sessions), str(len(user.keys)))
    cells = "".join(
        f'<td data-name="{text(key, language)}">{html.escape(value)}</td>'
        for key, value in zip(COLUMNS[1:], told, strict=True)
    )
    name = html.escape(user.name)
    label = html.escape(text("admin_change_label", language, name=user.name))
    button = (
        f'<td class="act"><button type="button" class="small" data-do="user" data-value="{name}" '
        f'aria-label="{label}">{text("admin_change", language)}</button></td>'
    )
    return (
        f'<tr><th scope="row"><bdi>{name}</bdi>{"".join(tags)}</th>{cells}'
        f"{button if may_change else ''}</tr>"
    )


def heading_html(user: User, language: str) -> str:
    """Of the form of one user, with their keys."""
    title = html.escape(text("admin_change_label", language, name=user.name))
    return f'<h3 tabindex="-1">{title}</h3>{_keys(user, language) if user.is_kept else ""}'


def _keys(user: User, language: str) -> str:
    if not user.keys:
        return f'<p class="hint">{text("admin_no_keys", language)}</p>'
    end = text("admin_key_revoke", language)
    rows = "".join(
        f"<li><span><b>{html.escape(key.label or key.id)}</b> "
        f'<span class="hint">kb-{html.escape(key.id)} · '
        f"{html.escape(text('admin_key_made', language, when=when(key.created)))} · "
        f"{html.escape(_used(key.used, language))}</span></span>"
        f'<button type="button" class="small bad" data-do="key" data-value="{html.escape(key.id)}" '
        f'aria-label="{html.escape(f"{end}: {key.label or key.id}")}">{end}</button></li>'
        for key in user.keys
    )
    return f'<ul class="keys" aria-label="{text("admin_keys", language)}">{rows}</ul>'


def _used(used: str, language: str) -> str:
    if not used:
        return text("account_key_unused", language)
    return text("account_key_used", language, when=when(used))


def password_html(name: str, password: str, language: str) -> str:
    """A password that was made, once."""
    said = html.escape(text("admin_password_once", language, name=name))
    return (
        f'<div class="once" role="alert"><p>{said}</p>'
        f'<code tabindex="0">{html.escape(password)}</code></div>'
    )


def said_html(said: str) -> str:
    return f'<div class="once" role="status"><p>{html.escape(said)}</p></div>' if said else ""


def removal_html(lines: Sequence[str]) -> str:
    """What goes with a user, and what stays."""
    return "".join(f"<p>{html.escape(line)}</p>" for line in lines)
