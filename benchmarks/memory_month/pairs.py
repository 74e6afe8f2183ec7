"""Learns the weights by which a statement is known to replace a fact.

``python -m benchmarks.memory_month.pairs [DIR]`` reads the cases of DIR (``*.jsonl``, lines of
``{"known": [texts of facts], "said": "a later statement", "replaces": the place of the fact among
the known, or null}``), takes those of the shipped half of the month, and facts that labelled
persons of ``training/`` told side by side: none of these replaces another. It judges each third of
the cases, and the month's, by the weights that the others give, prints how well, and writes the
weights of all.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from assistant.memory.facts import replacing
from assistant.memory.facts.changing import change_of
from assistant.memory.facts.likeness import Likeness
from assistant.memory.facts.near import nearest
from assistant.memory.facts.statements import Statement
from assistant.memory.records import Fact
from assistant.models.embedding.e5 import open_e5
from assistant.prompts import language_of
from benchmarks.memory_month import scripts, train
from benchmarks.memory_month.train import Array

FOLDER = Path(__file__).with_name("pairs")
#: Cases are judged by the weights of the others, in so many parts.
PARTS = 3
PENALTY, ALWAYS_PENALTY = 0.3, 0.001
THRESHOLDS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Case:
    """A statement beside known facts; ``replaces`` is the place of one of them, or None."""

    known: Sequence[tuple[str, str]]  # text and kind
    said: tuple[str, str]
    replaces: int | None


@dataclass
class Told:
    """A case's features for each fact, in the order of its facts."""

    case: Case
    found: list[Mapping[str, float]] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.memory_month.pairs")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    parser.add_argument("--weights", type=Path, default=replacing.WEIGHTS, help="to write")
    options = parser.parse_args(arguments)
    likeness = Likeness(open_e5().queries, kept=100_000)
    written, month, beside = (
        [told(case, likeness) for case in cases]
        for cases in (read(options.folder), of_month(), side_by_side(train.FOLDER))
    )
    judged: dict[str, list[tuple[Case, list[float]]]] = {"pairs": [], "beside": []}
    for part in range(PARTS):
        weights = learned([*_but(written, part), *month, *_but(beside, part)])
        judged["pairs"] += judge(written[part::PARTS], weights)
        judged["beside"] += judge(beside[part::PARTS], weights)
    judged["month"] = judge(month, learned([*written, *beside]))
    for name, told_cases in judged.items():
        show(name, told_cases)
    weights = learned([*written, *month, *beside])
    text = json.dumps({name: round(value, 4) for name, value in weights.items()}, indent=1)
    options.weights.write_text(text + "\n", "utf-8")


def read(folder: Path) -> list[Case]:
    """The cases of ``folder``."""
    lines = [
        json.loads(line)
        for file in sorted(folder.glob("*.jsonl"))
        for line in file.read_text("utf-8").splitlines()
        if line
    ]
    return [
        Case([(text, "fact") for text in row["known"]], (row["said"], "fact"), row["replaces"])
        for row in lines
    ]


def of_month() -> list[Case]:
    """What the shipped half plants: each beside those that hold when it is said."""
    cases = []
    for person in scripts.read("dev"):
        hold: dict[str, scripts.Plant] = {}
        for plant in person.plants:
            known = [other for other in hold.values() if other.turn != plant.turn]
            places = (place for place, other in enumerate(known) if other.id == plant.replaces)
            texts = [(other.text, other.kind) for other in known]
            cases.append(Case(texts, (plant.text, plant.kind), next(places, None)))
            hold.pop(plant.replaces or "", None)
            hold[plant.id] = plant
    return [case for case in cases if case.known]


def side_by_side(folder: Path) -> list[Case]:
    """What a labelled person told in other messages before, where nothing changed."""
    spans: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for file in sorted(folder.glob("*.jsonl")):
        for line in file.read_text("utf-8").splitlines():
            row = json.loads(line)
            of_person = spans[file.stem, row.get("person", row["id"])]
            of_person += [s | {"at": row["id"]} for s in row["spans"] if not s["change"]]
    return [
        Case(known, (span["text"], span["kind"]), None)
        for (author, _), told in spans.items()
        if author in WITH_PERSONS
        for place, span in enumerate(told)
        if (known := [(s["text"], s["kind"]) for s in told[:place] if s["at"] != span["at"]])
    ]


#: Authors of ``training/`` whose persons are such.
WITH_PERSONS = frozenset({"za", "zb", "ea", "ec"})


def told(case: Case, likeness: Likeness) -> Told:
    (text, kind), facts = case.said, []
    for place, (known, of_kind) in enumerate(case.known):
        facts.append(Fact(str(place), of_kind, known, (), 0.0))
    statement = Statement(text, kind, language_of(text), change_of(text))
    near = sorted(nearest(facts, text, likeness), key=lambda one: int(one.fact.id))
    return Told(case, list(replacing.features(near, statement, likeness)))


def _but(cases: Sequence[Told], part: int) -> list[Told]:
    return [case for place, case in enumerate(cases) if place % PARTS != part]


def learned(cases: Sequence[Told]) -> dict[str, float]:
    """The weights of features that these cases give: logistic regression."""
    names = list(cases[0].found[0])
    rows = np.array([[found[name] for name in names] for one in cases for found in one.found])
    wanted = np.array([at == one.case.replaces for one in cases for at in range(len(one.found))])
    penalty = np.array([ALWAYS_PENALTY if name == "always" else PENALTY for name in names])

    def loss(weights: Array) -> tuple[float, Array]:
        likely = 1 / (1 + np.exp(-rows @ weights))
        right = np.where(wanted, likely, 1 - likely)
        fit = -float(np.log(right + 1e-12).sum())
        slope = rows.T @ (likely - wanted) + penalty * weights
        return fit + 0.5 * float((penalty * weights**2).sum()), slope

    weights = train.minimum(loss, np.zeros(len(names)))
    return dict(zip(names, weights.tolist(), strict=True))


def judge(cases: Sequence[Told], weights: Mapping[str, float]) -> list[tuple[Case, list[float]]]:
    return [(one.case, [replacing.chance(f, weights) for f in one.found]) for one in cases]


def show(name: str, judged: Sequence[tuple[Case, Sequence[float]]]) -> None:
    """How many are replaced rightly and wrongly at each threshold."""
    changes = sum(case.replaces is not None for case, _ in judged)
    print(f"{name}: {len(judged)} statements, {changes} of them replace a fact")
    for threshold in THRESHOLDS:
        taken = [
            case.replaces == int(np.argmax(likely))
            for case, likely in judged
            if max(likely) >= threshold
        ]
        right, precision = sum(taken), sum(taken) / max(len(taken), 1)
        print(f"  at {threshold}: {right} right, {len(taken) - right} wrong ({precision:.3f})")


if __name__ == "__main__":
    main()
