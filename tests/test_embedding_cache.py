"""The cache of embeddings: what it saves, what it costs, and that it is never in the way."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import BadAnswer
from assistant.models.embedding import cache
from assistant.models.embedding.cache import CacheFile, cached
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel, Vectors
from assistant.settings import ROOT, Settings
from tests.wire.server import vector

DIMENSION = 32


class Model:
    """An embedding model that remembers what it was asked."""

    def __init__(self, fingerprint: str = "model;32;cosine") -> None:
        self.asked: list[list[str]] = []
        self.bare = EmbeddingModel(fingerprint, DIMENSION, self.passages, self.queries, len)

    def passages(self, texts: Sequence[str]) -> Vectors:
        self.asked.append(list(texts))
        return np.asarray([vector(text, DIMENSION) for text in texts], dtype=np.float32)

    def queries(self, texts: Sequence[str]) -> Vectors:
        return -self.passages(texts)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "embeddings.db"


@pytest.fixture
def model() -> Model:
    return Model()


@pytest.fixture
def remembering(model: Model, path: Path) -> Iterator[EmbeddingModel]:
    made = cached(model.bare, path, 16)
    yield made
    made.close()


def rows_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM vectors").fetchone()[0])


def test_only_what_is_missing_is_embedded_in_its_order_and_once(
    remembering: EmbeddingModel, model: Model
) -> None:
    remembering.passages(["b", "d"])
    found = remembering.passages(["a", "b", "c", "a", "d", "e"])
    assert model.asked == [["b", "d"], ["a", "c", "e"]]
    assert np.array_equal(found, model.bare.passages(["a", "b", "c", "a", "d", "e"]))


def test_what_comes_back_is_bit_for_bit_what_went_in(
    remembering: EmbeddingModel, model: Model, path: Path
) -> None:
    first = remembering.passages(["文本", "text"])
    with closing(CacheFile(path, 16)):
        again = cached(model.bare, path, 16)
        assert again.passages(["文本", "text"]).tobytes() == first.tobytes()
        again.close()
    assert len(model.asked) == 1


def test_what_people_say_is_not_kept(remembering: EmbeddingModel, model: Model, path: Path) -> None:
    remembering.embed_questions(["a"])
    remembering.embed_private(["b"])
    remembering.passages(["c"])
    assert (model.asked, rows_of(path)) == ([["a"], ["b"], ["c"]], 1)
    assert np.array_equal(remembering.queries(["a"]), -remembering.passages(["a"]))


def test_models_do_not_mix(remembering: EmbeddingModel, model: Model, path: Path) -> None:
    remembering.passages(["a"])
    other = Model("other;32;cosine")
    both = cached(other.bare, path, 16)
    both.passages(["a"])
    both.close()
    assert (len(model.asked), len(other.asked)) == (1, 1)


def test_off_is_off(model: Model, path: Path) -> None:
    assert cached(model.bare, path, 0) is model.bare
    assert not path.parent.exists()


def test_a_text_with_half_a_character(remembering: EmbeddingModel, path: Path) -> None:
    remembering.passages(["a\ud83d", "a\ud83e", "a?"])
    assert rows_of(path) == 3


def test_vectors_that_cannot_be_used_are_not_kept(path: Path) -> None:
    answers = [np.zeros((1, 2)), np.full((1, 2), np.nan), np.ones((1, 2))]

    def embed(texts: Sequence[str]) -> Vectors:
        return np.asarray(answers.pop(0), dtype=np.float32)

    model = cached(EmbeddingModel("f", 2, embed, embed, len), path, 16)
    for _ in range(2):
        with pytest.raises(BadAnswer):
            model.embed_passages(["a"])
    assert model.embed_passages(["a"]).shape == (1, 2)
    model.close()


# The size


def test_the_file_stays_as_large_as_it_may_be(path: Path) -> None:
    with closing(CacheFile(path, 1)) as file:
        for start in range(0, 4000, 50):
            file.put({key(i): os.urandom(1024) for i in range(start, start + 50)})
        assert len(file.get([key(i) for i in range(3900, 4000)], 1024)) == 100
        assert not file.get([key(i) for i in range(100)], 1024)
    assert 0.8 < path.stat().st_size / 2**20 < 1.2


def test_what_was_used_last_stays(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000_000]
    monkeypatch.setattr(cache, "_hour", lambda: now[0])
    with closing(CacheFile(path, 1)) as file:
        file.put({key(i): os.urandom(1024) for i in range(50)})
        for start in range(50, 2000, 50):
            now[0] += 1
            assert len(file.get([key(i) for i in range(20)], 1024)) == 20
            file.put({key(i): os.urandom(1024) for i in range(start, start + 50)})
        assert not file.get([key(i) for i in range(20, 50)], 1024)


def test_a_smaller_limit_shrinks_the_file_a_little_at_a_time(path: Path) -> None:
    with closing(CacheFile(path, 4)) as file:
        for start in range(0, 3000, 50):
            file.put({key(i): os.urandom(1024) for i in range(start, start + 50)})
    before = path.stat().st_size
    with closing(CacheFile(path, 1)) as file:
        for i in range(4000, 4100):
            file.put({key(i): os.urandom(1024)})
        assert len(file.get([key(i) for i in range(3000)], 1024)) > 400
    assert path.stat().st_size < 1.3 * 2**20 < 3 * 2**20 < before


def key(number: int) -> bytes:
    return number.to_bytes(16, "little")


# Trouble


@pytest.mark.parametrize("damage", ["not a database", "torn", "emptied", "another's"])
def test_a_damaged_file_is_set_aside_and_begun_anew(
    model: Model, path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    texts = [f"text {i}" for i in range(400)]
    first = cached(model.bare, path, 16)
    before = first.passages(texts)
    first.close()
    content = path.read_bytes()
    if damage == "another's":
        path.unlink()
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("CREATE TABLE vectors (x)")
            connection.commit()
    else:
        path.write_bytes(
            {
                "not a database": b"\0hello" * 5000,
                "torn": content[: len(content) // 3],
                "emptied": content[:4096] + bytes(len(content) - 4096),
            }[damage]
        )
    again = cached(model.bare, path, 16)
    for _ in range(3):
        assert np.array_equal(again.passages(texts), before)
    again.close()
    assert "is begun anew" in caplog.text
    assert path.with_name("embeddings.db.damaged").exists()
    assert len(model.asked) < 4
    assert rows_of(path) == 400


def test_a_vector_that_rotted_is_never_handed_out(model: Model, path: Path) -> None:
    first = cached(model.bare, path, 16)
    right = first.passages(["a"])
    first.close()
    content = bytearray(path.read_bytes())
    place = content.index(right.tobytes())
    content[place + 5] ^= 1
    path.write_bytes(content)
    again = cached(model.bare, path, 16)
    assert np.array_equal(again.passages(["a"]), right)
    again.close()


def test_a_file_that_is_damaged_while_it_is_used(
    remembering: EmbeddingModel, model: Model, path: Path
) -> None:
    texts = [f"text {i}" for i in range(400)]
    before = remembering.passages(texts)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(path.stat().st_size - 4096))
    os.truncate(path, path.stat().st_size)
    for _ in range(3):
        assert np.array_equal(remembering.passages(texts), before)


def test_another_process_may_write_for_long(
    remembering: EmbeddingModel, model: Model, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    remembering.passages(["a"])
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        begin = time.monotonic()
        assert remembering.passages(["a", "b"]).shape == (2, DIMENSION)
        assert time.monotonic() - begin < 2
        other.execute("COMMIT")
    assert "is left out: database is locked" in caplog.text
    remembering.passages(["b"])
    remembering.passages(["b"])
    assert model.asked == [["a"], ["b"], ["b"]]


def test_a_full_disk(
    remembering: EmbeddingModel, model: Model, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    remembering.passages(["a"])
    file = remembering.passages.__closure__
    opened = next(c.cell_contents for c in file or () if isinstance(c.cell_contents, CacheFile))
    assert opened._connection is not None
    opened._connection.execute("PRAGMA max_page_count = 1")
    texts = [f"text {i}" for i in range(100)]
    for _ in range(2):
        assert remembering.passages(texts).shape == (100, DIMENSION)
    assert caplog.text.count("is left out: database or disk is full") == 1
    assert remembering.passages(["a"]).shape == (1, DIMENSION)
    assert len(model.asked) == 3


def test_a_folder_that_cannot_be_made(
    model: Model, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "cache").write_text("a file")
    made = cached(model.bare, tmp_path / "cache" / "embeddings.db", 16)
    for _ in range(2):
        assert made.passages(["a"]).shape == (1, DIMENSION)
    assert len([r for r in caplog.records if r.levelno == logging.WARNING]) == 1


# Many at once

WRITER = """
import sys
import numpy as np
from pathlib import Path
from assistant.models.embedding.cache import cached
from assistant.models.embedding.model import EmbeddingModel
from tests.wire.server import vector

