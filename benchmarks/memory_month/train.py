"""Learns the weights by which lasting statements are found.

``python -m benchmarks.memory_month.train [DIR]`` reads the labelled messages of DIR (``*.jsonl``, a
file for each author) and of the shipped half of the month. It finds each author's statements with
the weights that the others' messages give, prints how well, and writes the weights of all.

A line is ``{"message", "spans": [{"text", "kind": "fact" or "preference", "change"}], ...}``. A
clause is of a span's kind if it overlaps the span as the benchmark's items must.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.memory.facts import classifier
from assistant.memory.facts.classifier import BITS, KINDS, Floats, Rows, Weights
from assistant.memory.facts.features import Piece, features, pieces
from assistant.memory.facts.statements import is_closed, is_open, left_out
from assistant.memory.facts.typed import Sentence, typed_sentences
from assistant.models.embedding.e5 import open_e5
from assistant.models.embedding.model import Embed
from benchmarks.memory_month import scripts
from benchmarks.memory_month.scoring import overlaps

FOLDER = Path(__file__).with_name("training")
#: Penalty on the squares of the weights of features, and of vectors' (at the scale below).
PENALTY, DENSE_PENALTY = 1.0, 5.0
#: Scale of the vectors of a clause and of its sentence, in standard deviations of their numbers.
SCALES = (0.2, 0.1)
STEPS, MEMORY = 40, 8
THRESHOLDS = (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Author:
    """An author's messages; of their clauses the rows, vectors and kinds (as numbers), and the
    message that each is of; and which clauses the rules leave to the weights."""

    name: str
    messages: Sequence[Mapping[str, Any]]
    told: Sequence[Piece]
    found: Sequence[Mapping[str, float]]
    vectors: Floats
    kinds: NDArray[np.int64]
    message_of: NDArray[np.int64]
    is_left: NDArray[np.bool_]


#: Features, vectors and kinds of clauses.
_Told = tuple[Sequence[Mapping[str, float]], Floats, NDArray[np.int64]]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory_month.train")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--weights", type=Path, default=classifier.WEIGHTS, help="to write")
    options = parser.parse_args(arguments)
    authors = read(options.folder, open_e5().queries)
    for held in authors:
        weights = learned([author for author in authors if author is not held])
        show(held, chances(weights, held))
    learned(authors).save(options.weights)
    print(f"{options.weights}: {options.weights.stat().st_size:,} bytes")


def read(folder: Path, embed: Embed) -> list[Author]:
    """The authors of ``folder`` and of the shipped half of the month, one for each language."""
    messages = {
        file.stem: [json.loads(line) for line in file.read_text("utf-8").splitlines() if line]
        for file in sorted(folder.glob("*.jsonl"))
    }
    for person in scripts.read("dev"):
        of_language = messages.setdefault(f"dev.{person.name[:2]}", [])
        of_language += [_labelled(person, message) for message in person.messages]
    return [_author(name, said, embed) for name, said in messages.items()]


def _labelled(person: scripts.Person, message: scripts.Message) -> dict[str, Any]:
    planted = [plant for plant in person.plants if plant.turn == message.turn]
    spans = [{"text": plant.text, "kind": plant.kind} for plant in planted]
    return {"message": message.text, "spans": spans}


def _author(name: str, messages: Sequence[Mapping[str, Any]], embed: Embed) -> Author:
    typed = [typed_sentences(message["message"]) for message in messages]
    each = [pieces(sentences) for sentences in typed]
    told = [piece for one in each for piece in one]
    message_of = np.repeat(np.arange(len(each)), [len(one) for one in each])
    kinds = [_kind(p, messages[int(at)]["spans"]) for p, at in zip(told, message_of, strict=True)]
    found = [row for one in each for row in features(one)]
    vectors = classifier.vectors_of(told, embed)
    left = [way for said, one in zip(typed, each, strict=True) for way in _left(said, one)]
    is_left = np.array(left) | (np.array(kinds) > 0)
    return Author(name, messages, told, found, vectors, np.array(kinds), message_of, is_left)


def _left(sentences: Sequence[Sentence], told: Sequence[Piece]) -> list[bool]:
    """Which clauses of a message the rules leave to the weights."""
    if is_closed(sentences):
        return [False] * len(told)
    out = [
        one
        for place in range(len(sentences))
        for one in left_out([piece for piece in told if piece.place == place])
    ]
    return [is_open(piece) and not one for piece, one in zip(told, out, strict=True)]


def _kind(piece: Piece, spans: Sequence[Mapping[str, Any]]) -> int:
    kinds = [span["kind"] for span in spans if overlaps(piece.clause.text, span["text"])]
    return KINDS.index(kinds[-1]) if kinds else 0


def learned(authors: Sequence[Author]) -> Weights:
    """The weights that these authors' messages give: logistic regression of three classes."""
    told = [way(author) for author in authors for way in (_as_told, _alone)]
    rows = classifier.rows_of([row for found, _, _ in told for row in found])
    vectors = np.concatenate([v for _, v, _ in told]).astype(np.float64)
    wanted = np.eye(len(KINDS))[np.concatenate([kinds for _, _, kinds in told])]
    mean, half = vectors.mean(axis=0), vectors.shape[1] // 2
    scales = np.repeat(SCALES, half) / (vectors - mean).std()
    scaled = (vectors - mean) * scales
    used, columns = np.unique(rows.column, return_inverse=True)
    count = len(used)
    penalty = np.repeat([[PENALTY], [DENSE_PENALTY]], [count, 2 * half], axis=0)

    def loss(weights: Array) -> tuple[float, Array]:
        values = [
            np.bincount(rows.row, rows.value * weights[columns, kind], minlength=rows.count)
            for kind in range(len(KINDS))
        ]
        likely = _softmax(np.stack(values, axis=1) + scaled @ weights[count:])
        rest = likely - wanted
        slopes = [
            np.bincount(columns, rows.value * rest[rows.row, kind], minlength=count)
            for kind in range(len(KINDS))
        ]
        slope = np.concatenate([np.stack(slopes, axis=1), scaled.T @ rest]) + penalty * weights
        fit = -float((wanted * np.log(likely + 1e-12)).sum())
        return fit + 0.5 * float((penalty * weights**2).sum()), slope

    weights = minimum(loss, np.zeros((count + 2 * half, len(KINDS))))
    sparse = np.zeros((1 << BITS, len(KINDS)), dtype=np.float32)
    sparse[used] = weights[:count]
    dense = weights[count:] * scales[:, None]
    return Weights(sparse, dense.astype(np.float32), (-mean @ dense).astype(np.float32))


