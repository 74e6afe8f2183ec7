"""``python -m ingest search --explain``: why a hit is where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from assistant.knowledge.fusion import DENSE_WEIGHT, KEYWORD_WEIGHT, Scale
from assistant.knowledge.keywords import matching_terms, query_terms
from assistant.knowledge.records import Hit, NewChunk

BM25 = "BM25"
_TEXTS = {
    "en": {
        "leg": "{measure} {score:.4f} (rank {rank}): {share:.3f} x {weight:g} = {part:.4f}",
        "missed": "{measure}: not among the candidates",
        "terms": "terms: {held} ({count} of {asked})",
        "none": "none",
    },
    "zh": {
        "leg": "{measure} {score:.4f}（第 {rank} 名）：{share:.3f} x {weight:g} = {part:.4f}",
        "missed": "{measure}：不在候选中",
        "terms": "词：{held}（{asked} 个中的 {count} 个）",
        "none": "无",
    },
}


@dataclass(frozen=True)
class Leg:
    """``score`` by ``measure``; ``share`` is its place between the worst and the best of the leg's
    candidates, and ``part`` of the fused score comes from it. All None where the leg missed the
    hit."""

    measure: str
    rank: int | None = None
    score: float | None = None
    share: float | None = None
    weight: float | None = None
    part: float | None = None


@dataclass(frozen=True)
class Explanation:
    """The parts of both legs add up to the hit's score; ``terms`` of the query are in the hit."""

    dense: Leg
    keyword: Leg
    terms: list[str]
    missing_terms: list[str]

    def as_json(self) -> dict[str, object]:
        return asdict(self)

    def lines(self, language: str) -> list[str]:
        words = _TEXTS[language]
        legs = [
            words["leg" if leg.rank else "missed"].format(**asdict(leg))
            for leg in (self.dense, self.keyword)
        ]
        count = len(self.terms)
        terms = words["terms"].format(
            held=" ".join(self.terms) or words["none"],
            count=count,
            asked=count + len(self.missing_terms),
        )
        return [*legs, terms]


def explain(query: str, metric: str, hits: Sequence[Hit], k: int) -> list[Explanation]:
    """One for each of the first ``k`` of all the ``hits`` of a hybrid search."""
    scale, asked = Scale.of(hits), query_terms(query)
    explanations = []
    for hit in hits[:k]:
        held = matching_terms(asked, NewChunk(hit.text, hit.heading_path).embedding_text)
        explanations.append(
            Explanation(
                _dense(hit, scale, metric),
                _keyword(hit, scale),
                [term for term in asked if term in held],
                [term for term in asked if term not in held],
            )
        )
    return explanations


def _dense(hit: Hit, scale: Scale, metric: str) -> Leg:
    if hit.dense_score is None:
        return Leg(metric)
    share = scale.dense(hit.dense_score)
    return Leg(metric, hit.dense_rank, hit.dense_score, share, DENSE_WEIGHT, share * DENSE_WEIGHT)


def _keyword(hit: Hit, scale: Scale) -> Leg:
    if hit.keyword_score is None:
        return Leg(BM25)
    share = scale.keyword(hit.keyword_score)
    return Leg(
        BM25, hit.keyword_rank, hit.keyword_score, share, KEYWORD_WEIGHT, share * KEYWORD_WEIGHT
    )
