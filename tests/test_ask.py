"""``python -m assistant ask``: the terminal's way through the same turn."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.settings import ROOT
from tests.openai_server import OpenAIServer, openai_server


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with openai_server() as server:
        yield server


def ask(
    server: OpenAIServer, data: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    values = {
        "DATA_DIR": str(data),
        "VLLM_BASE_URL": server.url,
        "CHAT_MODEL": "vllm:test",
        "GRACE_SECONDS": "0",
        "LANG": "C.UTF-8",
        **environment,
    }
    return subprocess.run(
        [sys.executable, "-m", "assistant", "ask", *arguments],
        cwd=ROOT,
        env={**os.environ, **values},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_turn_as_json(server: OpenAIServer, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "ingest", "add", str(ROOT / "data/sample/guide.zh.md")],
        cwd=ROOT,
        env={**os.environ, "DATA_DIR": str(tmp_path)},
        check=True,
        capture_output=True,
    )
    server.say("爬虫遵守 robots.txt，默认深度为 3 层。")
    done = ask(server, tmp_path, "爬虫默认抓取多深？", "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    assert result["answer"].startswith("爬虫遵守 robots.txt，默认深度为 3 层[")
    assert result["rewritten_question"] == "爬虫默认抓取多深？"
    assert {"n", "id", "title", "location", "quote", "score"} == set(result["sources"][0])
    numbers = [source["n"] for source in result["sources"]]
    assert numbers == list(range(1, len(numbers) + 1)), "each passage is told once"
    assert (result["refused"], result["error"]) == (False, None)
    assert result["timings"]["total"] > 0

    server.say("爬虫最多抓取多少页？", "最多500页。")
    more = ask(server, tmp_path, "最多多少页？", "--conversation", result["conversation"])
    assert more.returncode == 0, more.stderr
    assert "500页" in more.stdout
    assert "-> 爬虫最多抓取多少页？" in more.stderr
    assert more.stderr.count("[1] ") == 1
    assert f"--conversation {result['conversation']}" in more.stderr


def test_faults_are_told_on_standard_error(server: OpenAIServer, tmp_path: Path) -> None:
    bad = ask(server, tmp_path, "q", PORT="none", LANG="zh_CN.UTF-8")
    assert (bad.returncode, bad.stdout) == (2, "")
    assert "PORT" in bad.stderr and "请在 .env 中修改" in bad.stderr
    empty = ask(server, tmp_path, "  ", "--json")
    assert empty.returncode == 1
    assert json.loads(empty.stdout)["error"]["kind"] == "conversation"
