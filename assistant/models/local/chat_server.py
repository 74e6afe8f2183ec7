"""The embedded chat model: its file fetched, its server started or attached to, its state told."""

from __future__ import annotations

import hashlib
import http.client
import json
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import AssistantError, ModelUnavailable
from assistant.models.local import catalogue, files
from assistant.models.local import server as server_script
from assistant.models.local.cores import usable_cores
from assistant.processes import Endpoint, Launch, Lease, Service, attach
from assistant.settings import Settings

ANSWER_SECONDS = 2.0
CLOSE_SECONDS = 1.0

STAGES = {
    "missing": ("not downloaded", "未下载"),
    "downloading": ("downloading", "下载中"),
    "loading": ("loading", "加载中"),
    "ready": ("ready", "就绪"),
    "failed": ("failed", "失败"),
}


@dataclass(frozen=True)
class ModelState:
    """What the embedded model is doing. ``stage`` is a key of :data:`STAGES`."""

    stage: str
    percent: int | None = None  # of a download
    error: AssistantError | None = None

    def text(self, language: str) -> str:
        """For people: "downloading 43%", "failed: ..."."""
        chinese = language.startswith("zh")
        words = STAGES[self.stage][chinese]
        if self.percent is not None:
            words += f" {self.percent}%"
        if self.error is not None:
            words += ("：" if chinese else ": ") + self.error.text(language)
        return words


class ChatService(Service):
    """One server per model file and its settings: the same for all processes of a data folder
    until the settings change."""

    # The first read of a gigabyte from a slow disk takes its time.
    start_seconds = 180.0

    def __init__(self, settings: Settings, model: Path) -> None:
        self.model = model
        self.threads = settings.local_threads or usable_cores()
        self.context = settings.local_context
        key = f"{model}|{self.threads}|{self.context}"
        digest = hashlib.sha256(key.encode()).hexdigest()[:8]
        name = f"chat-{model.stem}-{digest}"
        super().__init__(name, settings.run_dir, settings.log_dir, settings.grace_seconds)

    def launch(self, endpoint: Endpoint) -> Launch:
        plan = {
            "model": str(self.model),
            "port": endpoint.port,
            "api_key": endpoint.secret,
            "threads": self.threads,
            "context": self.context,
        }
        return Launch(
            argv=(sys.executable, "-P", server_script.__file__),
            stdin=json.dumps(plan),
            # Else waiting threads spin, and decoding falls to a token a second on busy cores. It
            # is read when the process starts.
            environment=(("OMP_WAIT_POLICY", "passive"),),
        )

    def address(self, endpoint: Endpoint) -> str:
        return f"http://127.0.0.1:{endpoint.port}/v1"

    def is_healthy(self, endpoint: Endpoint) -> bool:
        connection = http.client.HTTPConnection("127.0.0.1", endpoint.port, timeout=ANSWER_SECONDS)
        try:
            # Unlike /health it wants the key, so it also tells whose server this is.
            headers = {"Authorization": f"Bearer {endpoint.secret}"}
            connection.request("GET", "/v1/models", headers=headers)
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


class LocalChatServer:
    """The embedded chat model called ``name`` (what stands after ``local:``).

    Nothing happens before :meth:`start`. May be used from several threads.

    Raises:
        ModelError: no such model.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self.model = catalogue.find(name)
        path = self.model if isinstance(self.model, Path) else self.model.path(settings)
        self.service = ChatService(settings, path)
        self._lease: Lease | None = None
        self._lock = threading.Lock()
        self._closed = False
        here = files.is_here(self.model, settings)
        self._state = ModelState("loading" if here else "missing")

    @property
    def state(self) -> ModelState:
        """What it is doing now; never waits."""
        return self._state

    @property
    def base_url(self) -> str:
        """Such as ``http://127.0.0.1:41234/v1``; :meth:`start` may change it."""
        return self._started().address

    @property
    def api_key(self) -> str:
        return self._started().secret

    @property
    def pid(self) -> int:
        return self._started().pid

    def start(self, progress: files.Progress | None = None) -> None:
        """Return when the server answers: fetches the file, starts the server or attaches to it.

        Call it again after a lost connection: a living server is kept, a dead one replaced.

        Raises:
            ModelFileError: the file can't be had.
            ServiceError: the server doesn't start.
            ModelUnavailable: it was closed, maybe meanwhile.
        """
        with self._lock:
            try:
                self._start(progress)
            except AssistantError as error:
                self._state = ModelState("failed", error=error)
                raise
            self._state = ModelState("ready")

    def _start(self, progress: files.Progress | None) -> None:
        def tell(done: int, total: int, source: str) -> None:
            self._check_open()
            self._state = ModelState("downloading", percent=100 * done // total)
            if progress is not None:
                progress(done, total, source)

        self._check_open()
        if self._lease is not None:
            self._lease.renew()
            return
        files.obtain(self.model, self._settings, tell)
        self._state = ModelState("loading")
        self._lease = attach(self.service)
        if self._closed:
            self._leave()
        self._check_open()

    def _check_open(self) -> None:
        if self._closed:
            raise ModelUnavailable("The embedded model was closed.", "内置模型已关闭。")

    def _started(self) -> Lease:
        lease = self._lease
        if lease is None:
            raise ModelUnavailable(
                "The embedded chat model is not ready ({en}).",
                "内置对话模型尚未就绪（{zh}）。",
                en=self._state.text("en"),
                zh=self._state.text("zh"),
            )
        return lease

    def close(self) -> None:
        """Let the server go; it ends after the grace time unless others use it.

        A download that runs is broken off; a server that loads is let go when it has loaded.
        """
        self._closed = True
        if self._lock.acquire(timeout=CLOSE_SECONDS):
            try:
                self._leave()
            finally:
                self._lock.release()

    def _leave(self) -> None:
        lease, self._lease = self._lease, None
        if lease is not None:
            lease.close()