def _as_told(author: Author) -> _Told:
    return author.found, author.vectors, author.kinds


def _alone(author: Author) -> _Told:
    """Each clause as a message of its own: what it says must not hang on what is around it. Not
    what the rules leave out: "I'm a nurse" is none the less a fact if a role play says it once."""
    half, left = author.vectors.shape[1] // 2, author.is_left
    told = [piece for piece, is_left in zip(author.told, left, strict=True) if is_left]
    found = [features([replace(piece, place=0)])[0] for piece in told]
    return found, np.hstack([author.vectors[left, :half]] * 2), author.kinds[left]


def _softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def minimum(loss: Callable[[Array], tuple[float, Array]], start: Array) -> Array:
    """Where a convex function is least, by L-BFGS. ``loss`` gives its value and slope."""
    here, (value, slope) = start, loss(start)
    moves: list[tuple[Array, Array]] = []
    for _ in range(STEPS):
        way = _direction(slope, moves)
        size = 1.0
        while True:
            there = here - size * way
            new_value, new_slope = loss(there)
            if new_value <= value - 1e-4 * size * float((slope * way).sum()) or size < 1e-6:
                break
            size /= 2
        moves = [*moves, (there - here, new_slope - slope)][-MEMORY:]
        is_done = abs(value - new_value) < 1e-5 * abs(value)
        here, value, slope = there, new_value, new_slope
        if is_done:
            break
    return here


def _direction(slope: Array, moves: Sequence[tuple[Array, Array]]) -> Array:
    if not moves:
        return np.asarray(slope / np.abs(slope).max())
    way, shares = slope.copy(), []
    for move, change in reversed(moves):
        share = float((move * way).sum() / (move * change).sum())
        shares.append(share)
        way -= share * change
    move, change = moves[-1]
    way *= float((move * change).sum() / (change**2).sum())
    for (move, change), share in zip(moves, reversed(shares), strict=True):
        way += move * (share - float((change * way).sum() / (move * change).sum()))
    return way


def chances(weights: Weights, author: Author) -> Floats:
    """How likely each clause of an author is to be remembered."""
    rows: Rows = classifier.rows_of(author.found)
    return np.asarray(1 - weights.probabilities(rows, author.vectors)[:, 0])


def rates(author: Author, likely: Floats, threshold: float) -> tuple[float, float]:
    """Precision of the clauses at least so likely, and recall of the author's spans."""
    kept: dict[int, list[str]] = {}
    for index in np.flatnonzero(likely >= threshold):
        kept.setdefault(int(author.message_of[index]), []).append(
            author.told[int(index)].clause.text
        )
    right = spans = found = 0
    for number, message in enumerate(author.messages):
        texts, planted = kept.get(number, []), [span["text"] for span in message["spans"]]
        right += sum(any(overlaps(text, span) for span in planted) for text in texts)
        found += sum(any(overlaps(text, span) for text in texts) for span in planted)
        spans += len(planted)
    return right / max(sum(map(len, kept.values())), 1), found / max(spans, 1)


def show(author: Author, likely: Floats) -> None:
    cells = ("{:.3f}/{:.3f}".format(*rates(author, likely, one)) for one in THRESHOLDS)
    print(f"{author.name:8}" + "  ".join(cells), flush=True)


if __name__ == "__main__":
    print("precision/recall of a left-out author at " + ", ".join(map(str, THRESHOLDS)))
    main()
