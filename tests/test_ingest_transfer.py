"""The command line: export, import and search with filters and explanations."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.documents import Document

from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import ROOT, Settings
from tests.commands import exit_code, prepare

with warnings.catch_warnings():
    warnings.filterwarnings(
        "ignore", message="`langchain-community` is", category=DeprecationWarning
    )
    from langchain_community.vectorstores import FAISS

Run = Callable[..., tuple[int, str, str]]


class Standard:
    """Standard input or output with bytes below, as a terminal has it."""

    def __init__(self, data: bytes = b"") -> None:
        self.buffer = io.BufferedReader(io.BytesIO(data))


@pytest.fixture
def run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> Run:
    """Runs a command in this process: its exit code, output and error output."""
    prepare(monkeypatch, tmp_path / "data")

    def call(*arguments: str, stdin: bytes | None = None) -> tuple[int, str, str]:
        if stdin is not None:
            monkeypatch.setattr(sys, "stdin", Standard(stdin))
        code = exit_code(arguments)
        captured = capfdbinary.readouterr()
        return code, captured.out.decode(), captured.err.decode()

    return call


@pytest.fixture(scope="module")
def embeddings() -> EmbeddingModel:
    return open_embeddings(Settings.load({"EMBEDDING_CACHE_MB": "0"}, None))


@pytest.fixture
def filled(run: Run, tmp_path: Path) -> Run:
    """``run`` with three documents in the default collection."""
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "备份.md").write_text("# 备份\n\n备份每天凌晨运行一次。", "utf-8")
    (docs / "恢复.md").write_text("# 恢复\n\n用 restore 命令恢复，报错 E1042 时重试。", "utf-8")
    (docs / "notes.txt").write_text("Tomatoes need six hours of sun and regular water.", "utf-8")
    assert run("add", str(docs))[0] == 0
    return run


def stats(run: Run) -> dict[str, tuple[int, int]]:
    """Sources and chunks of each collection."""
    collections = json.loads(run("stats", "--json")[1])["collections"]
    return {name: (one["sources"], one["chunks"]) for name, one in collections.items()}


def search(run: Run, *arguments: str) -> list[dict[str, Any]]:
    code, out, _ = run("search", *arguments, "--json")
    assert code == 0
    return json.loads(out)["hits"]


# Export and import


@pytest.mark.parametrize("name", ["kb.jsonl", "kb.jsonl.gz"])
def test_a_file_and_back(filled: Run, tmp_path: Path, name: str) -> None:
    file = tmp_path / "out" / name
    file.parent.mkdir()
    file.write_text("an older one")
    code, out, err = filled("export", str(file))
    assert (code, out, err) == (0, f"3 sources, 3 chunks: {file}\n", "")
    assert list(file.parent.iterdir()) == [file]
    data = file.read_bytes()
    lines = (gzip.decompress(data) if name.endswith("gz") else data).splitlines()
    assert [next(iter(json.loads(line))) for line in lines] == [
        *("format", "source", "chunk", "source", "chunk", "source", "chunk", "end")
    ]

    code, out, _ = filled("import", str(file), "--collection", "copy", "--json")
    report = {"sources": 3, "added": 3, "kept": 0, "removed": 0}
    assert (code, json.loads(out)) == (0, report)
    code, out, _ = filled("import", str(file), "--collection", "copy")
    assert (code, out) == (0, "3 sources: 0 chunks added, 3 there already, 0 removed\n")
    assert stats(filled)["copy"] == stats(filled)["default"]
    (hit,) = search(filled, "E1042", "-k", "1", "--collection", "copy")
    (same,) = search(filled, "E1042", "-k", "1")
    assert hit == same


def test_standard_output_and_input(filled: Run) -> None:
    code, out, err = filled("export", "--no-vectors")
    assert (code, err) == (0, "") and out.count("\n") == 8 and '"vector"' not in out
    code, _, err = filled("import", "-", "--collection", "b", stdin=out.encode())
    assert code == 1 and "use --embed" in err
    packed = gzip.compress(out.encode())
    code, _, _ = filled("import", "-", "--collection", "b", "--embed", stdin=packed)
    assert code == 0
    _, again, _ = filled("export", "--collection", "b")
    _, first, _ = filled("export")
    assert again.splitlines()[1:] == first.splitlines()[1:]


def test_through_a_pipe_between_two_processes(filled: Run, tmp_path: Path) -> None:
    """Nothing but the lines is on standard output."""
    command = [sys.executable, "-W", "error", "-m", "ingest"]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen([*command, "export"], env=environment, stdout=subprocess.PIPE) as out:
        done = subprocess.run(
            [*command, "import", "-", "--json"],
            env=environment | {"DATA_DIR": str(tmp_path / "other")},
            stdin=out.stdout,
            capture_output=True,
            timeout=60,
            check=False,
        )
    assert (out.returncode, done.returncode, done.stderr) == (0, 0, b"")
    assert json.loads(done.stdout)["added"] == 3


def test_another_embedding_model(filled: Run, tmp_path: Path) -> None:
    file = tmp_path / "kb.jsonl"
    filled("export", str(file))
    lines = file.read_text("utf-8").replace("multilingual-e5-small", "older-model", 1)
    file.write_text(lines, "utf-8")
    code, _, err = filled("import", str(file), "--collection", "b")
    assert code == 1 and "older-model" in err and "--embed" in err
    assert "b" not in stats(filled)
    assert filled("import", str(file), "--collection", "b", "--embed")[0] == 0
    assert search(filled, "备份", "--collection", "b")[0]["title"] == "备份"


def test_a_damaged_file_says_the_line_and_what_is_stored(filled: Run, tmp_path: Path) -> None:
    file = tmp_path / "kb.jsonl"
    filled("export", str(file))
    lines = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(b"".join(lines[:-2]))
    code, out, err = filled("import", str(file), "--collection", "b", "--json")
    assert code == 1
    assert "Line 7 can't be used" in err and "2 whole sources, 2 chunks" in err
    assert json.loads(out)["error"]["kind"] == "knowledge"
    assert stats(filled)["b"] == (2, 2)
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"".join(lines))[:-30])
    code, _, err = filled("import", str(tmp_path / "cut.gz"), "--collection", "b")
    assert code == 1 and "cut or damaged" in err


def test_files_that_cannot_be_read_or_written(filled: Run, tmp_path: Path) -> None:
    code, _, err = filled("import", str(tmp_path / "none.jsonl"))
    assert (code, err) == (
        1,
        f"{tmp_path / 'none.jsonl'} can't be read: No such file or directory.\n",
    )
    code, _, err = filled("export", str(tmp_path / "no" / "kb.jsonl"))
    assert code == 1 and "can't be written" in err
    code, _, err = filled("export", str(tmp_path))
    assert code == 1 and "is no file" in err
    file = tmp_path / "kb.jsonl"
    file.write_text("old")
    code, _, err = filled("export", str(file), "--collection", "none")
    assert (code, file.read_text()) == (1, "old") and "no collection none" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data", "docs", "kb.jsonl"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("export", "--json"),
        ("import",),
        ("import", "a", "--langchain", "b"),
        ("import", "a", "--keep-vectors"),
        ("import", "a", "--index-name", "x"),
        ("import", "--langchain", "a", "--embed"),
        ("search", "x", "--filter", "{"),
        ("search", "x", "--filter", "[1]"),
    ],
)
def test_wrong_use(run: Run, arguments: tuple[str, ...]) -> None:
    code, _, err = run(*arguments)
    assert code == 2 and err


# LangChain


@pytest.fixture
def langchain(tmp_path: Path, embeddings: EmbeddingModel) -> Path:
    store = FAISS.from_documents(
        [
            Document(page_content="备份每天凌晨运行一次。", metadata={"source": "手册", "page": 1}),
            Document(page_content="Tomatoes need sun.", metadata={"score": np.float32(0.5)}),
        ],
        embeddings,
        ids=["x", "y"],
    )
    store.save_local(str(tmp_path / "lc"), "mine")
    return tmp_path / "lc"


@pytest.mark.parametrize("options", [(), ("--keep-vectors",)])
def test_a_langchain_folder(run: Run, langchain: Path, options: tuple[str, ...]) -> None:
    command = ("import", "--langchain", str(langchain), "--index-name", "mine", *options)
    code, out, err = run(*command)
    assert (code, err) == (0, "")
    assert out == f"2 texts from {langchain}\nMetadata said as text or number: numpy 1\n"
    assert stats(run) == {"default": (2, 2)}
    (hit,) = search(run, "什么时候备份？", "-k", "1")
    assert (hit["id"], hit["source"]) == ("x", "手册")
    assert search(run, "tomatoes", "--filter", '{"score": 0.5}')[0]["id"] == "y"
    exported = run("export")[1]
    code, out, _ = run(*command, "--json")
    assert json.loads(out) == {"texts": 2, "converted": {"numpy": 1}}
    assert run("export")[1].splitlines()[1:] == exported.splitlines()[1:]


def test_kept_vectors_are_those_of_the_folder(run: Run, langchain: Path) -> None:
    command = ("import", "--langchain", str(langchain), "--index-name", "mine")
    assert run(*command, "--collection", "made")[0] == 0
    path = langchain / "mine.faiss"
    data = bytearray(path.read_bytes())
    vector = np.frombuffer(data[-4 * 384 :], dtype="<f4")
    data[-4 * 384 :] = (-vector).tobytes()  # the last text's
    path.write_bytes(data)
    assert run(*command, "--keep-vectors", "--collection", "kept")[0] == 0
    (made,) = search(run, "sun", "--collection", "made", "--explain", "--filter", '{"score": 0.5}')
    (kept,) = search(run, "sun", "--collection", "kept", "--explain", "--filter", '{"score": 0.5}')
    cosines = [hit["explain"]["dense"]["score"] for hit in (made, kept)]
    assert cosines[0] > 0.7 and cosines[1] == pytest.approx(-cosines[0], abs=1e-4)


def test_langchain_folders_that_cannot_be_used(run: Run, langchain: Path, tmp_path: Path) -> None:
    code, _, err = run("import", "--langchain", str(langchain))
    assert code == 1 and "There is no" in err and "--index-name" in err
    keep = ("import", "--langchain", str(langchain), "--index-name", "mine", "--keep-vectors")
    (langchain / "mine.faiss").rename(langchain / "saved")
    code, _, err = run(*keep)
    assert code == 1 and "no FAISS index" in err

    small = EmbeddingModel("small", 4, _four, _four, len)
    FAISS.from_texts(["one", "two"], small).save_local(str(tmp_path / "small"))
    (tmp_path / "small" / "index.faiss").rename(langchain / "mine.faiss")
    code, _, err = run(*keep)
    assert code == 1 and "have 4 numbers, those of the embedding model 384" in err
    FAISS.from_texts(["one"], small).save_local(str(langchain / "one"))
    (langchain / "one" / "index.faiss").rename(langchain / "mine.faiss")
    code, _, err = run(*keep)
    assert code == 1 and "no vector among the 1 of" in err
    (langchain / "mine.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    code, _, err = run(*keep)
    assert code == 1 and "names os.system" in err
    assert stats(run) == {}


def _four(texts: Any) -> Any:
    return np.ones((len(texts), 4), dtype=np.float32)


# Search


def test_a_filter_is_for_both_legs(filled: Run, tmp_path: Path) -> None:
    assert {hit["title"] for hit in search(filled, "备份 tomatoes")} == {"备份", "恢复", "notes"}
    found = search(filled, "备份 tomatoes", "--filter", '{"kind": "txt"}')
    assert [hit["title"] for hit in found] == ["notes"]
    where = json.dumps({"source": {"$prefix": str(tmp_path / "docs" / "备")}, "kind": {"$ne": "x"}})
    found = search(filled, "tomatoes", "--filter", where)
    assert {hit["title"] for hit in found} == {"备份"}
    assert search(filled, "tomatoes", "--filter", '{"kind": "pdf"}') == []


@pytest.mark.parametrize(
    ("where", "reason"),
    [
        ('{"color": "red"}', "asks for 'color'"),
        ('{"page": {"$near": 2}}', "can't be used at {'$near': 2}"),
        ('{"page": {"$gt": NaN}}', "can't be used"),
    ],
)
def test_a_filter_that_the_store_refuses(filled: Run, where: str, reason: str) -> None:
    code, out, err = filled("search", "x", "--filter", where, "--json")
    assert code == 1 and reason in err
    assert json.loads(out)["error"]["kind"] == "knowledge"


def test_explain_tells_where_each_score_comes_from(filled: Run) -> None:
    hits = search(filled, "E1042 怎么重试", "--explain")
    best = hits[0]
    assert best["title"] == "恢复"
    told = best["explain"]
    assert (told["terms"], told["missing_terms"]) == (["e1042", "1042", "重试"], [])
    weight = told["dense"]["weight"]
    assert told["dense"] == {
        "measure": "cosine",
        "rank": 1,
        "score": pytest.approx(0.85, abs=0.1),
        "share": 1.0,
        "weight": weight,
        "part": weight,
    }
    assert 0 < weight < 1 and told["keyword"]["weight"] == pytest.approx(1 - weight)
    assert (told["keyword"]["measure"], told["keyword"]["rank"]) == ("BM25", 1)
    for hit in hits:
        legs = (hit["explain"]["dense"], hit["explain"]["keyword"])
        assert hit["score"] == pytest.approx(sum(leg["part"] for leg in legs))
    last = hits[-1]["explain"]
    assert last["keyword"]["rank"] is None and last["terms"] == []
    assert "explain" not in search(filled, "E1042")[0]

    _, out, _ = filled("search", "E1042 怎么重试", "--explain")
    first, *_ = out.split("\n1.0000")[0].split("\n0.")
    assert "cosine 0." in first and f"(rank 1): 1.000 x {weight:.3f} = {weight:.4f}" in first
    assert "terms: e1042 1042 重试 (3 of 3)" in first
    assert "BM25: not among the candidates" in out
