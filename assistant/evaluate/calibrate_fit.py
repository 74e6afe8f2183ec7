"""Fits the stages of the no-answer decision on samples, and scores each sample by a model that
has not seen it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.answerability.calibration import AFTER, RETRIEVAL, Stage
from assistant.answerability.logistic import Logistic, balanced, fit
from assistant.evaluate.calibrate_figures import Flags, Scores, auroc, threshold_at
from assistant.evaluate.calibrate_samples import Sample
from assistant.evaluate.journal import digest

#: False refusals that a threshold may cost on the samples that it is chosen by. Before the chat
#: model is asked only the plainest cases are to be refused.
MOST_FALSE = {"before": 0.01, "after": 0.05}
MOST_WEIGHT = 200.0  # of a set, however many questions it has
FOLDS = 5  # of the samples that a threshold is chosen by
TELLS = 0.55  # AUROC that a feature of the search must reach in every set to be used

Samples = Sequence[Sample]
#: Samples to fit on -> a scorer of any samples: probabilities of an answer.
Fitted = Callable[[Samples], Scores]


@dataclass(frozen=True)
class Fit:
    """How a stage is fitted. ``names``: of the retrieval's features."""

    stage: str
    names: Sequence[str]

    def usable(self, samples: Samples) -> list[Sample]:
        """Those that the stage can judge."""
        return [one for one in samples if self.stage == "before" or one.told is not None]

    def model(self, samples: Samples) -> tuple[Logistic, Fitted]:
        """The stage's model, and how it scores."""
        if self.stage == "before":
            model = before_model(samples, self.names)
            return model, lambda others: _probabilities(model, others)
        inner = before_model(samples, self.names)
        usable = self.usable(samples)
        # The model must not see log-odds that were fitted to the very same questions.
        unseen = _held_out_log_odds(samples, self.names)
        rows = [_after_row(one, unseen[one.set, one.id]) for one in usable]
        model = fit(rows, flags(usable), AFTER, weights=_weights(usable))
        return model, lambda others: _after_probabilities(model, inner, others)


def flags(samples: Samples) -> Flags:
    return np.array([one.answerable for one in samples], dtype=np.bool_)


def before_model(samples: Samples, names: Sequence[str]) -> Logistic:
    """Of ``names``, those are used that tell something in every set: what tells much in one and
    nothing in another says how the sets differ."""
    rows = [one.sought for one in samples]
    used = [name for name in names if _tells(samples, name)] or names
    return fit(rows, flags(samples), used, weights=_weights(samples))


def _tells(samples: Samples, name: str) -> bool:
    sets = {one.set for one in samples}
    parts = [[one for one in samples if one.set == known] for known in sorted(sets)]
    return all(_tells_in(part, name) for part in parts)


def _tells_in(samples: Samples, name: str) -> bool:
    known = [one for one in samples if name in one.sought]
    answerable = flags(known)
    if answerable.all() or not answerable.any():
        return False
    return auroc(np.array([one.sought[name] for one in known]), answerable) >= TELLS


def folds(samples: Samples, count: int) -> list[list[Sample]]:
    """Parts by the questions' ids, each with as large a share of each set's answerable ones."""
    ordered = sorted(samples, key=lambda one: (one.set, one.answerable, digest(one.id)))
    return [ordered[place::count] for place in range(count)]


def turns(samples: Samples, count: int) -> Iterator[tuple[list[Sample], list[Sample]]]:
    """Each part in turn, after all the others."""
    parts = folds(samples, count)
    for place, part in enumerate(parts):
        yield [one for n, other in enumerate(parts) if n != place for one in other], part


def threshold(scores: Scores, samples: Samples, stage: str) -> float:
    """The highest that costs no set more false refusals than :data:`MOST_FALSE`."""
    names = np.array([one.set for one in samples])
    answerable = flags(samples)
    return min(
        threshold_at(scores[names == name], answerable[names == name], MOST_FALSE[stage])
        for name in np.unique(names[answerable])
    )


@dataclass(frozen=True)
class Unseen:
    """Samples with scores of models that were fitted without them, and for each the threshold
    that those models' own samples gave."""

    samples: Samples
    scores: Scores
    thresholds: Scores


def unseen(how: Fit, samples: Samples) -> Unseen:
    """Each half scored by what was fitted on the other."""
    parts = [_scored(how, seen, others) for seen, others in turns(samples, 2)]
    return Unseen(
        [one for part in parts for one in part.samples],
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.thresholds for part in parts]),
    )


def _scored(how: Fit, seen: Samples, others: Samples) -> Unseen:
    """``others`` scored by what was fitted on ``seen``, which the threshold is of, too."""
    _, score = how.model(seen)
    usable = how.usable(others)
    return Unseen(usable, score(usable), np.full(len(usable), _threshold_of(how, seen)))


def _threshold_of(how: Fit, seen: Samples) -> float:
    """Chosen by scores of models that were fitted without the part that they score."""
    scores: list[Scores] = []
    scored: list[Sample] = []
    for inner, others in turns(seen, FOLDS):
        usable = how.usable(others)
        if usable:
            scores.append(how.model(inner)[1](usable))
            scored += usable
    return threshold(np.concatenate(scores), scored, how.stage)


def transferred(how: Fit, samples: Samples, left_out: str) -> Unseen:
    """The set ``left_out`` scored by what was fitted on the others."""
    return _scored(
        how,
        [one for one in samples if one.set != left_out],
        [one for one in samples if one.set == left_out],
    )


def final(how: Fit, samples: Samples) -> Stage:
    """The stage fitted on all samples."""
    model, _ = how.model(samples)
    return Stage(model, round(_threshold_of(how, samples), 5))


def _weights(samples: Samples) -> Scores:
    """Each set counts alike, and so do its answerable and unanswerable questions."""
    names = np.array([one.set for one in samples])
    answerable = flags(samples)
    weights = np.zeros(len(samples))
    for name in np.unique(names):
        is_here = names == name
        total = min(float(is_here.sum()), MOST_WEIGHT)
        weights[is_here] = balanced(answerable[is_here], total)
    return weights


def _held_out_log_odds(samples: Samples, names: Sequence[str]) -> dict[tuple[str, str], float]:
    found: dict[tuple[str, str], float] = {}
    for seen, others in turns(samples, FOLDS):
        model = before_model(seen, names)
        found |= {(one.set, one.id): model.log_odds(one.sought) for one in others}
    return found


def _after_row(sample: Sample, log_odds: float) -> dict[str, float]:
    return {**(sample.told or {}), RETRIEVAL: log_odds}


def _probabilities(model: Logistic, samples: Samples) -> Scores:
    return np.array([model.probability(one.sought) for one in samples])


def _after_probabilities(model: Logistic, inner: Logistic, samples: Samples) -> Scores:
    """An answer that admits to be none is refused whatever the threshold."""
    return np.array(
        [
            0.0 if one.is_none else model.probability(_after_row(one, inner.log_odds(one.sought)))
            for one in samples
        ]
    )
