"""Whether the documents answer a question: before the chat model is asked, and after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from assistant.answerability.answered import answer_features, is_no_answer
from assistant.answerability.calibration import RETRIEVAL, Calibration, Stage, shipped
from assistant.answerability.retrieved import retrieval_features
from assistant.citations.records import Checked
from assistant.knowledge.records import Hit
from assistant.passages import Passage

NOTHING = "nothing"  # the reason where nothing was found
UNBORNE = 0.5  # an answer that no passage bears out at all must be more likely right than not
ADMITTED = "admitted"  # the reason of an answer that says itself that there is none


class Searched(Protocol):
    """What a search saw, as :class:`assistant.retrieval.Found` has it: the candidates of both
    legs, each with its scores in them."""

    @property
    def candidates(self) -> Sequence[Hit]: ...


@dataclass(frozen=True)
class Verdict:
    """``probability`` that the documents hold the answer, 0..1; ``answered``: it is not below the
    threshold; ``reasons``: what each feature adds to the log-odds, the strongest first."""

    probability: float
    answered: bool
    reasons: Mapping[str, float] = field(default_factory=dict)


def before(question: str, found: Searched, calibration: Calibration | None = None) -> Verdict:
    """Judge by retrieval alone. Not ``answered`` where it is so sure that the documents hold
    nothing that the chat model need not be asked.

    Args:
        question: the standalone question.
        calibration: the one that ships, without cosines, where none is given.
    """
    if not found.candidates:
        return Verdict(0.0, answered=False, reasons={NOTHING: 1.0})
    stage = (calibration or shipped()).before
    return _judged(stage, retrieval_features(question, found.candidates))


def after(
    question: str,
    found: Searched,
    passages: Sequence[Passage],
    checked: Checked,
    calibration: Calibration | None = None,
) -> Verdict:
    """Judge by retrieval and by the answer's support in ``passages``.

    An answer that says itself that the documents don't tell, and claims nothing that they bear,
    is none whatever the rest.
    """
    if not found.candidates:
        return Verdict(0.0, answered=False, reasons={NOTHING: 1.0})
    calibration = calibration or shipped()
    sought = retrieval_features(question, found.candidates)
    features = answer_features(question, found.candidates, passages, checked)
    features[RETRIEVAL] = calibration.before.model.log_odds(sought)
    verdict = _judged(calibration.after, features)
    if is_no_answer(checked):
        return Verdict(verdict.probability, answered=False, reasons={ADMITTED: 1.0})
    if not checked.cited and verdict.probability < UNBORNE:
        return replace(verdict, answered=False)
    return verdict


def _judged(stage: Stage, features: Mapping[str, float]) -> Verdict:
    probability = stage.model.probability(features)
    return Verdict(
        round(probability, 4), probability >= stage.threshold, stage.model.parts(features)
    )
