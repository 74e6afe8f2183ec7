"""A small logistic regression: deterministic, regularised, with weights of zero or above."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Flags = NDArray[np.bool_]

RIDGE = 3.0  # what a weight costs, beside the summed cost of the examples
STEPS = 60
LARGEST = 30.0  # log-odds that are told apart
FLAT = 1e-6  # a feature that varies less tells nothing


@dataclass(frozen=True)
class Feature:
    """How a feature enters: ``weight * (value - mean) / scale``."""

    mean: float
    scale: float
    weight: float

    def part(self, value: float) -> float:
        return self.weight * (value - self.mean) / self.scale


@dataclass(frozen=True)
class Logistic:
    """A fitted model. Features that a question lacks count as their mean."""

    bias: float
    features: Mapping[str, Feature] = field(default_factory=dict)

    def parts(self, values: Mapping[str, float]) -> dict[str, float]:
        """What each feature adds to the log-odds, the strongest first."""
        found = {
            name: round(feature.part(values[name]), 4)
            for name, feature in self.features.items()
            if name in values and feature.weight
        }
        return dict(sorted(found.items(), key=lambda pair: -abs(pair[1])))

    def log_odds(self, values: Mapping[str, float]) -> float:
        total = self.bias + sum(
            feature.part(values[name]) for name, feature in self.features.items() if name in values
        )
        return float(np.clip(total, -LARGEST, LARGEST))

    def probability(self, values: Mapping[str, float]) -> float:
        return float(1 / (1 + np.exp(-self.log_odds(values))))


def fit(
    rows: Sequence[Mapping[str, float]],
    answerable: Flags,
    names: Sequence[str],
    *,
    weights: Values | None = None,
) -> Logistic:
    """The model of ``names`` that tells the answerable rows from the others.

    Args:
        weights: of the rows; by default both classes weigh the same.

    A feature whose weight would be negative is left out: it only fits this sample.
    """
    values = np.array([[row.get(name, np.nan) for name in names] for row in rows], dtype=np.float64)
    weights = balanced(answerable) if weights is None else weights
    known = np.where(np.isnan(values), 0.0, weights[:, None])
    mean = (np.nan_to_num(values) * known).sum(axis=0) / np.maximum(known.sum(axis=0), 1e-9)
    values = np.where(np.isnan(values), mean, values)
    scale = np.sqrt(np.average((values - mean) ** 2, axis=0, weights=weights))
    used = [place for place in range(len(names)) if scale[place] > FLAT]
    while True:
        found = _newton((values[:, used] - mean[used]) / scale[used], answerable, weights)
        below = [
            (weight, place) for weight, place in zip(found[1:], used, strict=True) if weight < 0
        ]
        if not below:
            break
        used.remove(min(below)[1])
    chosen = dict(zip(used, found[1:], strict=True))
    return Logistic(
        round(float(found[0]), 5),
        {
            names[place]: Feature(
                round(float(mean[place]), 5),
                round(float(scale[place]), 5),
                round(float(chosen[place]), 5),
            )
            for place in sorted(chosen)
        },
    )


def balanced(answerable: Flags, total: float = 200.0) -> Values:
    """Weights by which both classes count the same, ``total`` together."""
    share = np.where(answerable, answerable.sum(), (~answerable).sum())
    return np.asarray(total / 2 / share, dtype=np.float64)


def _newton(values: Values, answerable: Flags, weights: Values) -> Values:
    """Bias and weights by Newton's method."""
    rows = np.hstack([np.ones((len(values), 1)), values])
    target = answerable.astype(np.float64)
    found = np.zeros(rows.shape[1])
    cost = np.full(rows.shape[1], RIDGE)
    cost[0] = 1e-6
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-np.clip(rows @ found, -LARGEST, LARGEST)))
        slope = rows.T @ (weights * (likely - target)) + cost * found
        bend = (rows.T * (weights * likely * (1 - likely) + 1e-9)) @ rows + np.diag(cost)
        step = np.linalg.solve(bend, slope)
        found = found - step
        if np.abs(step).max() < 1e-9:
            break
    return np.asarray(found)
