"""``list`` and ``check``: what is configured, shown and tried."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from assistant.models import __main__ as command
from assistant.models.auto import role_of
from assistant.models.checking.row import Finding, Row
from assistant.settings import ROOT, Settings
from tests.openai_server import OpenAIServer, Reply, openai_server

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with openai_server() as server:
        server.models.append({"id": "m", "max_model_len": 4096})
        yield server


@pytest.fixture
def run(
    server: OpenAIServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Run:
    """Run a command with ``vllm:m`` at the local server for chat: (exit code, output, errors)."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    settings = {
        "LANGUAGE": "en",
        "DATA_DIR": str(tmp_path / "data"),
        "MODEL_DIR": str(tmp_path / "models"),
        "MODELS_FILE": str(tmp_path / "models.toml"),
        "CHAT_MODEL": "vllm:m",
        "VLLM_BASE_URL": server.url,
        "MODEL_RETRIES": "0",
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "models.toml").write_text("")
    monkeypatch.setattr(Settings.load.__func__, "__defaults__", (None, None))

    def run(*arguments: str) -> tuple[int, str, str]:
        code = command.main(arguments)
        told = capsys.readouterr()
        return code, told.out, told.err

    return run


NUMBERS = Reply(("one ", "two ", "three ", "four"))


def rows(told: tuple[int, str, str]) -> dict[str, dict[str, object]]:
    return {row["check"]: row for row in json.loads(told[1])["checks"]}


def test_chat_is_tried_with_its_figures(run: Run, server: OpenAIServer) -> None:
    server.replies += [Reply(("ready",)), NUMBERS]
    told = run("check", "--model", "vllm:m", "--json")
    found = rows(told)
    assert told[0] == 0
    assert [row["verdict"] for row in found.values()] == ["ok"] * 4
    assert found["chat"]["answer"] == "ready"
    assert found["stream"]["pieces"] == 4
    assert 0 < float(str(found["stream"]["first_token_seconds"])) < 5
    assert found["thoughts"]["thought_characters"] == 0
    assert found["window"]["context_window"] == 4096


def test_lines_are_for_people(run: Run, server: OpenAIServer) -> None:
    server.replies += [Reply(("ready",)), NUMBERS]
    lines = run("check", "--model", "vllm:m")[1].splitlines()
    assert lines[0].startswith("ok      chat       vllm:m  ")
    assert lines[0].endswith("s: 'ready'")
    assert "first token" in lines[1]
    assert lines[3] == "ok      window     vllm:m  4096 tokens"


def test_thoughts_are_seen_and_told_from_the_answer(run: Run, server: OpenAIServer) -> None:
    server.replies += [Reply(("ready",)), Reply(("one ", "two"), thoughts=("Let me ", "count"))]
    found = rows(run("check", "--model", "vllm:m", "--json"))
    assert found["thoughts"]["thought_characters"] == len("Let me count")
    server.replies += [Reply(("ready",)), Reply(("<think>count", "</think>", "one two"))]
    found = rows(run("check", "--model", "vllm:m", "--json"))
    assert found["thoughts"]["verdict"] == "ok"
    assert found["thoughts"]["thought_characters"] == len("count")


def test_long_stream_is_not_waited_for(run: Run, server: OpenAIServer) -> None:
    server.replies += [Reply(("ready",)), Reply(("word ",) * 500)]
    found = rows(run("check", "--model", "vllm:m", "--json"))
    assert found["stream"]["pieces"] == 64


