"""Joins what the head, the status page and the guide stand on."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.observability.figures import Figures
from assistant.observability.recent_faults import RecentFaults
from assistant.parts import Parts
from assistant.ui.guide import GuidePage
from assistant.ui.head import Heads
from assistant.ui.model_checks import ModelChecks
from assistant.ui.status import Status
from assistant.ui.status_facts import Facts
from assistant.ui.status_page import StatusPage
from assistant.ui.visitor import Visitors


@dataclass(frozen=True)
class Operating:
    """``start`` when the app is built, ``close`` when it ends."""

    status: Status
    heads: Heads
    page: StatusPage
    guide: GuidePage

    def start(self) -> None:
        self.page.faults.attach()
        self.status.start()

    def close(self) -> None:
        self.status.close()
        self.page.figures.write()
        self.page.faults.detach()


def open_operating(parts: Parts, visitors: Visitors) -> Operating:
    """Nothing runs before :meth:`Operating.start`; turns are counted from now on."""
    settings = parts.settings
    status = Status(parts.chat, parts.long_term)
    figures = Figures(settings.log_dir / "figures.jsonl")
    parts.turns.observe(figures.observe)
    checks = ModelChecks(settings, settings.data_dir / "cache" / "model-check.json")
    facts = Facts(parts, figures)
    page = StatusPage(status, facts, figures, checks, RecentFaults(), visitors)
    return Operating(status, Heads(status, visitors), page, GuidePage(parts, checks, visitors))
