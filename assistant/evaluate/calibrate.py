"""``calibrate``: when to say that the documents do not hold the answer.

Weights and thresholds are fitted on half of the questions and measured on the other half, and the
other way round; what is written is fitted on all of them. The stage ``before`` judges by the
search alone, ``after`` by the answer's support too, of questions whose answers ``answers`` kept.
"""

from __future__ import annotations

import json
import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from assistant.answerability.calibration import (
    BEFORE,
    BEFORE_ANY,
    OWN,
    SHIPPED,
    VERSION,
    CalibrationError,
    read,
    stage_json,
)
from assistant.evaluate.calibrate_figures import curve, rates, summary
from assistant.evaluate.calibrate_fit import Fit, Unseen, final, flags, transferred, unseen
from assistant.evaluate.calibrate_samples import Sample, samples_of
from assistant.evaluate.dataset import Dataset
from assistant.evaluate.private_files import write_private
from assistant.models.embedding.choice import open_embeddings
from assistant.settings import Settings

log = logging.getLogger(__name__)

Row = dict[str, Any]
LEAST = 12  # answerable questions, and unanswerable ones, of each set: two halves of halves
STAGES = ("before", "after")


def run(datasets: Sequence[Dataset], settings: Settings, *, write: bool) -> dict[str, Any]:
    """Fit and measure both stages, for each set alone and for all together.

    Args:
        write: keep what was fitted on all the sets in DATA_DIR, to be used from now on.

    Returns:
        ``set``, ``n``, ``rows`` (a set, how it was fitted, and what is refused), ``curves``
        (of each set: points of threshold, refused and false_refused) and ``written``, a path.

    Raises:
        CalibrationError: too few questions, answerable or not.
        DatasetError, ModelError, KnowledgeError: a set can't be searched.
        FileFault: the calibration can't be written.
    """
    for dataset in datasets:
        _check(dataset)
    embeddings = open_embeddings(settings)
    try:
        samples = [
            sample for dataset in datasets for sample in samples_of(dataset, settings, embeddings)
        ]
    finally:
        embeddings.close()
    measured = list(_measured(samples))
    path = _write(samples, settings, embeddings.fingerprint) if write else None
    return {
        "set": " + ".join(dict.fromkeys(one.set for one in samples)),
        "n": len(samples),
        "rows": [one.row() for one in measured],
        "curves": [one.curve() for one in measured if one.fitted != "on the others"],
        "written": str(path) if path else "",
    }


@dataclass(frozen=True)
class Measured:
    """One set's unseen scores in one stage."""

    set: str
    fitted: str  # "on itself", "on all", "on the others"
    stage: str
    unseen: Unseen

    def row(self) -> Row:
        answerable = flags(self.unseen.samples)
        chosen = rates(self.unseen.scores, answerable, self.unseen.thresholds)
        return {
            "category": self.set,
            "fitted": self.fitted,
            "stage": self.stage,
            "n": len(answerable),
            "unanswerable": int((~answerable).sum()),
            **summary(self.unseen.scores, answerable),
            "threshold": round(float(self.unseen.thresholds.mean()), 4),
            **chosen,
        }

    def curve(self) -> Any:
        name = f"{self.set}, {self.stage}, {self.fitted}"
        threshold = float(self.unseen.thresholds.mean())
        return curve(name, self.unseen.scores, flags(self.unseen.samples), threshold)


def _measured(samples: Sequence[Sample]) -> Iterator[Measured]:
    names = list(dict.fromkeys(one.set for one in samples))
    for stage in STAGES:
        how = Fit(stage, BEFORE)
        fit_for = [name for name in names if _enough(how.usable(_of(samples, name)))]
        for name in fit_for:
            yield Measured(name, "on itself", stage, unseen(how, _of(samples, name)))
        if len(fit_for) < 2:
            continue
        kept = [one for one in samples if one.set in fit_for]
        together = unseen(how, kept)
        for name in fit_for:
            yield Measured(name, "on all", stage, _only(together, name))
        for name in fit_for:
            yield Measured(name, "on the others", stage, transferred(how, kept, name))


def _of(samples: Sequence[Sample], name: str) -> list[Sample]:
    return [one for one in samples if one.set == name]


def _only(scored: Unseen, name: str) -> Unseen:
    places = np.array([n for n, one in enumerate(scored.samples) if one.set == name])
    return Unseen(
        [scored.samples[n] for n in places], scored.scores[places], scored.thresholds[places]
    )


def _enough(samples: Sequence[Sample]) -> bool:
    counts = Counter(one.answerable for one in samples)
    return min(counts[True], counts[False]) >= LEAST


def _check(dataset: Dataset) -> None:
    good, bad = len(dataset.questions), len(dataset.unanswerable)
    if min(good, bad) < LEAST:
        raise CalibrationError(
            "{name} has {good} questions that the documents answer and {bad} that they don't; at "
            "least {least} of each are needed.",
            "{name} 有 {good} 个可由文档回答的问题、{bad} 个文档中没有答案的问题；"
            "两类至少各需 {least} 个。",
            name=dataset.name,
            good=good,
            bad=bad,
            least=LEAST,
        )


def _write(samples: Sequence[Sample], settings: Settings, fingerprint: str) -> Path:
    path = settings.data_dir / OWN
    kept = {
        "version": VERSION,
        "made": {
            "date": time.strftime("%Y-%m-%d"),
            "sets": dict(Counter(one.set for one in samples)),
            "answers": sum(one.told is not None for one in samples),
        },
        "embedding": fingerprint,
        **_stages(samples),
    }
    write_private(path, json.dumps(kept, ensure_ascii=False, indent=1) + "\n")
    read(path)  # what can't be read again must not be found out by the next question
    return path


def _stages(samples: Sequence[Sample]) -> dict[str, Any]:
    """Both stages, with cosines and without; where too few answers were kept to fit the stage
    after, its weights are those that ship."""
    stages: dict[str, Any] = {}
    for ending, names in (("", BEFORE), ("_any", BEFORE_ANY)):
        stages[f"before{ending}"] = stage_json(final(Fit("before", names), samples))
        how = Fit("after", names)
        if _enough(how.usable(samples)):
            stages[f"after{ending}"] = stage_json(final(how, samples))
        else:
            log.warning("too few answers are kept: run answers first to fit the stage after")
            stages[f"after{ending}"] = read(SHIPPED)[f"after{ending}"]
    return stages