asked = []

def embed(texts):
    asked.extend(texts)
    return np.asarray([vector(text, 32) for text in texts], dtype=np.float32)

model = cached(EmbeddingModel("model;32;cosine", 32, embed, embed, len), Path(sys.argv[1]), 16)
order = list(range(300)) if sys.argv[2] == "0" else list(range(299, -1, -1))
for turn in range(2):
    for start in range(0, 300, 10):
        texts = [f"text {i}" for i in order[start : start + 10]]
        expected = np.asarray([vector(text, 32) for text in texts], dtype=np.float32)
        assert np.array_equal(model.passages(texts), expected)
model.close()
print(len(asked))
"""


def test_several_processes_share_one_file(path: Path, model: Model) -> None:
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(way)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for way in (0, 1)
    ]
    asked = [int(process.communicate(timeout=60)[0]) for process in running]
    assert all(process.returncode == 0 for process in running)
    assert all(count <= 400 for count in asked)
    assert rows_of(path) == 300


def test_several_threads_share_one_file(remembering: EmbeddingModel) -> None:
    faults: list[BaseException] = []

    def work(first: int) -> None:
        try:
            for start in range(0, 200, 10):
                texts = [f"text {(first + start + i) % 200}" for i in range(10)]
                expected = np.asarray([vector(text, DIMENSION) for text in texts], np.float32)
                assert np.array_equal(remembering.passages(texts), expected)
        except BaseException as error:  # noqa: BLE001 - told below
            faults.append(error)

    threads = [threading.Thread(target=work, args=(50 * n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults


# The whole


def test_the_app_and_a_later_start_share_what_was_embedded(tmp_path: Path) -> None:
    settings = Settings.load({"DATA_DIR": str(tmp_path)}, None)
    first = open_embeddings(settings)
    before = first.embed_passages(["北京是中国的首都。"])
    first.close()
    assert rows_of(tmp_path / "cache" / "embeddings.db") == 1
    again = open_embeddings(settings)
    begin = time.perf_counter()
    assert np.array_equal(again.embed_passages(["北京是中国的首都。"]), before)
    assert time.perf_counter() - begin < 0.1
    again.close()


def test_a_hit_costs_next_to_nothing(remembering: EmbeddingModel) -> None:
    texts = [f"{i} " + "知识库中的一段文字" * 30 for i in range(64)]
    remembering.passages(texts)
    costs = []
    for _ in range(20):
        begin = time.perf_counter()
        remembering.passages(texts)
        costs.append((time.perf_counter() - begin) / 64)
    assert min(costs) < 50e-6
