"""Forms of vectors and kinds of index: what is stored, what is found, and with which score."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.errors import KnowledgeError
from assistant.knowledge.index import building, engine, gpu, kinds, snapshot
from assistant.knowledge.records import NewChunk
from assistant.knowledge.spaces import list_spaces
from assistant.knowledge.store import KnowledgeBase
from assistant.knowledge.vectors import METRICS, PRECISIONS, Form

COUNT, WIDTH = 1500, 32
COSINE_FORMS = [Form(WIDTH, "cosine", precision) for precision in PRECISIONS]
FORMS = [*COSINE_FORMS, Form(WIDTH, "ip"), Form(WIDTH, "l2")]


def clustered(count: int, seed: int) -> NDArray[np.float32]:
    """Vectors around fifty centres, with lengths between 0.5 and 2."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(0).normal(size=(50, WIDTH))
    vectors = centres[random.integers(0, 50, count)] + random.normal(0, 0.6, (count, WIDTH))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors * random.uniform(0.5, 2, (count, 1)), dtype=np.float32)


def fill(knowledge: KnowledgeBase, vectors: NDArray[Any], uri: str = "/a.md") -> None:
    chunks = [NewChunk(f"{uri} {n}") for n in range(len(vectors))]
    knowledge.add_embedded(uri, "A", "md", 1, "h", chunks, vectors)


def open_form(data_dir: Path, form: Form, index: str = "auto") -> KnowledgeBase:
    return KnowledgeBase(
        data_dir, None, "m", metric=form.metric, precision=form.precision, index=index
    )


def true_scores(form: Form, query: NDArray[Any], vectors: NDArray[Any]) -> NDArray[Any]:
    """Written down independently of the product."""
    if form.precision == "binary":
        query, vectors = np.where(query > 0, 1, -1), np.where(vectors > 0, 1, -1)
    if form.precision == "int8":
        vectors = np.rint(vectors / np.abs(vectors).max(axis=1, keepdims=True) * 127)
        query = np.rint(query / np.abs(query).max() * 127)
    if form.metric == "l2":
        return np.asarray(-((vectors - query) ** 2).sum(axis=1))
    if form.metric == "ip":
        return np.asarray(vectors @ query)
    lengths = np.linalg.norm(vectors, axis=1) * np.linalg.norm(query)
    return np.asarray(vectors @ query / lengths)


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_scores_are_exact_whatever_the_form(tmp_path: Path, form: Form) -> None:
    vectors, queries = clustered(COUNT, 1), clustered(20, 2)
    with open_form(tmp_path, form) as knowledge:
        fill(knowledge, vectors)
        for query in queries:
            expected = true_scores(form, query, vectors)
            hits = knowledge.dense(query, 10)
            np.testing.assert_allclose(
                [hit.score for hit in hits], np.sort(expected)[::-1][:10], atol=2e-6, rtol=1e-5
            )
            for hit in hits:
                assert hit.score == pytest.approx(expected[hit.position], rel=1e-5, abs=2e-6)
    with open_form(tmp_path, form) as reopened:  # from the file
        assert reopened.form == form
        again = reopened.dense(queries[-1], 10)
        assert [(hit.id, hit.score) for hit in again] == [(hit.id, hit.score) for hit in hits]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> dict[Form, Path]:
    """A folder of each form, to be copied."""
    folders = {}
    for form in (Form(WIDTH), Form(WIDTH, "l2"), Form(WIDTH, precision="int8")):
        folders[form] = tmp_path_factory.mktemp("filled")
        with open_form(folders[form], form) as knowledge:
            fill(knowledge, clustered(COUNT, 1))
    return folders


@pytest.mark.parametrize("kind", [*kinds.KINDS])
@pytest.mark.parametrize("form", [Form(WIDTH), Form(WIDTH, "l2"), Form(WIDTH, precision="int8")])
def test_every_kind_finds_the_nearest(
    tmp_path: Path,
    filled: dict[Form, Path],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    form: Form,
) -> None:
    monkeypatch.setitem(kinds.KINDS, kind, replace(kinds.KINDS[kind], least=500))
    vectors, queries = clustered(COUNT, 1), clustered(50, 2)
    shutil.copytree(filled[form], tmp_path / "data")
    with open_form(tmp_path / "data", form, kind) as knowledge:
        with knowledge.folder.database.read() as connection:
            (space,) = list_spaces(connection)
        knowledge.folder.index(space).publish()
        about = snapshot.glance(knowledge.folder.index_path(space.id))
        assert (about.kind, about.count) == (kind, COUNT)
        assert about.recall >= building.RECALL_FLOOR
        found = []
        for query in queries:
            best = set(np.argsort(-true_scores(form, query, vectors), kind="stable")[:10].tolist())
            found.append(len(best & {hit.position for hit in knowledge.dense(query, 10)}))
        assert np.mean(found) >= 9.5
        check_filters_and_deletions(knowledge, vectors)


