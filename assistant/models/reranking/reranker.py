"""What a reranker is to the rest of the program, and the check of what services answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from assistant.errors import BadAnswer
from assistant.models.names import Target

Ranked = list[tuple[int, float]]


class Reranker(Protocol):
    """Orders texts by how well they answer a question."""

    def rank(self, question: str, texts: Sequence[str], top_n: int) -> Ranked:
        """(index into ``texts``, score) of the ``top_n`` best, best first.

        Scores are as the model gives them: comparable within one call only.

        Raises:
            ModelError: the model is away, says no, or its answer can't be used.
        """


def read_scores(target: Target, rows: object, texts: int, wanted: int) -> Ranked:
    """What a service answered, checked, best first.

    Args:
        rows: its list of ``{"index": ..., "relevance_score": ...}`` (TEI: ``"score"``).
        texts: how many were sent.
        wanted: how many results were asked for; more may come.

    Raises:
        BadAnswer: not such a list, too short a one, or an index that is none or comes twice.
    """
    if not isinstance(rows, list):
        raise _bad(target, "no list of results", "没有结果列表")
    found: dict[int, float] = {}
    for row in rows:
        index, score = _pair(row)
        if index is None or score is None or not 0 <= index < texts or index in found:
            raise _bad(target, f"the result {row!r:.100}", f"结果 {row!r:.100}")
        found[index] = score
    if len(found) < wanted:
        raise _bad(
            target, f"{len(found)} of {wanted} results", f"{wanted} 个结果中的 {len(found)} 个"
        )
    return sorted(found.items(), key=lambda pair: -pair[1])


def _pair(row: object) -> tuple[int | None, float | None]:
    if not isinstance(row, Mapping):
        return None, None
    index: Any = row.get("index")
    score: Any = row.get("relevance_score", row.get("score"))
    is_index = isinstance(index, int) and not isinstance(index, bool)
    is_score = isinstance(score, int | float) and math.isfinite(score)
    return index if is_index else None, float(score) if is_score else None


def _bad(target: Target, en: str, zh: str) -> BadAnswer:
    return BadAnswer(
        "The reranker {name} at {url} gave an answer that can't be used ({en}): is {model} a "
        "reranker, and the address in .env right?",
        "重排模型 {name}（{url}）的应答无法使用（{zh}）：{model} 是否为重排模型？.env 中的地址"
        "是否正确？",
        name=target.name,
        url=target.base_url,
        model=target.model or target.provider.name,
        en=en,
        zh=zh,
    )
