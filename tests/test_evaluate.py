"""``python -m assistant.evaluate`` on small sets, with the real embedding model and a chat model
whose replies are told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant.evaluate.__main__ import main
from tests import commands
from tests.openai_server import OpenAIServer, Reply, openai_server

Rows = Sequence[Mapping[str, Any]]
CORPUS = [
    {"_id": "su", "title": "苏轼", "text": "苏轼，眉州眉山人，北宋文学家。"},
    {"_id": "li", "title": "李白", "text": "李白，字太白，唐代诗人，人称诗仙。"},
    {"_id": "ada", "title": "Ada Lovelace", "text": "Ada Lovelace was born in London in 1815."},
    {"_id": "cat", "title": "", "text": "Cats sleep for most of the day."},
]
ZH_TURNS = [
    {"role": "user", "content": "苏轼是谁？"},
    {"role": "assistant", "content": "苏轼是北宋文学家。"},
]
EN_TURNS = [
    {"role": "user", "content": "Who was Ada Lovelace?"},
    {"role": "assistant", "content": "Ada Lovelace was a mathematician."},
]
QUERIES = [
    {
        "_id": "zh",
        "text": "他是哪里人？",
        "metadata": {"turns": ZH_TURNS, "needs_history": True, "oracle_query": "苏轼是哪里人？"},
    },
    {
        "_id": "en",
        "text": "Where was she born?",
        "metadata": {"turns": EN_TURNS, "gold_rewrite": "Where was Ada Lovelace born?"},
    },
    {"_id": "alone", "text": "李白字什么？", "metadata": {"needs_history": False}},
    {"_id": "no", "text": "?", "metadata": {"answerable": False}},
]
QRELS = "query-id\tcorpus-id\tscore\nzh\tsu\t1\nen\tada\t1\nalone\tli\t1\nno\tcat\t0\n"
REPLIES = ("苏轼 | 苏轼是哪里人？", "Ada Lovelace | Where was Ada Lovelace born?")


@pytest.fixture(scope="module")
def server() -> Iterator[OpenAIServer]:
    with openai_server() as server:
        yield server


@pytest.fixture(autouse=True)
def settings(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, server: OpenAIServer
) -> Iterator[None]:
    server.clear()
    commands.prepare(monkeypatch, tmp_path / "data")
    monkeypatch.setenv("VLLM_BASE_URL", server.url)
    monkeypatch.setenv("CHAT_MODEL", "vllm:test")
    yield


def write(folder: Path, corpus: Rows | None = CORPUS, queries: Rows = QUERIES) -> Path:
    (folder / "qrels").mkdir(parents=True)
    for name, rows in (("corpus", corpus), ("queries", queries)):
        if rows is not None:
            lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
            (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")
    qrels = QRELS if corpus is not None else "query-id\tcorpus-id\tscore\n"
    (folder / "qrels" / "dev.tsv").write_text(qrels)
    return folder


def run(capsys: pytest.CaptureFixture[str], command: str, folder: Path, *more: str) -> Any:
    assert main([command, "--data", str(folder), "--json", *more]) == 0
    return json.loads(capsys.readouterr().out)


def by_form(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {row["form"]: row for row in result["rows"]}


def test_every_form_of_a_question_is_searched(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.say(*REPLIES)
    result = run(capsys, "rewrite", write(tmp_path / "tiny"))
    rows = by_form(result)
    assert (result["set"], result["n"]) == ("tiny", 3)
    assert list(rows) == ["last", "concat_user", "concat_all", "gold", "oracle", "ours"]
    assert [row["n"] for row in rows.values()] == [3, 3, 3, 1, 1, 3]
    measures = {"recall@1", "recall@5", "recall@10", "recall@20", "ndcg@10", "mrr"}
    for row in rows.values():
        assert measures | {"form", "leg", "p50_ms", "p95_ms"} <= set(row)
        assert row["leg"] == "dense"
        assert row["recall@5"] == 1  # there are but four passages
        assert 0 < row["p50_ms"] <= row["p95_ms"]
    ours = rows["ours"]
    assert ours["recall@1"] == ours["mrr"] == 1
    assert ours["model"] == "vllm:test"
    assert ours["ways"] == {"model": 2, "typed": 1}
    assert ours["skipped"] == {"all": 0.3333, "needs_history": 0.0, "stands_alone": 1.0}
    assert ours["needs_history"]["yes"]["n"] == 2
    assert ours["on_gold"] == {"n": 1, "recall@5": 1.0, "ndcg@10": 1.0}


def test_an_interrupted_run_goes_on(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "tiny")
    server.say(REPLIES[0])
    server.replies.append(Reply(status=401, error="no such key"))
    assert main(["rewrite", "--data", str(folder), "--json"]) == 1
    told = capsys.readouterr()
    assert (told.out, "key" in told.err) == ("", True)
    server.say(REPLIES[1])
    rows = by_form(run(capsys, "rewrite", folder))
    assert rows["ours"]["ways"] == {"model": 2, "typed": 1}
    assert len(server.requests) == 3
    again = by_form(run(capsys, "rewrite", folder))
    assert len(server.requests) == 3
    # What it took then, not what it takes to read it.
    took = rows["ours"]["rewrite_asked_p50_ms"]
    assert again["ours"]["rewrite_asked_p50_ms"] > 0.2 * took


def test_models_are_compared_and_kept_apart(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.say(*REPLIES, *REPLIES)
    result = run(capsys, "rewrite", write(tmp_path / "tiny"), "--model", "vllm:one", "vllm:two")
    ours = [row["model"] for row in result["rows"] if row["form"] == "ours"]
    assert ours == ["vllm:one", "vllm:two"]
    assert [request["model"] for request in server.requests] == ["one", "one", "two", "two"]


def test_without_a_corpus_rewrites_stand_beside_gold(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    server.say(REPLIES[1])
    result = run(capsys, "rewrite", write(tmp_path / "tiny", corpus=None))
    rows = by_form(result)
    assert (result["n"], list(rows)) == (1, ["last", "ours"])
    assert (rows["last"]["em"], rows["ours"]["em"], rows["ours"]["rouge_l"]) == (0, 1, 1)
    # "where was born" of "where was she born": P 3/4, R 3/5
    assert rows["last"]["rouge_l"] == pytest.approx(2.44 * 0.45 / (0.6 + 1.44 * 0.75), abs=1e-4)


def test_a_sample_is_the_same_each_time_and_a_table_is_for_people(
    tmp_path: Path, server: OpenAIServer, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write(tmp_path / "tiny")
    for _ in range(2):
        server.say(*REPLIES)
        assert main(["rewrite", "--data", str(folder), "--sample", "2"]) == 0
    first, second = capsys.readouterr().out.split("tiny: 2\n")[1:]
    header, *rows = first.splitlines()
    assert header.split()[:4] == ["form", "leg", "n", "recall@1"]
    assert rows[0].split()[:3] == ["last", "dense", "2"]
    assert rows[0].split()[:9] == second.splitlines()[1].split()[:9]


SESSIONS = (
    ("1:00 pm on 8 May, 2023", "Hey, I adopted a tortoise!", "Nice! What is the name?", "Momo."),
    ("2:00 pm on 9 May, 2023", "I moved to Bergen.", "Do you like it?", "The rain is a lot."),
)


def test_memory_beside_the_plain_ways(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    corpus = [
        {
            "_id": f"{scope}{session}{n}",
            "text": f"({time}) {text}",
            "metadata": {"scope": scope, "session": session, "time": time},
        }
        for scope in "ab"
        for session, (time, *texts) in enumerate(SESSIONS)
        for n, text in enumerate(texts)
    ]
    queries = [
        {
            "_id": f"q{scope}",
            "text": "What is the name of the tortoise?",
            "metadata": {"scope": scope, "category": f"kind {scope}"},
        }
        for scope in "ab"
    ]
    folder = write(tmp_path / "tiny", corpus, queries)
    (folder / "qrels" / "dev.tsv").write_text("qa\ta02\t1\nqb\tb00\t1\n")
    result = run(capsys, "memory", folder)
    rows = {(row["leg"], row["category"]): row for row in result["rows"]}
    assert {leg for leg, _ in rows} == {"ours", "dense", "bm25", "rrf"}
    ours = rows["ours", "all"]
    # Each scope has six messages, of which the questions' own alone count.
    assert (ours["n"], ours["recall@10"], rows["dense", "all"]["recall@10"]) == (2, 1, 1)
    assert rows["bm25", "kind a"]["recall@20"] == 0  # "Momo." has no word of the question
    assert rows["ours", "kind a"]["recall@5"] == 1
    assert 0 < ours["tokens@5"] <= ours["tokens@10"] == ours["tokens@20"]
    assert ours["p50_ms"] > 0


@pytest.mark.parametrize(
    ("file", "text", "place", "chinese"),
    [
        ("queries.jsonl", '{"_id": "a", "text": "b"}\n{"_id"', "queries.jsonl, line 2", "第 2 行"),
        ("queries.jsonl", '{"_id": 3, "text": "b"}\n', "queries.jsonl, line 1", "第 1 行"),
        ("queries.jsonl", "[]\n", "queries.jsonl, line 1", "第 1 行"),
        (
            "queries.jsonl",
            '{"_id": "a", "text": "b", "metadata": {"turns": [{"role": "x"}]}}\n',
            "queries.jsonl, line 1",
            "role",
        ),
        ("corpus.jsonl", '{"_id": "a"}\n', "corpus.jsonl, line 1", "缺少文本字段 text"),
        ("corpus.jsonl", b"\xff\xfe\n", "corpus.jsonl", "UTF-8"),
        ("qrels/dev.tsv", "query-id\tcorpus-id\tscore\nzh\tnone\t1\n", "line 2", "未知的 id none"),
        ("qrels/dev.tsv", "nobody\tsu\t1\n", "line 1", "未知的 id nobody"),
        ("qrels/dev.tsv", "zh su 1\n", "line 1", "制表符"),
        ("qrels/dev.tsv", "zh\tsu\tmuch\n", "line 1", "制表符"),
        ("qrels/dev.tsv", "", "no question", "没有可评测的问题"),
        ("queries.jsonl", None, "queries.jsonl is missing", "缺少文件"),
        ("qrels/dev.tsv", None, "no split dev", "没有划分 dev"),
    ],
)
def test_bad_sets_are_told_with_file_and_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    file: str,
    text: str | bytes | None,
    place: str,
    chinese: str,
) -> None:
    folder = write(tmp_path / "tiny")
    path = folder / file
    if text is None:
        path.unlink()
    else:
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    assert main(["rewrite", "--data", str(folder)]) == 2
    assert place in capsys.readouterr().err
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert main(["memory", "--data", str(folder)]) == 2
    told = capsys.readouterr()
    assert (chinese in told.err, told.out) == (True, "")


def test_other_wrong_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["rewrite", "--data", str(tmp_path / "none")]) == 2
    assert "no folder" in capsys.readouterr().err
    folder = write(tmp_path / "tiny")
    assert main(["rewrite", "--data", str(folder), "--split", "test"]) == 2
    assert "It has: dev" in capsys.readouterr().err
    assert main(["rewrite", "--data", str(folder), "--model", "nobody:x"]) == 2
    assert "nobody" in capsys.readouterr().err
    assert main(["memory", "--data", str(write(tmp_path / "bare", corpus=None))]) == 2
    assert "nothing to recall" in capsys.readouterr().err
    with pytest.raises(SystemExit) as end:
        main(["rewrite", "--data", str(folder), "--sample", "0"])
    assert end.value.code == 2
