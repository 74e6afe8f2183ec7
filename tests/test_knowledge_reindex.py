"""Another model for a collection that is in use: embedded beside, switched at once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.errors import KnowledgeError, KnowledgeLocked
from assistant.knowledge import folder
from assistant.knowledge.folder import Folder
from assistant.knowledge.reindex import Progress, abandon, reindex
from assistant.knowledge.spaces import Space, list_spaces
from assistant.knowledge.store import KnowledgeBase
from tests.knowledge_samples import (
    MODEL,
    add,
    nearest,
    open_knowledge,
    start,
    vector_of,
    wait_until,
)

NEW, WIDTH = "seeded-24", 24
Embed = Callable[[Sequence[str]], NDArray[np.float32]]


def new_vector(text: str) -> NDArray[np.float32]:
    seed = hashlib.sha256(b"new" + text.encode()).digest()
    return np.random.default_rng(list(seed)).normal(size=WIDTH).astype(np.float32)


def embed(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.array([new_vector(text) for text in texts])


def found(data_dir: Path, text: str, k: int = 1) -> list[str]:
    """By the new model."""
    with KnowledgeBase(data_dir, None, NEW) as knowledge:
        return [hit.text for hit in knowledge.dense(new_vector(text), k)]


@pytest.fixture
def knowledge(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with open_knowledge(tmp_path) as knowledge:
        for n in range(20):
            add(knowledge, f"/{n}.md", f"text {n}", f"other {n}")
        yield knowledge


def files(knowledge: KnowledgeBase) -> list[str]:
    return sorted(path.name for path in knowledge.folder.index_dir.glob("*.faiss"))


def test_the_collection_takes_another_model(knowledge: KnowledgeBase, tmp_path: Path) -> None:
    assert nearest(knowledge, "text 3") == ["text 3"]
    seen = list(reindex(knowledge, embed, NEW, batch=16))
    assert seen == [Progress(16, 40), Progress(32, 40), Progress(40, 40)]
    assert found(tmp_path, "text 3") == ["text 3"]
    assert [hit.text for hit in knowledge.keyword("other", 99)][:1] != []
    with pytest.raises(KnowledgeError, match=f"{NEW}.*EMBEDDING_MODEL"):
        nearest(knowledge, "text 3")
    with pytest.raises(KnowledgeError, match=NEW):
        add(knowledge, "/new.md", "new")
    with KnowledgeBase(tmp_path, None, NEW) as new:
        assert new.form.dimension == WIDTH
        assert list(reindex(new, embed, NEW)) == []  # it is there already
    with knowledge.folder.database.read() as connection:
        counts = connection.execute("SELECT space_id, count(*) FROM vectors GROUP BY space_id")
        assert [tuple(row) for row in counts] == [(2, 40)]
        assert connection.execute("SELECT count(*) FROM spaces").fetchone()[0] == 1


def test_it_is_searched_and_written_meanwhile(knowledge: KnowledgeBase, tmp_path: Path) -> None:
    work = reindex(knowledge, embed, NEW, batch=10)
    next(work)
    add(knowledge, "/late.md", "late text")
    for n in (0, 19):  # one that has its new vector, and one that has not
        source = knowledge.source_by_uri(f"/{n}.md")
        assert source is not None
        knowledge.delete_source(source.id)
    assert nearest(knowledge, "late text") == ["late text"]
    for _ in work:
        pass
    assert found(tmp_path, "late text") == ["late text"]
    texts = found(tmp_path, "text 0", 99)
    assert len(texts) == len(set(texts)) == 37
    assert not {"text 0", "other 0", "text 19"} & set(texts)


def test_what_comes_at_the_last_moment_is_embedded_before_the_switch(
    knowledge: KnowledgeBase, tmp_path: Path
) -> None:
    for progress in reindex(knowledge, embed, NEW, batch=40):
        if progress == Progress(40, 40):
            add(knowledge, "/last.md", "the last")
    assert found(tmp_path, "the last") == ["the last"]


def test_an_interrupted_reindex_goes_on(knowledge: KnowledgeBase, tmp_path: Path) -> None:
    embedded: list[str] = []

    def counting(texts: Sequence[str]) -> NDArray[np.float32]:
        if len(embedded) >= 20:
            raise ConnectionError
        embedded.extend(texts)
        return embed(texts)

    with pytest.raises(ConnectionError):
        list(reindex(knowledge, counting, NEW, batch=10))
    assert nearest(knowledge, "text 3") == ["text 3"]
    with pytest.raises(KnowledgeError, match=f"unfinished reindex to {NEW}"):
        list(reindex(knowledge, embed, "third model"))
    with pytest.raises(KnowledgeError, match=f"unfinished reindex to {NEW}"):
        list(reindex(knowledge, embed, NEW, precision="int8"))
    rest: list[str] = []
    assert list(reindex(knowledge, lambda texts: rest.extend(texts) or embed(texts), NEW))[  # type: ignore[func-returns-value]
        -1
    ] == Progress(40, 40)
    assert sorted(embedded + rest) == sorted(set(embedded + rest)) and len(rest) == 20
    assert found(tmp_path, "text 19") == ["text 19"]


def test_it_can_be_abandoned(knowledge: KnowledgeBase) -> None:
    assert not abandon(knowledge)
    next(reindex(knowledge, embed, NEW, batch=10))
    assert abandon(knowledge) and not abandon(knowledge)
    assert nearest(knowledge, "text 3") == ["text 3"]
    assert list(reindex(knowledge, embed, NEW))[-1].done == 40


def test_an_empty_collection_needs_none(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge, pytest.raises(KnowledgeError, match="is empty"):
        list(reindex(knowledge, embed, NEW))


@pytest.mark.parametrize("vectors", [np.full((40, 3), np.nan), np.ones((1, 3)), np.zeros((40, 3))])
def test_unusable_vectors_change_nothing(knowledge: KnowledgeBase, vectors: np.ndarray) -> None:
    with pytest.raises(KnowledgeError):
        list(reindex(knowledge, lambda _: vectors, NEW))
    assert nearest(knowledge, "text 3") == ["text 3"]
    assert not abandon(knowledge)


def reindex_slowly(pipe: Pipe, data_dir: Path) -> None:
    with open_knowledge(data_dir) as knowledge:
        for progress in reindex(knowledge, embed, NEW, batch=10):
            pipe.send(progress.done)
            pipe.poll(60)
            pipe.recv()


def test_one_process_at_a_time(knowledge: KnowledgeBase, tmp_path: Path) -> None:
    other = start(reindex_slowly, tmp_path)
    assert other.pipe.recv() == 10
    with pytest.raises(KnowledgeLocked, match="Another process"):
        list(reindex(knowledge, embed, NEW))
    other.kill()
    assert list(reindex(knowledge, embed, NEW))[-1].done == 40
    assert found(tmp_path, "text 3") == ["text 3"]


def embed_as_before(texts: Sequence[str]) -> NDArray[np.float32]:
    return np.array([vector_of(text) for text in texts])


def refuse(texts: Sequence[str]) -> NDArray[np.float32]:
    raise AssertionError(f"{len(texts)} texts were embedded")


def test_vectors_that_are_there_are_not_embedded_again(knowledge: KnowledgeBase) -> None:
    for precision in ("binary", "int8"):  # the second can't be made of the first
        embed = refuse if precision == "binary" else embed_as_before
        assert list(reindex(knowledge, embed, MODEL, precision=precision))[-1].done == 40
        assert nearest(knowledge, "text 3") == ["text 3"]
    with pytest.raises(AssertionError, match="texts were embedded"):
        list(reindex(knowledge, refuse, MODEL, metric="l2", precision="float32"))
    assert list(reindex(knowledge, embed_as_before, MODEL, metric="l2", precision="float32"))
    assert list(reindex(knowledge, refuse, MODEL, metric="cosine"))[-1].done == 40
    assert nearest(knowledge, "text 3") == ["text 3"]


def test_a_running_reader_goes_over_without_a_failed_search(
    knowledge: KnowledgeBase, tmp_path: Path
) -> None:
    """The same model in another precision: nobody has to know."""
    with open_knowledge(tmp_path) as reader:
        assert nearest(reader, "text 3") == ["text 3"]
        for _ in reindex(knowledge, embed_as_before, MODEL, precision="int8", batch=8):
            assert nearest(reader, "text 3") == ["text 3"]
        assert reader.form.precision == "int8"
        assert nearest(reader, "text 3") == ["text 3"]
        add(reader, "/late.md", "late text")
        assert nearest(reader, "late text") == ["late text"]
        assert len(reader.dense(vector_of("text 3"), 99)) == 41


def test_a_running_app_clears_away_what_a_killed_reindex_left(
    knowledge: KnowledgeBase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    knowledge.folder.index(serving(knowledge)).publish()
    with monkeypatch.context() as patched:
        patched.setattr(Folder, "clear_retired", lambda _: None)
        list(reindex(knowledge, embed_as_before, MODEL, precision="int8"))
        knowledge.close()
        assert files(knowledge) == ["1.faiss", "2.faiss"]
    monkeypatch.setattr(folder, "FOLLOW_SECONDS", 0.01)
    with open_knowledge(tmp_path) as app:
        assert nearest(app, "text 3") == ["text 3"]
        wait_until(lambda: files(app) == ["2.faiss"], 10)
        with app.folder.database.read() as connection:
            assert connection.execute("SELECT count(*) FROM vectors").fetchone()[0] == 40
            assert len(list_spaces(connection)) == 1


def serving(knowledge: KnowledgeBase) -> Space:
    with knowledge.folder.database.read() as connection:
        (space,) = list_spaces(connection)
    return space
