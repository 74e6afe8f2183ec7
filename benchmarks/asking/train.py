"""Learns the weights of the small talk classifier from the labelled messages."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assistant.asking.classifier import THRESHOLD, WEIGHTS, Weights, is_statement
from assistant.asking.kinds import Kind
from assistant.asking.smalltalk import is_smalltalk, without_greeting
from assistant.models.embedding.e5 import open_e5
from benchmarks.asking.messages import messages

#: On the squares of the weights, at vectors scaled to a standard deviation of 1.
PENALTY = 10.0
STEPS = 30
FOLDS = 10

Array = NDArray[np.float64]


def train(path: Path = WEIGHTS) -> None:
    """Write the weights, and print the recall and the false alarms of each fold's messages by
    the weights of the others."""
    told = [one for one in messages() if is_statement(without_greeting(one.text))]
    engine = open_e5(1)
    texts = [without_greeting(one.text) for one in told]
    vectors = np.vstack([engine.queries([text]) for text in texts]).astype(np.float64)
    labels = np.array([one.kind is Kind.SMALLTALK for one in told])
    folds = np.random.default_rng(0).integers(0, FOLDS, len(told))
    found = np.zeros(len(told))
    for fold in range(FOLDS):
        rest = folds != fold
        weights = learned(vectors[rest], labels[rest])
        found[~rest] = weights.probabilities(vectors[~rest].astype(np.float32))
    left = np.array([not is_smalltalk(one.text) for one in told])
    for name, chosen in (("all", labels), ("those the words leave open", labels & left)):
        print(f"statements of small talk found, {name}: {_share(found[chosen])}")
    print(f"other statements taken for it: {_share(found[~labels])}")
    learned(vectors, labels).save(path)


def learned(vectors: Array, labels: NDArray[np.bool_]) -> Weights:
    """Logistic regression by Newton's method: deterministic."""
    mean, scale = vectors.mean(axis=0), float(vectors.std())
    rows = np.c_[(vectors - mean) / scale, np.ones(len(vectors))]
    penalty = np.r_[np.full(vectors.shape[1], PENALTY), 1e-6]
    weights = np.zeros(rows.shape[1])
    for _ in range(STEPS):
        likely = 1 / (1 + np.exp(-rows @ weights))
        slope = rows.T @ (likely - labels) + penalty * weights
        curve = (rows * (likely * (1 - likely))[:, None]).T @ rows + np.diag(penalty)
        weights -= np.linalg.solve(curve, slope)
    single = (weights[:-1] / scale).astype(np.float32)
    return Weights(single, mean.astype(np.float32), float(weights[-1]))


def _share(found: Array) -> str:
    return f"{int((found >= THRESHOLD).sum())} of {len(found)}"