def test_failure_is_told_with_its_advice(
    run: Run, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.replies += [Reply(status=401, error="Incorrect API key provided")] * 2
    code, out, _ = run("check", "--model", "vllm:m")
    assert code == 1
    assert out.startswith(
        "FAILED  chat       vllm:m  vllm refused the key for m: check VLLM_API_KEY"
    )
    assert len(out.splitlines()) == 1  # nothing else can come of it
    monkeypatch.setenv("LANGUAGE", "zh")
    assert run("check", "--model", "vllm:m")[1].startswith("失败      chat       vllm:m  vllm 拒绝")


def test_empty_answer_is_a_failure(run: Run, server: OpenAIServer) -> None:
    server.replies += [Reply((" ",))]
    code, out, _ = run("check", "--model", "vllm:m")
    assert code == 1
    assert "answered with nothing" in out


def test_wrong_settings_have_an_exit_code_of_their_own(run: Run) -> None:
    code, out, _ = run("check", "--model", "dashscope:qwen-plus")
    assert code == 2
    assert "DASHSCOPE_API_KEY" in out


def test_each_member_of_a_chain_is_tried_on_its_own(
    run: Run, server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHAT_MODEL", "vllm:m,deepseek:deepseek-chat,openai:other")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("OPENAI_BASE_URL", server.url)
    monkeypatch.setenv("REWRITE_MODEL", "vllm:small")
    server.replies += [Reply(("ready",)), NUMBERS] * 3
    code, out, _ = run("check", "--json")
    found = [(row["check"], row["model"], row["verdict"]) for row in json.loads(out)["checks"]]
    assert code == 2  # the key of the second is missing
    assert [row for row in found if row[0] in ("chat", "rewrite")] == [
        ("chat", "vllm:m", "ok"),
        ("chat", "deepseek:deepseek-chat", "failed"),
        ("chat", "openai:other", "ok"),
        ("rewrite", "vllm:small", "ok"),
    ]
    assert ("embedding", "local:multilingual-e5-small", "ok") in found
    assert ("rerank", "none", "not configured") in found


def test_embedding_model_is_tried_for_real(run: Run) -> None:
    found = rows(run("check", "--model", "local:multilingual-e5-small", "--json"))["embedding"]
    assert found["verdict"] == "ok"
    assert found["dimension"] == 384
    assert float(str(found["related"])) > float(str(found["unrelated"]))


def test_vectors_that_know_nothing_are_a_failure(run: Run, server: OpenAIServer) -> None:
    def vectors(count: int) -> Reply:
        data = [{"index": n, "embedding": [1.0, 0.0]} for n in range(count)]
        return Reply(body={"object": "list", "data": data, "model": "bge", "usage": {}})

    server.replies += [vectors(count) for count in (1, 2, 1, 16)]
    code, out, _ = run("check", "--model", "vllm:bge")
    assert code == 1, out
    assert "no higher than another" in out


def ranked(*scores: float) -> Reply:
    results = [{"index": n, "relevance_score": score} for n, score in enumerate(scores)]
    return Reply(body={"results": results})


def test_reranker_must_put_the_answer_first(run: Run, server: OpenAIServer) -> None:
    server.replies += [ranked(0.1, 0.9, 0.2), ranked(0.9, 0.1, 0.2)]
    found = rows(run("check", "--model", "vllm:bge-reranker", "--json"))
    assert found["rerank"]["related"] == 0.9
    code, out, _ = run("check", "--model", "vllm:bge-reranker")
    assert code == 1
    assert "no higher than another" in out


NAMED = """
[quick]
model = "vllm:m"
temperature = 0.1
api_key = "s3cret"

[order]
model = "vllm:some-reranker"
"""


def test_named_models_are_listed_and_tried(
    run: Run, server: OpenAIServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "models.toml").write_text(NAMED)
    code, out, _ = run("list", "--json")
    assert code == 0
    assert json.loads(out)["named"] == [
        {
            "name": "quick",
            "model": "vllm:m",
            "options": {"temperature": 0.1, "api_key": "(set)"},
        },
        {"name": "order", "model": "vllm:some-reranker", "options": {}},
    ]
    assert "s3cret" not in out + run("list")[1]
    server.replies += [Reply(("ready",)), NUMBERS, ranked(0.1, 0.9, 0.2)]
    found = rows(run("check", "--model", "quick", "--model", "order", "--json"))
    assert {row["verdict"] for row in found.values()} == {"ok"}
    monkeypatch.setenv("CHAT_MODEL", "vllm:x")
    server.replies += [Reply(("ready",)), NUMBERS, Reply(("ready",)), NUMBERS]
    server.replies += [ranked(0.1, 0.9, 0.2)]
    out = run("check", "--named", "--json")[1]
    names = [row["model"] for row in json.loads(out)["checks"]]
    assert names.count("quick") == 4
    assert names.count("order") == 1


def test_keys_are_told_of_but_not_shown(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASHSCOPE_API_KEY", "s3cret")
    code, out, _ = run("list", "--json")
    services = {row["name"]: row for row in json.loads(out)["services"]}
    assert code == 0
    assert services["dashscope"]["key_set"] is True
    assert services["openai"]["key_set"] is False
    assert services["openai"]["key_variable"] == "OPENAI_API_KEY"
    assert services["ollama"]["key_variable"] is None
    text = run("list")[1]
    assert "s3cret" not in out + text
    assert "needs OPENAI_API_KEY" in text


def test_broken_file_of_named_models_is_a_setting(run: Run, tmp_path: Path) -> None:
    (tmp_path / "models.toml").write_text("[quick]\n")
    code, _, err = run("list")
    assert code == 2
    assert "[quick] needs a line" in err


@pytest.mark.parametrize(
    ("model", "role"),
    [
        ("ollama:qwen3:0.6b", "chat"),
        ("dashscope:text-embedding-v4", "embedding"),
        ("huggingface:BAAI/bge-m3", "embedding"),
        ("siliconflow:BAAI/bge-reranker-v2-m3", "rerank"),
    ],
)
def test_role_is_told_from_the_name(model: str, role: str) -> None:
    assert role_of(model) == role


def test_verdict_speaks_both_languages() -> None:
    row = Row("stream", "m", "ok", Finding("quick", "很快"))
    assert row.line("zh") == "正常      stream     m  很快"


def test_listing_starts_without_the_heavy_packages(tmp_path: Path) -> None:
    heavy = ("langchain_core", "huggingface_hub", "numpy", "xllamacpp", "openai", "faiss")
    code = (
        "import sys\nfrom assistant.models.__main__ import main\ncode = main(['list'])\n"
        f"print([name for name in {heavy} if name in sys.modules])\nsys.exit(code)"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert out.splitlines()[-1] == "[]"
