"""Rates and curves of a decision by a threshold: refused where the score lies below it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Scores = NDArray[np.float64]
Flags = NDArray[np.bool_]

#: Shares of false refusals at which the right ones are told.
AT = (0.01, 0.02, 0.05, 0.1)
POINTS = 60  # of a curve


def auroc(scores: Scores, answerable: Flags) -> float:
    """How likely an answerable question scores higher than one that is not.

    >>> round(auroc(np.array([0.9, 0.5, 0.5]), np.array([True, True, False])), 2)
    0.75
    """
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    good, bad = int(answerable.sum()), int((~answerable).sum())
    return float((ranks[answerable].sum() - good * (good + 1) / 2) / (good * bad))


def threshold_at(scores: Scores, answerable: Flags, most_false: float) -> float:
    """The highest threshold that refuses at most ``most_false`` of the answerable."""
    good = np.sort(scores[answerable])
    return float(good[min(int(most_false * len(good)), len(good) - 1)])


def rates(scores: Scores, answerable: Flags, threshold: Scores | float) -> dict[str, float]:
    """The shares that are refused: of those that can't be answered, and of those that can."""
    is_refused = scores < threshold
    return {
        "refused": round(float(is_refused[~answerable].mean()), 4),
        "false_refused": round(float(is_refused[answerable].mean()), 4),
    }


def summary(scores: Scores, answerable: Flags) -> dict[str, float]:
    """AUROC, and what is refused at each share of false refusals of :data:`AT`."""
    refused = {
        f"refused@{share:.0%}": rates(scores, answerable, threshold_at(scores, answerable, share))[
            "refused"
        ]
        for share in AT
    }
    return {"auroc": round(auroc(scores, answerable), 4), **refused}


def curve(name: str, scores: Scores, answerable: Flags, threshold: float) -> Mapping[str, Any]:
    """The curve's points, at most :data:`POINTS`, and the threshold in use."""
    known = np.unique(np.append(scores, threshold))
    chosen: Sequence[float] = known[
        np.unique(np.linspace(0, len(known) - 1, POINTS).round().astype(int))
    ].tolist()
    points = [
        {"threshold": round(one, 6), **rates(scores, answerable, one)} for one in [*chosen, 1.01]
    ]
    return {"name": name, "threshold": round(threshold, 6), "points": points}
