"""The followed sources as HTML: pure functions, everything from documents and lists escaped."""

from __future__ import annotations

import html
import re
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from assistant.errors import AssistantError
from assistant.ui.counts import counts_text
from assistant.ui.jobs import incomplete_crawl
from assistant.ui.rendering import is_web
from assistant.ui.texts import LANGUAGES, text

#: The schedules to choose from; others can be typed.
SCHEDULES = ("manual", "hourly", "every 6h", "daily 03:00", "weekly mon 03:00")
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_STATES = {
    "never": "run_never",
    "running": "job_running",
    "waiting": "job_waiting",
    "interrupted": "run_interrupted",
    "done": "job_done",
    "partly": "job_partly",
    "failed": "job_failed",
    "cut": "run_cut",
    "cancelled": "job_cancelled",
}
_KINDS = {
    "site": "kind_site",
    "page": "kind_page",
    "folder": "kind_folder",
    "file": "kind_file",
}
#: How a schedule is said; its groups fill the text in.
_SAID = (
    (r"manual", "by_hand"),
    (r"always", "at_every_sync"),
    (r"hourly", "hourly"),
    (r"every (?P<n>\d+)m", "every_minutes"),
    (r"every (?P<n>\d+)h", "every_hours"),
    (r"every (?P<n>\d+)d", "every_days"),
    (r"daily(?: (?P<time>\S+))?", "daily"),
    (r"weekly (?P<day>\w+)(?: (?P<time>\S+))?", "weekly"),
    (r"monthly(?: (?P<n>\d+))?(?: (?P<time>\S+))?", "monthly"),
)
_UNSAID = {"time": "00:00", "n": "1"}


@dataclass(frozen=True)
class Followed:
    """A source of the list and its last run.

    ``kind`` is site, page, folder or file; ``state`` a key of the states above; ``began`` in
    seconds since the epoch; ``outcome`` as in the report of a sync (counts, ``documents`` that
    failed or have warnings, ``error``, ``crawl``), empty where it never ran to its end.
    """

    name: str
    kind: str
    address: str
    collection: str
    schedule: str
    paused: bool
    state: str = "never"
    began: float | None = None
    outcome: Mapping[str, Any] = field(default_factory=dict)
    allow_private: bool = False

    @property
    def beginning(self) -> str:
        """What the addresses of its documents begin with."""
        if self.kind == "site":
            return self.address.rpartition("/")[0] + "/"
        return f"{self.address.rstrip('/')}/" if self.kind == "folder" else self.address

    def brings(self, uri: str) -> bool:
        return uri.startswith(self.beginning)


def followed_html(
    sources: Sequence[Followed],
    running: Collection[str],
    language: str,
    *,
    may_change: bool = True,
) -> str:
    """A row for each source; ``running`` are the names of those that this app runs."""
    if not sources:
        key = "followed_none" if may_change else "followed_none_here"
        return f'<p class="hint">{text(key, language)}</p>'
    rows = "".join(_row(source, source.name in running, language, may_change) for source in sources)
    return f'<div class="followed">{rows}</div>'


def broken_html(error: AssistantError, language: str) -> str:
    """Why the list can't be used."""
    return f'<div class="banner box" role="alert">{html.escape(error.text(language))}</div>'


def schedule_text(schedule: str, language: str) -> str:
    """A schedule in words; one of another form as it stands.

    >>> schedule_text("weekly mon 03:00", "en")
    'Mondays 03:00'
    """
    for pattern, key in _SAID:
        if found := re.fullmatch(pattern, schedule):
            fields = {key: value or _UNSAID[key] for key, value in found.groupdict().items()}
            if "day" in fields:
                names = text("days", language).split()
                fields["day"] = names[DAYS.index(fields["day"])]
            return text(key, language, **fields)
    return schedule


