"""``python -m ingest search --explain``: why a hit is where it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from assistant.knowledge.fusion import Scale
from assistant.knowledge.gauge import Gauge
from assistant.knowledge.keywords import matching_terms, query_terms
from assistant.knowledge.records import Hit, NewChunk

BM25 = "BM25"
_TEXTS = {
    "en": {
        "leg": "{measure} {score:.4f} (rank {rank}): {share:.3f} x {weight:.3f} = {part:.4f}",
        "missed": "{measure}: not among the candidates: {share:.3f} x {weight:.3f} = {part:.4f}",
        "terms": "terms: {held} ({count} of {asked})",
        "none": "none",
    },
    "zh": {
        "leg": "{measure} {score:.4f}（第 {rank} 名）：{share:.3f} x {weight:.3f} = {part:.4f}",
        "missed": "{measure}：不在候选中：{share:.3f} x {weight:.3f} = {part:.4f}",
        "terms": "词：{held}（{asked} 个中的 {count} 个）",
        "none": "无",
    },
}


@dataclass(frozen=True)
class Leg:
    """``score`` by ``measure`` and ``rank``, None where the leg missed the hit. ``share`` is what
    that is of the leg's best hit (0..1; what the dense leg missed counts as the last it found),
    ``weight`` how sure the leg is of this question, and ``part`` of the fused score their product.
    """

    measure: str
    rank: int | None
    score: float | None
    share: float
    weight: float

    @property
    def part(self) -> float:
        return self.share * self.weight

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "part": self.part}


@dataclass(frozen=True)
class Explanation:
    """The parts of both legs add up to the hit's score; ``terms`` of the query are in the hit."""

    dense: Leg
    keyword: Leg
    terms: list[str]
    missing_terms: list[str]

    def as_json(self) -> dict[str, object]:
        legs = {"dense": self.dense.as_json(), "keyword": self.keyword.as_json()}
        return {**legs, "terms": self.terms, "missing_terms": self.missing_terms}

    def lines(self, language: str) -> list[str]:
        words = _TEXTS[language]
        legs = [
            words["leg" if leg.rank else "missed"].format(**leg.as_json())
            for leg in (self.dense, self.keyword)
        ]
        count = len(self.terms)
        terms = words["terms"].format(
            held=" ".join(self.terms) or words["none"],
            count=count,
            asked=count + len(self.missing_terms),
        )
        return [*legs, terms]


def explain(
    query: str, metric: str, gauge: Gauge, hits: Sequence[Hit], k: int
) -> list[Explanation]:
    """One for each of the first ``k`` of all the ``hits`` of a hybrid search."""
    scale, asked = Scale.of(hits, query, gauge), query_terms(query)
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
    share = scale.dense(hit.dense_score)
    return Leg(metric, hit.dense_rank, hit.dense_score, share, scale.dense_weight)


def _keyword(hit: Hit, scale: Scale) -> Leg:
    share = scale.keyword(hit.keyword_score)
    return Leg(BM25, hit.keyword_rank, hit.keyword_score, share, scale.keyword_weight)
