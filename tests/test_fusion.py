"""Fusion of two legs, on hits made by hand, and the gauge of a real collection."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from assistant.knowledge.fusion import RANGE, Scale, fuse, hybrid, parts
from assistant.knowledge.gauge import Gauge, gauge_of
from assistant.knowledge.records import REASONS, Hit
from assistant.knowledge.store import KnowledgeBase
from tests.knowledge_samples import MODEL, add, chunks_of, open_knowledge, vector_of
from tests.passages import hit

GAUGE = Gauge(spread=0.2, rows=1000)
TEXT = "alpha beta"


def leg(**scores: float) -> list[Hit]:
    return [replace(hit(name), id=name, score=score) for name, score in scores.items()]


def fused(dense: Sequence[Hit], keyword: Sequence[Hit], text: str = TEXT) -> list[Hit]:
    return fuse(dense, keyword, text, GAUGE)


def test_fusion_joins_both_legs_and_tells_their_ranks() -> None:
    hits = fused(leg(a=0.9, b=0.88, c=0.7), leg(c=8.0, a=6.0, d=2.0))
    assert [one.id for one in hits] == ["a", "c", "b", "d"]
    assert [(one.dense_rank, one.keyword_rank) for one in hits] == [
        (1, 2),
        (3, 1),
        (2, None),
        (None, 3),
    ]
    assert [one.kept for one in hits] == ["both", "both", "dense", "keyword"]
    assert set(REASONS) > {one.kept for one in hits}
    assert all(0 < one.score <= 1 for one in hits)


def test_the_parts_add_up_to_the_score() -> None:
    hits = fused(leg(a=0.9, b=0.88, c=0.7), leg(c=8.0, a=6.0, d=2.0))
    scale = Scale.of(hits, TEXT, GAUGE)
    assert scale.dense_weight + scale.keyword_weight == pytest.approx(1)
    for one in hits:
        assert sum(parts(one, scale)) == pytest.approx(one.score)
    # 0.02 behind the best, where unrelated texts are 0.2 behind.
    assert scale.dense(0.88) == pytest.approx(math.exp(-0.02 / (RANGE * 0.2)))
    assert scale.dense(None) == scale.dense(0.7)  # not found: as near as the last, no nearer
    assert (scale.keyword(6.0), scale.keyword(None)) == (0.75, 0)


def test_the_leg_that_is_sure_decides() -> None:
    flat, steep = leg(a=0.90, b=0.899), leg(a=0.90, b=0.80)
    weak, strong = leg(b=1.0, a=0.9), leg(b=14.0, a=2.0)
    assert fused(steep, weak)[0].id == "a"
    assert fused(flat, strong)[0].id == "b"
    weights = [
        Scale.of(fused(flat, keyword), TEXT, GAUGE).keyword_weight for keyword in (weak, strong)
    ]
    assert 0.1 < weights[0] < 0.3 and 0.45 < weights[1] < 0.6


def test_the_same_score_is_less_of_a_longer_question() -> None:
    words = [f"{first}{second}x" for first in "abcdefg" for second in "abcdefg"]
    weights = [
        Scale.of(fused(leg(a=0.9), leg(b=14.0)), " ".join(words[:n]), GAUGE).keyword_weight
        for n in (1, 4, 8, 40)
    ]
    assert weights[0] > weights[1] > weights[2]
    assert weights[2] == weights[3]  # nobody expects all of that in one chunk


def test_the_same_scale_for_every_list() -> None:
    """More candidates far behind don't make those at the top look more different."""
    few = fused(leg(a=0.90, b=0.89), leg(b=5.0, a=4.0))
    many = fused(leg(a=0.90, b=0.89, c=0.5, d=0.1), leg(b=5.0, a=4.0, e=0.1))
    assert [(one.id, one.score) for one in many[:2]] == [
        (one.id, pytest.approx(one.score)) for one in few
    ]


def test_one_leg_alone_or_none() -> None:
    (only,) = fused([], leg(k=3.0))
    assert (only.id, only.score, only.kept) == ("k", 1, "keyword")
    (only,) = fused(leg(d=0.8), [])
    assert (only.id, only.score, only.kept) == ("d", 1, "dense")
    assert fused([], []) == []
    assert [one.id for one in fused(leg(a=0.5, b=0.5), [])] == ["a", "b"]
    nothing_known = fuse(leg(a=0.9, b=0.8), leg(b=1.0), "", Gauge(0.0, 0))
    assert {one.id for one in nothing_known} == {"a", "b"}


def test_worse_than_nothing_is_no_keyword_hit() -> None:
    """BM25 gives words that are in most chunks next to nothing: they don't count for the best."""
    hits = fused(leg(a=0.9, b=0.8), leg(b=1e-6))
    assert hits[0].id == "a"


@pytest.mark.parametrize(
    ("metric", "precision"),
    [("cosine", "float32"), ("cosine", "int8"), ("cosine", "binary"), ("l2", "float32")],
)
def test_the_gauge_of_a_collection(tmp_path: Path, metric: str, precision: str) -> None:
    random = np.random.default_rng(5)
    with KnowledgeBase(tmp_path, None, MODEL, metric=metric, precision=precision) as knowledge:
        assert gauge_of(knowledge.folder, "default") == Gauge(0.0, 0)
        vectors = random.normal(size=(200, 64)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        chunks = chunks_of(*(f"text {n}" for n in range(200)))
        knowledge.add_embedded("/a", "a", "md", 1, "h", chunks[:1], vectors[:1])
        assert gauge_of(knowledge.folder, "default") == Gauge(0.0, 1)
        knowledge.add_embedded("/a", "a", "md", 1, "h", chunks, vectors)
        gauge = gauge_of(knowledge.folder, "default")
        assert gauge.rows == 200 and gauge_of(knowledge.folder, "default") == gauge
        # Random directions: a cosine of 0 to each other, a squared distance of 2.
        assert gauge.spread == pytest.approx(2 if metric == "l2" else 1, abs=0.05)
        assert gauge_of(knowledge.folder, "none").spread == 0


def test_hybrid_search_of_a_store(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        for name in "abcd":
            add(knowledge, f"/{name}.md", f"{name}lpha text", f"{name}eta words E10{ord(name)}")
        exact = hybrid(knowledge, vector_of("clpha text"), "E10100 deta")
        assert {one.text for one in exact[:2]} == {"clpha text", "deta words E10100"}
        assert len(exact) == 8
        filtered = hybrid(knowledge, vector_of("x"), "E10100", where={"source": "/d.md"})
        assert {one.source.uri for one in filtered} == {"/d.md"}
