"""Export and import of a collection: everything comes back, and a bad file is found out."""

from __future__ import annotations

import base64
import gzip
import io
import json
import tracemalloc
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings
from numpy.typing import NDArray

from assistant.errors import KnowledgeError
from assistant.knowledge import transfer
from assistant.knowledge.records import NewChunk
from assistant.knowledge.store import KnowledgeBase
from assistant.knowledge.transfer import Imported, export_lines, import_lines, lines_of
from tests.knowledge_samples import MODEL, add, vector_of

FORMS = [
    ("cosine", "float32"),
    ("ip", "float32"),
    ("l2", "float32"),
    ("cosine", "int8"),
    ("cosine", "binary"),
]


class Seeded(Embeddings):
    """As tests.knowledge_samples embeds, counting its texts."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        self.texts += texts
        return [vector_of(text).tolist() for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return vector_of(text).tolist()


def opened(folder: Path, name: str = "default", model: str = MODEL, **form: str) -> KnowledgeBase:
    return KnowledgeBase(folder, Seeded(), model, name, **form)  # type: ignore[arg-type]


def fill(knowledge: KnowledgeBase) -> None:
    """Documents with everything a chunk can have, equal chunks and gaps; texts of three sources."""
    chunks = [
        NewChunk("第一段：备份。", ("手册", "备份"), page=1),
        NewChunk("same"),
        NewChunk("same"),
        NewChunk("on the web\u2028\x85 \U0001f600", ("H",), anchor="sec-2"),
    ]
    add(knowledge, "/docs/manual.md", chunks=chunks)
    add(knowledge, "/docs/other.md", "one", "two", "three")
    add(knowledge, "/docs/empty.md", chunks=())
    first = [hit.id for hit in knowledge.chunks(1)]
    knowledge.remove([first[1]])
    knowledge.add_texts(
        [f"text {n}" for n in range(7)],
        [{"source": "crm", "n": n, "tags": ["甲", None, 1.5]} for n in range(7)],
        ids=[f"t{n}" for n in range(7)],
    )
    knowledge.remove(["t2", "t3"])
    knowledge.add_texts(["no source", "a half"], [{}, {"bad": "\ud800", "source": "\ud800x"}])


def exported(knowledge: KnowledgeBase, **options: bool) -> list[bytes]:
    return list(export_lines(knowledge, **options))


def done(steps: Iterable[Imported]) -> Imported:
    *_, last = steps
    return last


def bring(knowledge: KnowledgeBase, lines: Iterable[bytes], **options: Any) -> Imported:
    return done(import_lines(knowledge, lines, **options))


def log_end(knowledge: KnowledgeBase) -> tuple[object, ...]:
    """Changes whenever anything that a search reads is written."""
    with knowledge.folder.database.read() as connection:
        return (
            *connection.execute("SELECT max(seq) FROM changes").fetchone(),
            *connection.execute("SELECT max(id), count(*) FROM chunks").fetchone(),
            *connection.execute("SELECT max(updated_at), count(*) FROM sources").fetchone(),
        )


@pytest.mark.parametrize(("metric", "precision"), FORMS)
def test_everything_comes_back(tmp_path: Path, metric: str, precision: str) -> None:
    with opened(tmp_path / "a", metric=metric, precision=precision) as old:
        fill(old)
        lines = exported(old)
        hits = old.dense(vector_of("two"), 5)
    header = json.loads(lines[0])
    assert header == {
        "format": "conversational-rag-knowledge",
        "version": 1,
        "collection": "default",
        "fingerprint": MODEL,
        "dimension": 16,
        "metric": metric,
        "precision": precision,
        "exported_at": header["exported_at"],
        "sources": 6,
        "chunks": 13,
    }
    assert json.loads(lines[-1]) == {"end": {"sources": 6, "chunks": 13}}
    with opened(tmp_path / "b", "copy") as new:  # takes the file's form, whatever its own is
        report = bring(new, lines)
        assert (report.sources, report.added, report.kept) == (6, 13, 0)
        assert exported(new)[1:] == lines[1:]  # ids, positions, times and vectors to the bit
        again = new.dense(vector_of("two"), 5)
        assert [(h.id, h.text, h.score) for h in again] == [(h.id, h.text, h.score) for h in hits]
        assert [hit.text for hit in new.keyword("备份", 3)] == ["第一段：备份。"]
        assert [hit.id for hit in new.keyword("text", 20, {"n": {"$gte": 5}})] == ["t5", "t6"]

        before = log_end(new)
        report = bring(new, lines)
        assert (report.added, report.kept, report.removed) == (0, 13, 0)
        assert log_end(new) == before
        assert exported(new)[1:] == lines[1:]


def test_a_document_added_again_after_import_keeps_its_chunks(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as old, opened(tmp_path / "b") as new:
        add(old, "/a.md", "one", "same", "same")
        bring(new, exported(old))
        _, report = add(new, "/a.md", "one", "same", "same", "more")
    assert (report.added, report.kept, report.removed) == (1, 3, 0)


def test_what_was_there_stays_or_becomes_what_the_file_says(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as old, opened(tmp_path / "b") as new:
        fill(old)
        add(new, "/docs/other.md", "one", "outdated")
        add(new, "/mine.md", "mine")
        new.add_texts(["mine too", "old"], [{"source": "crm"}] * 2, ids=["own", "t1"])
        report = bring(new, exported(old))
        assert (report.added, report.kept, report.removed) == (12, 1, 2)
        (crm,) = (one for one in new.sources() if one.uri == "crm")
        texts = [hit.text for hit in new.chunks(crm.id)]
        assert sorted(texts) == ["mine too", "text 0", "text 1", "text 4", "text 5", "text 6"]
        positions = [hit.position for hit in new.chunks(crm.id)]
        assert len(set(positions)) == len(positions) == crm.chunks
        other = new.source_by_uri("/docs/other.md")
        assert other and [h.text for h in new.chunks(other.id)] == ["one", "two", "three"]
        assert [hit.text for hit in new.keyword("mine", 5)] == ["mine", "mine too"]
        assert new.keyword("outdated", 5) == []


def test_an_export_is_one_moment_whatever_is_written_meanwhile(tmp_path: Path) -> None:
    with opened(tmp_path) as knowledge, opened(tmp_path) as writer:
        fill(knowledge)
        before = exported(knowledge)
        with closing(export_lines(knowledge)) as lines:
            begun = [next(lines) for _ in range(3)]
            add(writer, "/docs/manual.md", "replaced")
            add(writer, "/zzz.md", "new")
            writer.delete_source(2)
            rest = list(lines)
        assert (begun + rest)[1:] == before[1:]
        assert len(exported(knowledge)) != len(before)


def test_a_large_collection_is_exported_in_little_memory(tmp_path: Path) -> None:
    with opened(tmp_path) as knowledge:
        for n in range(4):
            add(knowledge, f"/{n}.md", *(f"{n} {m} {'x' * 4000}" for m in range(300)))
        tracemalloc.start()
        size = sum(map(len, export_lines(knowledge)))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert size > 4_800_000
    assert peak < 300_000


def test_without_vectors_only_by_embedding_anew(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as old, opened(tmp_path / "b") as new:
        fill(old)
        lines = exported(old, vectors=False)
        assert b'"vector"' not in b"".join(lines)
        with pytest.raises(KnowledgeError, match=r"Line 4 .* no vector: use --embed"):
            bring(new, lines)
        bring(new, lines, embed=embed)
        assert exported(new)[1:] == exported(old)[1:]


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.array([vector_of(text) for text in texts])


def test_another_model_is_refused_or_embeds_anew(tmp_path: Path) -> None:
    def reversed_model(texts: Sequence[str]) -> NDArray[np.float32]:
        asked.extend(texts)
        return -embed(texts)[:, :12]

    asked: list[str] = []
    with opened(tmp_path / "a") as old, opened(tmp_path / "b", model="reversed") as new:
        fill(old)
        lines = exported(old)
        with pytest.raises(KnowledgeError, match=f"made by {MODEL}, but .* is reversed.*--embed"):
            bring(new, lines)
        assert new.collections() == []
        steps = list(import_lines(new, lines, reversed_model, batch=2))
        assert max(step.embedded for step in steps) == 5  # of the texts of one source
        counts = [step.chunks + step.embedded for step in steps]
        assert counts == sorted(counts) and counts[-1] == steps[-1].total == 13
        assert new.form.dimension == 12 and len(asked) == 13
        assert [hit.text for hit in new.dense(-vector_of("two")[:12], 1)] == ["two"]
        bring(new, lines, embed=reversed_model)
        assert len(asked) == 13  # what is there needs no new vector


def test_vectors_of_another_form_are_refused_or_made_in_the_collections(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as old, opened(tmp_path / "b", precision="int8") as new:
        fill(old)
        add(new, "/there.md", "there")
        lines = exported(old)
        with pytest.raises(
            KnowledgeError, match=r"16 x float32, cosine, those .* 16 x int8, cosine.*--embed"
        ):
            bring(new, lines)
        bring(new, lines, embed=embed)
        assert new.form.precision == "int8" and new.stats()["default"]["chunks"] == 14


def test_an_embedding_that_fails_leaves_whole_sources(tmp_path: Path) -> None:
    def failing(texts: Sequence[str]) -> NDArray[np.float32]:
        return embed(texts) * (np.nan if "two" in texts else 1)

    with opened(tmp_path / "a") as old, opened(tmp_path / "b") as new:
        fill(old)
        with pytest.raises(KnowledgeError, match="NaN"):
            bring(new, exported(old), embed=failing)
        assert [one.uri for one in new.sources()] == ["/docs/empty.md", "/docs/manual.md"]
        with pytest.raises(KnowledgeError, match="one vector for each of 3 chunks"):
            bring(new, exported(old), embed=lambda texts: embed(texts)[1:])


# Damaged files


def changed(line: bytes, **fields: object) -> bytes:
    value = json.loads(line)
    inner = next((value[kind] for kind in ("source", "chunk", "end") if kind in value), value)
    inner.update(fields)
    return json.dumps(value).encode() + b"\n"


def chunk_lines(lines: Iterable[bytes]) -> list[bytes]:
    return [line for line in lines if line.startswith(b'{"chunk"')]


def vector(*numbers: float) -> str:
    return base64.b64encode(np.array(numbers, dtype="<f4").tobytes()).decode()


Damage = Callable[[list[bytes]], list[bytes]]


def at(number: int, damage: Callable[[bytes], bytes]) -> Damage:
    """Damage to one line, counted from 1."""

    def apply(lines: list[bytes]) -> list[bytes]:
        return [*lines[: number - 1], damage(lines[number - 1]), *lines[number:]]

    return apply


# Lines: 1 header, 2 /a.md with 3-4, 5 /b.md with 6-8, 9 crm with 10-11, 12 end
DAMAGES: list[tuple[Damage, int, str, int]] = [
    (lambda lines: [], 1, "it was cut", 0),
    (lambda lines: lines[:7], 8, "it was cut", 1),
    (lambda lines: lines[:-1], 12, "it was cut", 3),
    (lambda lines: lines[:6] + lines[7:], 8, "source before it lacks 1 chunks", 1),
    (lambda lines: [*lines[:1], *lines[4:]], 9, "3 sources and 7 chunks were .* holds 2 and 5", 2),
    (at(2, lambda line: changed(line, chunks=1)), 4, "this one is too many", 1),
    (lambda lines: [*lines, lines[-1]], 13, "unexpected line", 3),
    (at(1, lambda line: b'{"a": 1}\n'), 1, "no header", 0),
    (at(1, lambda line: changed(line, version=2)), 1, "version 2 is not known", 0),
    (at(1, lambda line: changed(line, metric="dot")), 1, "'dot' is not known", 0),
    (at(1, lambda line: changed(line, dimension=-1)), 1, "dimension is -1", 0),
    (at(1, lambda line: changed(line, dimension=8)), 3, "64 bytes, expected 32", 0),
    (at(2, lambda line: b"\n"), 3, "this one is too many", 0),
    (at(5, lambda line: line[:20] + b"\n"), 5, "no JSON", 1),
    (at(5, lambda line: b"\xff\n"), 5, "no JSON", 1),
    (at(5, lambda line: b"[" * 100_000 + b"\n"), 5, "no JSON", 1),
    (at(5, lambda line: b"[]\n"), 5, "no JSON object", 1),
    (at(5, lambda line: changed(line, uri="")), 5, "can't name a source", 1),
    (at(5, lambda line: changed(line, kind=3)), 5, "kind is 3, expected str", 1),
    (at(5, lambda line: changed(line, size=2**63)), 5, "size is 9223", 1),
    (at(5, lambda line: changed(line, kind="\ud800")), 5, "kind can't be stored", 1),
    (at(6, lambda line: b'{"new": {}}\n'), 6, "unexpected line", 1),
    (at(6, lambda line: changed(line, text="changed")), 6, "not what its hash", 1),
    (at(6, lambda line: changed(line, heading_path=["h", 1])), 6, "heading_path", 1),
    (at(6, lambda line: changed(line, position=True)), 6, "position is True, expected int", 1),
    (at(6, lambda line: changed(line, page="2")), 6, "page is '2', expected int", 1),
    (at(6, lambda line: changed(line, metadata=[])), 6, "metadata is", 1),
    (at(6, lambda line: changed(line, metadata={"x": float("inf")})), 6, "Infinity", 1),
    (at(6, lambda line: line.replace(b'"metadata":{}', b'"metadata":{"x":1e999}')), 6, "Meta", 1),
    (at(6, lambda line: changed(line, id="")), 6, "its id is empty", 1),
    (at(6, lambda line: changed(line, vector="?")), 6, "no base64", 1),
    (at(6, lambda line: changed(line, vector="Zm9v")), 6, "3 bytes, expected 64", 1),
    (at(6, lambda line: changed(line, vector=vector(*[np.nan] * 16))), 6, "NaN", 1),
    (at(6, lambda line: changed(line, vector=vector(*[0.0] * 16))), 6, "only zeros", 1),
    (lambda lines: [*lines[:7], lines[6], *lines[8:]], 8, "its id comes twice", 1),
    (at(10, lambda line: changed(line, page=1)), 10, "no headings, page or anchor", 2),
    (at(10, lambda line: changed(line, metadata={"source": "x"})), 10, "another source", 2),
]


@pytest.mark.parametrize(("damage", "line", "reason", "whole"), DAMAGES)
def test_a_damaged_file_is_an_error_that_names_the_line(
    tmp_path: Path, damage: Damage, line: int, reason: str, whole: int
) -> None:
    with opened(tmp_path / "a") as old, opened(tmp_path / "b") as new:
        add(old, "/a.md", "one", "two")
        add(old, "/b.md", "three", "four", "five")
        old.add_texts(["six", "seven"], [{"source": "crm"}] * 2, ids=["6", "7"])
        lines = exported(old)
        with pytest.raises(KnowledgeError, match=f"Line {line} can't be used.*({reason})") as error:
            bring(new, damage(lines))
        assert f"{whole} whole sources" in str(error.value)
        assert f"第 {line} 行" in error.value.text("zh")
        stored = [one.uri for one in new.sources()]
        assert stored == ["/a.md", "/b.md", "crm"][:whole] or stored == ["/b.md", "crm"]
        assert f"{sum(one.chunks for one in new.sources())} chunks" in str(error.value)
        bring(new, lines)
        assert chunk_lines(exported(new)) == chunk_lines(lines)


def test_vectors_that_are_not_of_unit_length_are_made_so(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as old, opened(tmp_path / "b") as new:
        add(old, "/a.md", "one")
        lines = exported(old)
        doubled = vector(*(2 * old.chunk_vectors([old.chunks(1)[0].id])[0]))
        lines[2] = changed(lines[2], vector=doubled)
        bring(new, lines)
        assert new.dense(vector_of("one"), 1)[0].score == pytest.approx(1)


@pytest.mark.parametrize("kept", [0.5, 0.999])
def test_a_cut_gzip_file(tmp_path: Path, kept: float) -> None:
    with opened(tmp_path / "a") as old, opened(tmp_path / "b") as new:
        fill(old)
        packed = gzip.compress(b"".join(exported(old)))
        file = gzip.GzipFile(fileobj=io.BytesIO(packed[: int(len(packed) * kept)]))
        with pytest.raises(KnowledgeError, match="cut or damaged"):
            bring(new, lines_of(file))  # type: ignore[arg-type]
        damaged = bytearray(packed)
        damaged[-6] ^= 1  # its checksum
        file = gzip.GzipFile(fileobj=io.BytesIO(damaged))
        with pytest.raises(KnowledgeError, match="cut or damaged"):
            bring(new, lines_of(file))  # type: ignore[arg-type]


def test_a_line_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "LONGEST_LINE", 1000)
    with opened(tmp_path) as new, pytest.raises(KnowledgeError, match=r"Line 1 .* too long"):
        bring(new, lines_of(io.BytesIO(b" " * 3000)))


def test_texts_come_in_groups_and_a_cut_one_is_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "TEXTS_AT_ONCE", 3)
    with opened(tmp_path / "a") as old, opened(tmp_path / "b") as new:
        old.add_texts([f"text {n}" for n in range(8)], ids=[f"t{n}" for n in range(8)])
        old.remove(["t1"])
        lines = exported(old)
        with pytest.raises(KnowledgeError, match="0 whole sources, 3 chunks"):
            bring(new, lines[:6])
        assert new.stats()["default"] == {"sources": 1, "chunks": 3}
        report = bring(new, lines)
        assert (report.added, report.kept) == (4, 3)
        assert [hit.id for hit in new.chunks(1)] == [hit.id for hit in old.chunks(1)]
        third = new.collection("third")
        assert bring(third, lines).added == 7
        assert exported(third)[1:] == lines[1:]


def test_a_document_is_never_mixed_with_texts(tmp_path: Path) -> None:
    with opened(tmp_path / "a") as old, opened(tmp_path / "b") as new:
        add(old, "/a.md", "one")
        new.add_texts(["text"], [{"source": "/a.md"}])
        with pytest.raises(KnowledgeError, match="holds texts"):
            bring(new, exported(old))
        with pytest.raises(KnowledgeError, match="is a document"):
            bring(old, exported(new))
        assert [hit.text for hit in (*old.chunks(1), *new.chunks(1))] == ["one", "text"]


def test_a_collection_that_is_not_there(tmp_path: Path) -> None:
    with (
        opened(tmp_path, "none") as knowledge,
        pytest.raises(KnowledgeError, match="no collection none"),
    ):
        exported(knowledge)
