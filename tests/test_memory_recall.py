"""The recall index: words in both languages, meaning, neighbours, recency, and its upkeep."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from assistant.memory.recall import Item, RecallIndex
from assistant.memory.recall_vectors import BLOCK, Vectors

DAY = 86400.0
NOW = 400 * DAY


def direction(*numbers: float) -> NDArray[np.float32]:
    vector = np.array(numbers, dtype=np.float32)
    return np.asarray(vector / np.linalg.norm(vector))


FAR = direction(0, 0, 0, 1)


def item(
    id: str,
    text: str,
    group: str = "",
    time: float = NOW,
    vector: NDArray[np.float32] = FAR,
    kind: str = "turn",
) -> Item:
    return Item(id, kind, text, group, time, vector.astype(np.float16))


def filled(*items: Item) -> RecallIndex:
    index = RecallIndex()
    index.put(items)
    return index


def ids(
    index: RecallIndex, text: str, vector: NDArray[np.float32] = FAR, k: int = 10, **options: object
) -> list[str]:
    return [found.id for found in index.search(text, vector, k, now=NOW, **options)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("我的显卡有多少显存？", "zh"),
        ("猫叫什么", "cat"),
        ("How much memory do my GPUs have?", "en"),
        ("what did I say about the H20", "en"),
    ],
)
def test_words_are_found_in_chinese_and_english(question: str, expected: str) -> None:
    index = filled(
        item("zh", "我用的显卡是 RTX 4090，显存 24 GB"),
        item("cat", "我家的猫名叫年糕"),
        item("en", "I have an H20 GPU with 96 GB of memory"),
        item("x", "今天天气怎么样？今天多云。"),
    )
    assert ids(index, question)[0] == expected


def test_meaning_is_found_without_a_common_word() -> None:
    index = filled(
        item("a", "alpha", vector=direction(1, 0, 0)),
        item("b", "beta", vector=direction(0, 1, 0)),
        item("c", "gamma", vector=direction(0, 0, 1)),
    )
    best, *_ = index.search("nothing of that", direction(0.1, 1, 0), 3, now=NOW)
    assert best.id == "b"
    assert best.keyword == 0
    assert best.score == pytest.approx(best.dense + best.keyword + best.recency)
    assert best.cosine == pytest.approx(1 / np.sqrt(1.01), abs=0.01)


def test_the_newer_of_two_equals_comes_first_and_no_more_than_that() -> None:
    old, new = item("old", "backup of redis", time=0), item("new", "backup of redis", time=NOW)
    assert ids(filled(old, new), "redis backup") == ["new", "old"]
    assert ids(filled(new, old), "redis backup") == ["new", "old"]
    better = item("better", "redis backup and restore", time=0)
    worse = item("worse", "restore", time=NOW)
    assert ids(filled(better, worse), "redis backup restore")[0] == "better"


def test_a_turn_gains_from_its_neighbours_in_the_same_conversation() -> None:
    index = filled(
        item("q", "Where shall we go on holiday in Norway?", "a", 1),
        item("r", "Bergen, by train.", "a", 2),
        item("other", "Bergen, by train.", "b", 3),
        *(item(f"x{n}", f"weather {n}", f"c{n}", 4) for n in range(20)),
    )
    found = {one.id: one.score for one in index.search("holiday Norway train", FAR, 30, now=NOW)}
    assert found["r"] > found["other"] > 0
    index.remove(["q"])
    found = {one.id: one.score for one in index.search("holiday Norway train", FAR, 30, now=NOW)}
    assert found["r"] == pytest.approx(found["other"], abs=0.001)


def test_neighbours_go_by_time_in_whatever_order_they_come() -> None:
    turns = [item(str(n), "nothing", "a", n) for n in range(8)]
    turns[3] = item("3", "the pangolin", "a", 3)
    for order in ([7, 3, 0, 5, 1, 4, 2, 6], range(8)):
        index = filled(*(turns[n] for n in order))
        found = [one.id for one in index.search("pangolin", FAR, 9, now=NOW) if one.keyword]
        assert found[0] == "3"
        assert set(found[1:3]) == {"2", "4"}
        assert set(found) == {"0", "1", "2", "3", "4", "5", "6"}


def test_an_item_is_replaced_by_its_id() -> None:
    index = filled(item("a", "sushi"), item("b", "tofu"))
    index.put([item("a", "ramen", kind="fact")])
    assert len(index) == 2
    assert ids(index, "ramen")[0] == "a"
    assert not [one for one in index.search("sushi", FAR, 5, now=NOW) if one.keyword]
    kept = index.get("a")
    assert kept is not None
    assert (kept.kind, kept.text, kept.time) == ("fact", "ramen", NOW)
    assert kept.vector.tolist() == FAR.astype(np.float16).tolist()


def test_what_is_removed_is_never_found_again() -> None:
    index = filled(*(item(f"{n}", f"secret {n}", "a", n) for n in range(50)))
    index.remove([str(n) for n in range(1, 50)] + ["unknown"])
    assert (ids(index, "secret"), len(index), index.get("7")) == (["0"], 1, None)
    index.clear()
    assert (ids(index, "secret"), len(index), index.get("0")) == ([], 0, None)


def test_a_table_full_of_removed_rows_is_made_anew() -> None:
    index = RecallIndex()
    for season in ("spring", "summer", "autumn", "winter"):
        index.put([item(f"{n}", f"word{n} in {season}", "a", n) for n in range(600)])
    assert len(index._table) < 1900
    assert (len(index), ids(index, "word77")[0]) == (600, "77")
    assert not [one for one in index.search("spring", FAR, 5, now=NOW) if one.keyword]


def test_only_the_kinds_and_conversations_that_are_wanted() -> None:
    index = filled(
        item("t1", "redis", "a"),
        item("t2", "redis", "b"),
        item("f", "redis", kind="fact"),
        item("p", "redis", kind="preference"),
    )
    assert set(ids(index, "redis")) == {"t1", "t2", "f", "p"}
    assert set(ids(index, "redis", without_group="a")) == {"t2", "f", "p"}
    assert set(ids(index, "redis", kinds=["fact", "preference"])) == {"f", "p"}
    assert ids(index, "redis", kinds={"turn"}, without_group="b") == ["t1"]
    assert ids(index, "redis", kinds=["other"]) == []
    assert set(ids(index, "redis", without_group="unknown")) == {"t1", "t2", "f", "p"}


def test_vectors_of_another_model_are_ignored_but_not_the_words() -> None:
    index = filled(item("old", "zebra", vector=direction(1, 1)), item("new", "other"))
    old, *_ = index.search("zebra", FAR, 5, now=NOW)
    assert (old.id, old.dense, old.cosine) == ("old", 0, 0)
    kept = index.get("old")
    assert kept is not None
    assert kept.vector.shape == (2,)
    assert [one.id for one in index.search("nothing", FAR, 5, now=NOW)] == ["new"]


@pytest.mark.parametrize("k", [0, -1])
def test_none_are_asked_for(k: int) -> None:
    assert filled(item("a", "b")).search("b", FAR, k, now=NOW) == []


@pytest.mark.parametrize("text", ["", "?", "的", "\x00", '" OR *', "x" * 100_000])
def test_any_text_is_a_question(text: str) -> None:
    index = filled(item("a", text), item("b", "text"))
    assert {one.id for one in index.search(text, FAR, 5, now=NOW)} <= {"a", "b"}
    assert RecallIndex().search(text, FAR, 5, now=NOW) == []


def test_one_memory_alone_counts() -> None:
    (only,) = filled(item("a", "b")).search("anything", FAR, 5, now=NOW)
    assert only.dense > 0


def test_a_scan_is_as_good_as_exact() -> None:
    random = np.random.default_rng(3)
    rows = random.standard_normal((BLOCK + 100, 384)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    vectors = Vectors(384)
    for row in rows:
        vectors.add(row)
    assert np.abs(vectors.scan(rows[7]) - rows @ rows[7]).max() < 0.002


def test_threads_may_add_and_search_at_once() -> None:
    index = RecallIndex()
    faults: list[Exception] = []

    def work(name: str, numbers: Sequence[int]) -> None:
        try:
            for n in numbers:
                index.put([item(f"{name}{n}", f"word {n}", name, n)])
                index.search("word", FAR, 3, now=NOW)
                if n % 3 == 0:
                    index.remove([f"{name}{n}"])
        except Exception as error:  # noqa: BLE001
            faults.append(error)

    threads = [threading.Thread(target=work, args=(name, range(60))) for name in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert len(index) == 4 * 40
