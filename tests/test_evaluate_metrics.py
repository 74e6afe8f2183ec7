"""The measures, against values worked out by hand."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from assistant.evaluate import metrics
from assistant.evaluate.forms import joined
from assistant.evaluate.journal import Journal, digest


def test_a_ranking_with_two_of_three_found() -> None:
    relevant = {"a": 2.0, "b": 1.0, "c": 1.0}
    got = metrics.ranking(relevant, ["x", "a", "y", "z", "w", "b"])
    assert got["recall@1"] == 0
    assert got["recall@5"] == pytest.approx(1 / 3)
    assert got["recall@10"] == got["recall@20"] == pytest.approx(2 / 3)
    gain = 2 / math.log2(3) + 1 / math.log2(7)
    ideal = 2 / math.log2(2) + 1 / math.log2(3) + 1 / math.log2(4)
    assert got["ndcg@10"] == pytest.approx(gain / ideal)
    assert got["mrr"] == 0.5


def test_a_perfect_and_an_empty_ranking() -> None:
    assert set(metrics.ranking({"a": 1.0}, ["a", "b"]).values()) == {1.0}
    assert set(metrics.ranking({"a": 1.0}, []).values()) == {0.0}


def test_more_relevant_ones_than_the_depth() -> None:
    relevant = {str(n): 1.0 for n in range(20)}
    got = metrics.ranking(relevant, [str(n) for n in range(10)])
    assert (got["ndcg@10"], got["recall@10"]) == (pytest.approx(1.0), 0.5)


@pytest.mark.parametrize(
    ("text", "gold", "em", "rouge"),
    [
        ("Who was Ada?", "who was  ada?", 1, 1),
        ("Who was Ada", "Who was Ada?", 0, 1),
        # 3 of 5 words in common, of 4 in gold: P .6, R .75, F = 2.44 PR / (R + 1.44 P)
        ("and who was she then", "who was Ada then", 0, 2.44 * 0.45 / (0.75 + 1.44 * 0.6)),
        ("它多少钱", "年糕多少钱", 0, 2.44 * 0.75 * 0.6 / (0.6 + 1.44 * 0.75)),
        ("red", "blue", 0, 0),
        ("", "blue", 0, 0),
    ],
)
def test_rewrites_beside_gold(text: str, gold: str, em: float, rouge: float) -> None:
    assert metrics.exact_match(text, gold) == em
    assert metrics.rouge_l(text, gold) == pytest.approx(rouge)


def test_means_and_percentiles() -> None:
    assert metrics.mean([{"a": 1.0, "b": 0.0}, {"a": 0.0, "b": 0.0}]) == {"a": 0.5, "b": 0.0}
    assert metrics.percentiles([1, 2, 3], "x_") == {"x_p50_ms": 2.0, "x_p95_ms": 2.9}


def test_the_oldest_messages_are_dropped_from_a_join() -> None:
    assert joined(["a" * 400, "b" * 100, "c" * 50, "d"], len) == f"{'b' * 100}\n{'c' * 50}\nd"
    assert joined(["a", "b" * 1000], len) == "b" * 1000


def test_a_journal_outlives_a_torn_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "deep" / "journal.jsonl"
    first = Journal(path)
    first.put(digest("a"), {"reply": "甲"})
    with path.open("a") as file:
        file.write('{"key": "b", "rep')
    second = Journal(path)
    assert second.get(digest("a")) == {"key": digest("a"), "reply": "甲"}
    assert "line 2" in caplog.text
    second.put("c", {"reply": "丙"})
    third = Journal(path)
    assert third.get("c") == {"key": "c", "reply": "丙"}
    assert third.get("b") is None
