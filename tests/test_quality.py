"""The regression gate: quality on documents and questions of our own must not fall below its
floors. They are Chinese (simplified and traditional) and English, of an invented company, so that
only the documents can tell; what is measured is told in ``quality_gate.py``.

A floor lies a question or two below what was measured when it was set. Where a change moves a
measure, look at the questions behind it; raise floors with an improvement, and lower one only with
the reason beside it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from assistant.answerability import Verdict
from assistant.citations import check_citations
from assistant.passages import Passage
from tests import quality_gate
from tests.quality_gate import FOLDER, RIGHT, Broken, Gate, Measures

FLOORS: dict[str, dict[str, Any]] = json.loads((FOLDER / "floors.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with quality_gate.opened(tmp_path_factory.mktemp("gate")) as gate:
        yield gate


@pytest.fixture(scope="module")
def measured(gate: Gate) -> Measures:
    return {
        name: value for measure in quality_gate.MEASURES for name, value in measure(gate).items()
    }


def fallen(measures: Measures) -> dict[str, tuple[float, float]]:
    """The measures below their floors, each with its floor."""
    return {
        name: (value, FLOORS[name]["floor"])
        for name, value in measures.items()
        if value < FLOORS[name]["floor"]
    }


def test_every_measure_has_a_floor_and_a_reason(measured: Measures) -> None:
    assert set(measured) == set(FLOORS)
    for name, row in FLOORS.items():
        assert set(row) == {"floor", "measured", "why"}, name
        assert 0 < row["floor"] <= row["measured"] <= 1, name
        assert row["measured"] - row["floor"] <= 0.12, f"{name}: so low a floor guards nothing"


@pytest.mark.parametrize("name", FLOORS)
def test_quality_is_above_its_floor(measured: Measures, name: str) -> None:
    assert measured[name] >= FLOORS[name]["floor"], FLOORS[name]["why"]


def test_hybrid_is_no_worse_than_its_legs(measured: Measures) -> None:
    for measure in ("recall@5", "ndcg@10"):
        legs = [measured[f"leg {leg} {measure}"] for leg in ("dense", "keyword")]
        assert measured[f"hybrid gold {measure}"] >= max(legs)


def test_the_set_is_what_it_should_be(gate: Gate) -> None:
    questions = [*gate.dataset.questions, *gate.dataset.unanswerable]
    kinds = [question.metadata["kind"] for question in questions]
    assert len(questions) >= 120
    assert kinds.count("unanswerable") >= 30
    assert kinds.count("followup") >= 30
    for language in ("zh", "en"):
        assert sum(question.metadata["lang"] == language for question in questions) >= 50
    for question in gate.dataset.questions:
        assert question.answers, question.id
        if question.metadata["kind"] == "followup":
            assert question.turns and question.gold, question.id


# A gate that can't close is none: each part, broken, falls below a floor.


def test_the_gate_sees_that_the_keyword_leg_is_gone(gate: Gate) -> None:
    broken = Broken(gate.knowledge, without_keywords=True)
    lost = fallen(quality_gate.retrieval(gate, broken, ["gold"]))
    assert "hybrid exact ndcg@10" in lost


def test_the_gate_sees_that_the_vectors_are_shuffled(gate: Gate) -> None:
    lost = fallen(quality_gate.retrieval(gate, Broken(gate.knowledge, shuffled=True), ["gold"]))
    assert {"hybrid gold ndcg@10", "hybrid single ndcg@10", "hybrid gold recall@5"} <= set(lost)


def test_the_gate_sees_citations_that_nobody_checks(gate: Gate) -> None:
    def believed(answer: str, passages: list[Passage], question: str) -> Any:
        return SimpleNamespace(cited=tuple(range(1, len(passages) + 1)))

    def refused(answer: str, passages: list[Passage], question: str) -> Any:
        return SimpleNamespace(cited=())

    assert f"citations {RIGHT} cited" in fallen(quality_gate.citations(gate, refused))
    lost = fallen(quality_gate.citations(gate, believed))
    assert lost.keys() >= {f"citations {truth} not cited" for truth in ("number", "invented")}


def test_the_gate_sees_a_check_that_is_blind_to_numbers(gate: Gate) -> None:
    def blind(answer: str, passages: list[Passage], question: str) -> Any:
        digits = str.maketrans("0123456789", "0000000000")
        told = [Passage(one.n, one.hit, one.quote.translate(digits)) for one in passages]
        return check_citations(answer.translate(digits), told, question.translate(digits))

    assert "citations number not cited" in fallen(quality_gate.citations(gate, blind))


def test_the_gate_sees_follow_ups_that_are_left_alone(gate: Gate) -> None:
    lost = fallen(quality_gate.rewriting(gate, lambda question, context: False))
    assert list(lost) == ["rewriting follow-ups sent to the model"]


@pytest.mark.parametrize(
    ("answered", "lost"),
    [
        (
            True,
            {"before the model unanswerable refused", "after the model made-up answers refused"},
        ),
        (False, {"before the model answerable kept", "after the model right answers kept"}),
    ],
)
def test_the_gate_sees_that_nothing_or_all_is_refused(
    gate: Gate, answered: bool, lost: set[str]
) -> None:
    def decided(*_: Any) -> Verdict:
        return Verdict(float(answered), answered, {})

    fell = fallen(quality_gate.no_answer(gate, decided, decided, lambda *_: None))
    assert fell.keys() >= {f"no answer {name}" for name in lost}
