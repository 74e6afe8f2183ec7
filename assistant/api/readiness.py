"""Whether the app can answer now: what a load balancer and Kubernetes ask.

Each part is asked at most every few seconds, however often the probe comes, and a part that doesn't
answer in time is not ready: the probe itself answers at once.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from assistant.errors import AssistantError
from assistant.parts import Parts

log = logging.getLogger(__name__)

FRESH_SECONDS = 2.0
#: A service is asked whether it is there: less often.
MODEL_SECONDS = 15.0
PATIENCE_SECONDS = 3.0

#: Returns where the part is ready; raises AssistantError where it is not.
Check = Callable[[], None]


@dataclass(frozen=True)
class State:
    """``detail``: why it is not ready."""

    ready: bool
    detail: str = ""


class Probe:
    """One part, asked in a thread of its own."""

    def __init__(self, name: str, check: Check, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._check = check
        self._fresh_seconds = fresh_seconds
        self._thread = ThreadPoolExecutor(1, f"probe-{name}")
        self._asking: asyncio.Future[State] | None = None
        self._known = State(False, "not asked yet")
        self._asked = -fresh_seconds

    async def state(self) -> State:
        if self._known.ready and time.monotonic() - self._asked < self._fresh_seconds:
            return self._known
        if self._asking is None or self._asking.done():
            loop = asyncio.get_running_loop()
            self._asking = loop.run_in_executor(self._thread, self._ask)
        done, _ = await asyncio.wait({self._asking}, timeout=PATIENCE_SECONDS)
        return self._known if done else State(False, "does not answer")

    def _ask(self) -> State:
        try:
            self._check()
            self._known = State(True)
        except AssistantError as error:
            self._known = State(False, str(error))
        except Exception as error:
            log.exception("a probe failed")
            self._known = State(False, type(error).__name__)
        self._asked = time.monotonic()
        return self._known

    def close(self) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)


class Readiness:
    """The parts that an answer needs: model, knowledge base, long-term memory; and whether the app
    still takes questions (``accepting``)."""

    def __init__(self, parts: Parts) -> None:
        self._turns = parts.turns
        self._probes = {
            "model": Probe("model", parts.chat.probe, MODEL_SECONDS),
            "knowledge": Probe("knowledge", partial(_read, parts)),
            "memory": Probe("memory", parts.long_term.ping),
        }

    async def states(self, without: Collection[str] = ()) -> dict[str, State]:
        """The state of each part that is not in ``without``."""
        asked = {name: probe for name, probe in self._probes.items() if name not in without}
        found = await asyncio.gather(*(probe.state() for probe in asked.values()))
        accepting = State(not self._turns.queue.closed, "about to end" * self._turns.queue.closed)
        return {"accepting": accepting, **dict(zip(asked, found, strict=True))}

    def close(self) -> None:
        for probe in self._probes.values():
            probe.close()


def _read(parts: Parts) -> None:
    parts.knowledge.stats()