def _row(source: Followed, runs_here: bool, language: str, may_change: bool) -> str:
    state = "running" if runs_here else source.state
    name, address = html.escape(source.name, quote=True), html.escape(source.address, quote=True)
    if is_web(source.address):
        address = f'<a href="{address}" target="_blank" rel="noopener noreferrer">{address}</a>'
    paused = f'<span class="state">{text("paused", language)}</span>' if source.paused else ""
    facts = [
        text(_KINDS[source.kind], language),
        schedule_text(source.schedule, language),
        text("collection", language, name=source.collection),
    ]
    actions = ""
    if may_change:
        actions = f'<div class="actions">{_actions(source, state, language)}</div>'
    return (
        f'<article class="entry {state}" data-source="{name}"><div class="about">'
        f'<h3>{name} <span class="state {state}">{text(_STATES[state], language)}</span>{paused}'
        f'</h3><p class="address">{address}</p>'
        f'<p class="hint">{html.escape(" · ".join(facts))}</p>{_last(source, state, language)}'
        f"</div>{actions}</article>"
    )


def _last(source: Followed, state: str, language: str) -> str:
    """The last run in a line, and what failed in it folded."""
    if source.began is None:
        return ""
    at = time.strftime("%Y-%m-%d %H:%M", time.localtime(source.began))
    if state == "running":
        return f'<p class="hint">{text("run_since", language, at=at)}</p>'
    outcome = source.outcome
    said = [text("run_at", language, at=at), counts_text(outcome, language)]
    crawl = outcome.get("crawl") or {}
    if crawl and not crawl.get("complete", True):
        said.append(incomplete_crawl(crawl.get("reason", ""))[LANGUAGES.index(language)])
    line = f'<p class="hint">{html.escape(" · ".join(filter(None, said)))}</p>'
    return line + _faults(source, language)


def _faults(source: Followed, language: str) -> str:
    outcome = source.outcome
    told = [outcome["error"]] if outcome.get("error") else []
    told += [row["error"] for row in outcome.get("documents", ()) if row.get("error")]
    if not told:
        return ""
    count = max(len(told), sum(int(outcome.get(name, 0)) for name in ("failed", "warned")))
    lines = "".join(f"<li>{html.escape(str(error['message']))}</li>" for error in told)
    more = ""
    if count > len(told):
        more = f'<li class="more">{text("faults_more", language, n=count - len(told))}</li>'
    key = html.escape(f"{source.name}/faults", quote=True)
    return (
        f'<details class="faults" data-key="{key}"><summary>'
        f"{text('faults', language, n=count)}</summary><ul>{lines}{more}</ul></details>"
    )


def _actions(source: Followed, state: str, language: str) -> str:
    is_running = state in ("running", "waiting")
    run = _button("run", "run_now", language, "disabled" if is_running else "")
    pause = _button("resume" if source.paused else "pause", "", language)
    return run + pause + _schedule_menu(source, language) + _remove_menu(source, language)


def _button(action: str, key: str, language: str, attributes: str = "") -> str:
    said = text(key or action, language)
    return f'<button type="button" data-do="{action}" {attributes}>{said}</button>'


def _menu(source: Followed, key: str, inside: str, language: str) -> str:
    """A button that unfolds ``inside``; one is open at a time."""
    name = html.escape(f"{source.name}/{key}", quote=True)
    return (
        f'<details class="menu" name="menu" data-key="{name}"><summary>{text(key, language)}'
        f'</summary><div class="panel">{inside}</div></details>'
    )


def _schedule_menu(source: Followed, language: str) -> str:
    chosen = source.schedule
    known = SCHEDULES if chosen in SCHEDULES else (*SCHEDULES, chosen)
    options = "".join(
        f'<option value="{html.escape(each, quote=True)}"{" selected" * (each == chosen)}>'
        f"{html.escape(schedule_text(each, language))}</option>"
        for each in known
    )
    label = text("schedule", language)
    inside = (
        f'<select aria-label="{label}" data-now="{html.escape(chosen, quote=True)}">{options}'
        f'<option value="">{text("schedule_other", language)}</option></select>'
        f'<input type="text" class="other" aria-label="{label}" placeholder="monthly 1 03:00">'
        f'<p class="hint">{text("schedule_forms", language)}</p>'
        f"{_button('schedule', 'save', language)}"
    )
    return _menu(source, "schedule", inside, language)


def _remove_menu(source: Followed, language: str) -> str:
    inside = (
        f"<p>{text('remove_which', language)}</p>"
        f"{_button('remove', 'remove_only', language)}"
        f"{_button('remove_all', 'remove_documents', language, 'class=bad')}"
    )
    return _menu(source, "remove", inside, language)
