"""``/healthz``, ``/readyz`` and ``/metrics``: for those who run the app."""

from __future__ import annotations

import ipaddress
from dataclasses import asdict, dataclass
from typing import Annotated

from fastapi import Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from assistant.api.readiness import Readiness
from assistant.observability.metrics import CONTENT_TYPE, Metrics
from assistant.ui.visitor import Visitors
from assistant.users.identity import Role

UNCACHED = {"Cache-Control": "no-store"}


@dataclass(frozen=True)
class Health:
    """The handlers.

    ``metrics_from``: addresses and networks that may read the metrics without an administrator's
    key.
    """

    readiness: Readiness
    metrics: Metrics
    visitors: Visitors
    metrics_from: tuple[str, ...] = ()

    async def live(self) -> JSONResponse:
        """The process lives: 200 as long as it can answer at all."""
        return JSONResponse({"status": "ok"}, headers=UNCACHED)

    async def ready(self, exclude: Annotated[tuple[str, ...], Query()] = ()) -> JSONResponse:
        """Whether questions can be answered now: 200, or 503 with what is amiss. ``exclude`` leaves
        parts out of the verdict, such as ``memory``."""
        states = await self.readiness.states(exclude)
        is_ready = all(state.ready for state in states.values())
        told = {name: asdict(state) for name, state in states.items()}
        status = 200 if is_ready else 503
        return JSONResponse({"ready": is_ready, "parts": told}, status, UNCACHED)

    async def figures(self, request: Request) -> Response:
        """Prometheus' text. For administrators, and for addresses in METRICS_FROM."""
        if not self._is_known(request):
            self.visitors.require(request, Role.ADMIN)
        text = await run_in_threadpool(self.metrics.text)
        return Response(text, media_type=CONTENT_TYPE, headers=UNCACHED)

    def _is_known(self, request: Request) -> bool:
        address = getattr(request.state, "address", "") or (
            request.client.host if request.client else ""
        )
        try:
            peer = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(peer in ipaddress.ip_network(network) for network in self.metrics_from)