def check_filters_and_deletions(knowledge: KnowledgeBase, vectors: NDArray[Any]) -> None:
    fill(knowledge, vectors[:600] * 2 + 0.001, "/b.md")  # more than are scored without an index
    fill(knowledge, vectors[:5] * 2 + 0.002, "/c.md")
    for uri, n in (("/b.md", 590), ("/c.md", 3)):
        (hit,) = knowledge.dense(vectors[n] * 2 + 0.001, 1, {"source": uri})
        assert (hit.source.uri, hit.position) == (uri, n)
        assert len(knowledge.dense(vectors[n], 900, {"source": uri})) in (600, 5)
    source = knowledge.source_by_uri("/a.md")
    assert source is not None
    knowledge.delete_source(source.id)
    assert {hit.source.uri for hit in knowledge.dense(vectors[0], 50)} == {"/b.md", "/c.md"}
    assert len(knowledge.dense(vectors[0], 5000)) == 605


def test_auto_takes_lists_when_it_is_big(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kinds, "FLAT_MOST", 2000)
    assert kinds.kind_for("auto", Form(8), 2000) == "flat"
    assert kinds.kind_for("auto", Form(8), 2001) == "ivf-sq8"
    assert kinds.kind_for("auto", Form(8, precision="binary"), 10**7) == "flat"
    assert kinds.kind_for("hnsw", Form(8), 10) == "flat"  # nothing to train with
    assert kinds.kind_for("hnsw", Form(8), 1000) == "hnsw"
    assert kinds.kind_for("ivf-pq", Form(8), 1000) == "flat"


@pytest.mark.parametrize("form", COSINE_FORMS, ids=str)
def test_an_index_is_built_of_vectors_that_vanish_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: Form
) -> None:
    with open_form(tmp_path, form) as knowledge:
        fill(knowledge, clustered(600, 1))
        with knowledge.folder.database.read() as connection:
            (space,) = list_spaces(connection)
        monkeypatch.setattr(building.changes, "extent", lambda *_: (600, 600))
        knowledge.drop()
        for kind in ("flat", "ivf"):
            base = building.build(knowledge.folder.database, space, kind, lambda: False)
            assert (base.index.ntotal, base.kind) == (0, "flat")


def test_unknown_names_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="VECTOR_INDEX=fast"):
        KnowledgeBase(tmp_path, None, "m", index="fast")
    with pytest.raises(KnowledgeError, match="'fast'"):
        KnowledgeBase(tmp_path, None, "m", metric="fast")
    for metric in METRICS[1:]:
        for precision in PRECISIONS[1:]:
            with pytest.raises(KnowledgeError, match="compared by cosine"):
                KnowledgeBase(tmp_path, None, "m", metric=metric, precision=precision)


def test_quantised_vectors_are_taken_as_they_are() -> None:
    form = Form(16, precision="int8")
    integers = np.arange(-8, 8, dtype=np.int8)[np.newaxis]
    np.testing.assert_array_equal(form.encode(integers, 1), integers)
    np.testing.assert_array_equal(form.encode(form.floats(integers), 1), integers)
    binary = Form(16, precision="binary")
    packed = np.array([[0b10110000, 0b00000001]], dtype=np.uint8)
    signed = (packed.astype(np.int16) - 128).astype(np.int8)  # as sentence-transformers has it
    for given in (packed, signed, binary.floats(packed)):
        np.testing.assert_array_equal(binary.encode(given, 1), packed)
        assert binary.dimension_of(given) == 16


def test_quantised_vectors_take_less_room() -> None:
    assert [Form(384, precision=one).blob_size for one in PRECISIONS] == [1536, 384, 48]


def test_with_a_gpu_its_copy_is_searched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No GPU is needed: what would be put there stays here, and its searches are counted."""
    vectors = clustered(COUNT, 1)
    copied: list[Any] = []
    searches = []

    def put(index: Any, co: Any) -> Any:
        assert co.useFloat16
        copied.append(index)
        return index

    real = gpu.GpuCopy.search

    def search(self: gpu.GpuCopy, *arguments: Any, **options: Any) -> Any:
        searches.append(self)
        return real(self, *arguments, **options)

    monkeypatch.setattr(engine.faiss, "get_num_gpus", lambda: 1)
    monkeypatch.setattr(engine.faiss, "index_cpu_to_all_gpus", put)
    options = type("Options", (), {})
    monkeypatch.setattr(engine.faiss, "GpuMultipleClonerOptions", options, raising=False)
    monkeypatch.setattr(gpu.GpuCopy, "search", search)
    with open_form(tmp_path, Form(WIDTH)) as knowledge:
        fill(knowledge, vectors)
        expected = np.argsort(-true_scores(Form(WIDTH), vectors[5], vectors), kind="stable")[:10]
        hits = knowledge.dense(vectors[5], 10)
        assert [hit.position for hit in hits] == expected.tolist()
        assert len(copied) == len(searches) == 1 and copied[0].ntotal == COUNT
        assert knowledge.dense(vectors[5], 1, {"position": {"$gt": 5}})[0].position > 5
        assert len(searches) == 1  # a filter is for the CPU's index
