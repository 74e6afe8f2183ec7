"""The status page: what it shows to whom, its components, and which click leads where."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import gradio as gr

from assistant.observability.figures import Figures
from assistant.observability.recent_faults import RecentFaults
from assistant.ui.messages import inform, warn
from assistant.ui.model_checks import ModelChecks
from assistant.ui.status import Status
from assistant.ui.status_facts import Facts, app_version, versions
from assistant.ui.status_rendering import (
    faults_html,
    models_html,
    redis_html,
    running_html,
    states_html,
    store_html,
    versions_html,
)
from assistant.ui.texts import text
from assistant.ui.usage import RANGES, usage_html
from assistant.ui.visitor import Visitors
from assistant.ui.wiring import PRIVATE
from assistant.users.identity import AccessDenied, Role

CALM_SECONDS, BUSY_SECONDS = 5.0, 1.0
MOST_FAULTS = 30
RANGE_TEXTS = {"day": "figures_day", "week": "figures_week"}


@dataclass(frozen=True)
class StatusPage:
    """The handlers. Everybody sees whether all is well and which models answer; administrators
    see the rest."""

    status: Status
    facts: Facts
    figures: Figures
    checks: ModelChecks
    faults: RecentFaults
    visitors: Visitors

    def show(self, shown: str, request: gr.Request) -> tuple[Any, ...]:
        """All of the page as it is now, for the components of :func:`build_status_page`."""
        language = self.visitors.language(request)
        is_admin = self.visitors.identity(request).role >= Role.ADMIN
        self.status.watch()
        overview, cards = self._overview(language), ""
        if is_admin:
            cards = self._cards(language)
        busy = self.checks.is_running
        label = text("check_running" if busy else "check_models", language)
        timer = gr.update(value=BUSY_SECONDS if busy else CALM_SECONDS)
        button = gr.update(visible=is_admin, interactive=not busy, value=label)
        if not is_admin:
            note = f'<p class="hint">{text("status_more_admin", language)}</p>'
            return overview, button, cards, gr.update(visible=False), note, "", timer
        usage = usage_html(self.figures, shown if shown in RANGES else "day", language)
        recent = faults_html(self.faults.newest(MOST_FAULTS), language)
        return overview, button, cards, gr.update(visible=True), usage, recent, timer

    def check(self, request: gr.Request) -> None:
        """Begin a check of the models."""
        language = self.visitors.language(request)
        try:
            self.visitors.require(request, Role.ADMIN)
        except AccessDenied as error:
            warn(error, language)
            return
        if not self.checks.start():
            inform("check_busy", language)

    def _overview(self, language: str) -> str:
        parts = self.facts.parts
        up = time.time() - self.facts.began
        head = states_html(self.status.states(language), up, language)
        return head + models_html(parts.settings, parts.chats.names, self.checks.last, language)

    def _cards(self, language: str) -> str:
        cards = (
            running_html(self.facts.running(), language),
            redis_html(self.facts.redis(), language),
            store_html(self.facts.store(), self.facts.disk(), language),
            versions_html(app_version(), versions(), language),
        )
        return f'<div class="cards">{"".join(cards)}</div>'


def build_status_page(demo: gr.Blocks, page: StatusPage, i18n: gr.I18n) -> None:
    """Lay the page out inside the running Blocks context and wire it."""
    with gr.Column(elem_id="status-page"):
        overview = gr.HTML(elem_id="status-overview", padding=False)
        check = gr.Button(i18n("check_models"), elem_id="check-now", visible=False, scale=0)
        cards = gr.HTML(elem_id="status-cards", padding=False)
        with gr.Column(elem_id="status-figures"):
            shown = gr.Radio(
                [(i18n(RANGE_TEXTS[key]), key) for key in RANGES],
                value="day",
                label=i18n("figures"),
                elem_id="figures-range",
                elem_classes="pills",
                visible=False,
            )
            usage = gr.HTML(elem_id="status-usage", padding=False)
        recent = gr.HTML(elem_id="status-recent", padding=False)
    timer = gr.Timer(CALM_SECONDS)
    all_of_it = [overview, check, cards, shown, usage, recent, timer]
    demo.load(page.show, shown, all_of_it, **PRIVATE)
    timer.tick(page.show, shown, all_of_it, **PRIVATE)
    shown.input(page.show, shown, all_of_it, **PRIVATE)
    check.click(page.check, None, None, **PRIVATE).then(page.show, shown, all_of_it, **PRIVATE)
