"""The endpoint and the app, each a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from assistant.settings import ROOT, SETTINGS
from benchmarks.load.endpoint import DOCUMENT, MODEL, Pace

QUESTION = "How long is the warranty of the Starlight 7000?"
START_SECONDS = 120.0
_ADDRESS = re.compile(r"http://[\w.\[\]:]+:\d+")


@dataclass(frozen=True)
class Running:
    url: str
    process: subprocess.Popen[str]

    @property
    def memory(self) -> float:
        """Resident, in MB."""
        told = subprocess.run(
            ["ps", "-o", "rss=", "-p", str(self.process.pid)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return int(told.stdout) / 1024

    @property
    def cpu(self) -> float:
        """Seconds of all its threads so far."""
        told = subprocess.run(
            ["ps", "-o", "time=", "-p", str(self.process.pid)],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        days, _, clock = told.stdout.strip().rpartition("-")
        parts = [float(part) for part in clock.split(":")]
        seconds: float = sum(part * 60**n for n, part in enumerate(reversed(parts)))
        return seconds + 86400 * int(days or 0)


@contextmanager
def endpoint(pace: Pace) -> Iterator[Running]:
    options = {"--first": pace.first, "--pace": pace.between, "--tokens": pace.tokens}
    arguments = [str(part) for pair in options.items() for part in pair]
    with _started("-m", "benchmarks.load.endpoint", *arguments) as running:
        yield running


@contextmanager
def app(data: Path, model: Running, streams: int) -> Iterator[Running]:
    """``python app.py`` with one document, ready to answer; nobody has to log in."""
    data.mkdir(parents=True, exist_ok=True)
    (data / "sample-added").touch()
    settings = {row.name: "" for row in SETTINGS} | {
        "PORT": "0",
        "DATA_DIR": str(data),
        "CHAT_MODEL": f"vllm:{MODEL}",
        "VLLM_BASE_URL": f"{model.url}/v1",
        "QUESTIONS_AT_ONCE": str(streams),
        "QUESTIONS_PER_USER": "0",
        "QUESTIONS_PER_MINUTE": "0",
        "QUEUE_LENGTH": "1000",
        "LOG_LEVEL": "WARNING",
        "GRACE_SECONDS": "0",
        "SHUTDOWN_SECONDS": "0",
    }
    with _started("app.py", settings=settings) as running:
        _fill(running)
        yield running


def _fill(running: Running) -> None:
    deadline = time.monotonic() + START_SECONDS
    with httpx.Client(base_url=running.url, timeout=30) as client:
        files = {"files": (DOCUMENT.name, DOCUMENT.read_bytes())}
        client.post("/api/v1/collections/default/sources/files", files=files).raise_for_status()
        while not _is_ready(client):
            if time.monotonic() > deadline:
                raise TimeoutError(client.get("/readyz").text)
            time.sleep(0.1)


def _is_ready(client: httpx.Client) -> bool:
    jobs = client.get("/api/v1/jobs").json()["jobs"]
    states = [job["state"] for job in jobs]
    return states == ["done"] and client.get("/readyz").status_code == 200


@contextmanager
def _started(*arguments: str, settings: dict[str, str] | None = None) -> Iterator[Running]:
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        env={**os.environ, **(settings or {})},
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if found := _ADDRESS.search(line):
                yield Running(found[0], process)
                return
        raise RuntimeError(f"{arguments} ended with {process.wait()}")
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
