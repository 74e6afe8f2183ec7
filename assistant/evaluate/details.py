"""What each question got, beside the means: two runs are compared by it, and the worst are shown.

In a result it stands under ``details``::

    {"questions": {id: {"text", "relevant": [ids]}},
     "scores": [{form, leg, ..., "id", measures..., "found": [ids, best first]}],
     "passages": {id: the beginning of its text}}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from assistant.evaluate.dataset import Passage, Question

KEY = "details"
FOUND = 3  # that are kept of what a question found
JUDGED = 5  # that are kept of what it should have found
BEGINNING = 240  # characters of a passage
MISSED = "recall@5"  # passages are kept of questions that fell short of it


class Details:
    """Collects them while a command measures.

    >>> details = Details()
    >>> question = Question("q", "Why?", {"a": 1.0})
    >>> details.add({"leg": "dense"}, question, {"recall@5": 0.0}, ["b"])
    >>> details.as_json([Passage("b", "", "Because.")])["passages"]
    {'b': 'Because.'}
    """

    def __init__(self) -> None:
        self._questions: dict[str, dict[str, Any]] = {}
        self._scores: list[dict[str, Any]] = []

    def add(
        self,
        label: Mapping[str, Any],
        question: Question,
        scores: Mapping[str, float],
        found: Sequence[str],
    ) -> None:
        """Keep a question's measures.

        Args:
            label: of the row that they are counted in: form, leg, model.
            found: ids of passages, best first.
        """
        self._questions[question.id] = {
            "text": question.text,
            "relevant": list(question.relevant)[:JUDGED],
        }
        rounded = {name: round(value, 4) for name, value in scores.items()}
        row = {**label, "id": question.id, **rounded, "found": list(found[:FOUND])}
        self._scores.append(row)

    def as_json(self, passages: Sequence[Passage]) -> dict[str, Any]:
        shown = set[str]()
        for row in self._scores:
            if row.get(MISSED, 1.0) < 1:
                shown.update(row["found"], self._questions[row["id"]]["relevant"])
        texts = {one.id: one.embedding_text[:BEGINNING] for one in passages if one.id in shown}
        return {"questions": self._questions, "scores": self._scores, "passages": texts}


def without_details(result: Mapping[str, Any]) -> dict[str, Any]:
    """What is printed of a result; its details are for files."""
    return {name: value for name, value in result.items() if name != KEY}
