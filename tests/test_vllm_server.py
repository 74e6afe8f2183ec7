"""The real vLLM server of the heavy tests: it speaks as recorded, and nothing of it stays."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from subprocess import PIPE

import httpx
import pytest

from assistant.settings import ROOT
from tests.vllm_server import needs_vllm, vllm_server

pytestmark = [pytest.mark.heavy, needs_vllm, pytest.mark.timeout(900)]
SAMPLES = ROOT / "tests" / "samples" / "wire" / "vllm"


def processes_of(group: int) -> list[str]:
    found = subprocess.run(["pgrep", "-g", str(group)], capture_output=True, text=True, check=False)
    return found.stdout.split()


def test_it_answers_as_recorded_and_leaves_nothing(tmp_path: Path) -> None:
    with vllm_server("tiny", folder=tmp_path) as server:
        head = {"Authorization": f"Bearer {server.key}"}
        with httpx.Client(trust_env=False, timeout=60) as client:
            for name in ("error-wrong-key", "error-no-messages", "error-parameter", "version"):
                sample = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
                request = sample["request"]
                body = request["body"] and {**request["body"], "model": server.model}
                key = {"Authorization": "Bearer wrong"} if name == "error-wrong-key" else head
                answer = client.request(
                    request["method"], server.root + request["path"], json=body, headers=key
                )
                assert answer.status_code == sample["status"], name
                assert answer.json() == sample["body"], name
        assert len(processes_of(server.pid)) > 1
    assert processes_of(server.pid) == []


def test_it_ends_when_the_tests_are_killed() -> None:
    command = [sys.executable, "-m", "tests.vllm_server", "tiny"]
    with (
        tempfile.TemporaryDirectory() as scratch,
        subprocess.Popen(
            command, cwd=ROOT, env=os.environ | {"TMPDIR": scratch}, stdout=PIPE, text=True
        ) as holder,
    ):
        assert holder.stdout is not None
        assert holder.stdout.readline() == "CHAT_MODEL=vllm:tiny\n"
        group = int(subprocess.check_output(["pgrep", "-P", str(holder.pid)]))
        os.kill(holder.pid, signal.SIGKILL)
        until = time.monotonic() + 60
        while processes_of(group) and time.monotonic() < until:
            time.sleep(0.1)
        assert processes_of(group) == []


def test_a_server_that_cannot_start_says_why(tmp_path: Path) -> None:
    with (
        pytest.raises(RuntimeError, match=r"(?s)ended with code.*no_such_parser"),
        vllm_server("tiny", "--reasoning-parser", "no_such_parser", folder=tmp_path),
    ):
        pass
