"""Where Redis is: ``REDIS_URL``, or the embedded server of this data folder."""

from __future__ import annotations

import threading

from assistant.memory.server import ValkeyService
from assistant.processes import Lease, attach
from assistant.settings import Settings


class RedisAddress:
    """The URL to connect to, found when it is first asked for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lease: Lease | None = None
        self._lock = threading.Lock()

    def url(self) -> str:
        """The URL now: asked again after a lost connection, an embedded server that died is
        started anew and may have another port.

        Raises:
            ServiceError: the embedded server can't be started.
        """
        if self._settings.redis_url:
            return self._settings.redis_url
        with self._lock:
            if self._lease is None:
                self._lease = attach(ValkeyService(self._settings))
            else:
                self._lease.renew()
            return self._lease.address

    def close(self) -> None:
        """Let the embedded server go; it stops when nobody else uses it."""
        with self._lock:
            lease, self._lease = self._lease, None
        if lease:
            lease.close()
