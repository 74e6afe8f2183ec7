"""``answers``: whether the product's citations hold, by a judge of their own, and what they cost.

- citation precision: of the sentences that carry a citation, those that the cited passages bear;
- citation recall: of the sentences that any of the passages bear, those that carry a citation;
- unsupported: the share of the sentences that the product marks as borne by no passage;
- silent: the share of the answers in which nothing is borne, refusals among them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from assistant.citations import Claim
from assistant.evaluate.answers_bank import Answered, answer_bank
from assistant.evaluate.dataset import Dataset, Question
from assistant.evaluate.journal import digest
from assistant.evaluate.judge import Judged, judge
from assistant.evaluate.judge_cases import agreement
from assistant.evaluate.library import Library
from assistant.evaluate.metrics import percentiles
from assistant.evaluate.ours import folder
from assistant.evaluate.private_files import write_private
from assistant.settings import Settings

__all__ = ["Answered", "answer_bank", "chosen", "run"]

SAMPLE = 50  # sentences that are written down to be checked by hand
UNANSWERABLE = 1 / 3  # of the questions, where the set has as many
HALVES = ("first", "second")


@dataclass(frozen=True)
class Sentence:
    """A claim of an answer with the verdict on what it cites, and on the passage of all that were
    given that bears it best."""

    answered: Answered
    claim: Claim
    cited: Judged
    given: Judged


def run(dataset: Dataset, settings: Settings, *, count: int | None = None) -> dict[str, Any]:
    """Measure ``count`` answers, or all. A sample to be checked by hand is written to
    DATA_DIR/evaluate/citations-SET.md; "judge" says how often the judge is right about sentences of
    known truth.

    Raises:
        DatasetError: the set has no corpus.
        SettingsError, ModelError: a model can't be asked; what was done is kept for the next run.
    """
    bank = list(answer_bank(dataset, settings, chosen(dataset, count)))
    sentences = [sentence for answered in bank for sentence in judged(answered)]
    path = folder(settings) / f"citations-{dataset.name}.md"
    write_private(path, sample(sentences))
    rows = []
    for part in ("all", *HALVES):
        answers = [one for one in bank if part in ("all", half_of(one.question))]
        said = [one for one in sentences if part in ("all", half_of(one.answered.question))]
        if answers:
            rows.append({"part": part, **_measured(answers, said)})
    return {
        "set": dataset.name,
        "n": len(bank),
        "rows": rows,
        "judge": agreement(dataset),
        "sample": str(path),
    }


def chosen(dataset: Dataset, count: int | None) -> list[Question]:
    """``count`` questions, a third of them unanswerable where the set has as many; the same ones
    each time, and those of a smaller count among them."""
    answerable, without = _by_chance(dataset.questions), _by_chance(dataset.unanswerable)
    if count is None:
        return [*answerable, *without]
    none = min(round(count * UNANSWERABLE), len(without))
    return [*answerable[: count - none], *without[:none]]


def half_of(question: Question) -> str:
    """Constants are chosen on the first half, and figures are of the second."""
    return HALVES[0] if digest(question.id, "half")[0] < "8" else HALVES[1]


def judged(answered: Answered) -> Iterable[Sentence]:
    """The sentences that claim something."""
    for claim in answered.checked.claims:
        if claim.kind != "nothing":
            cited = _verdict(answered, claim, claim.marks)
            single = [_verdict(answered, claim, (one.n,)) for one in answered.passages]
            best = max([cited, *single], key=lambda one: (one.is_borne, one.score))
            yield Sentence(answered, claim, cited, best)


def _verdict(answered: Answered, claim: Claim, marks: Sequence[int]) -> Judged:
    cited = [passage for passage in answered.passages if passage.n in marks]
    question = answered.question
    relevant = (Library.passage_id(passage.hit) in question.relevant for passage in cited)
    quotes = [f"{passage.hit.subject}\n{passage.quote}" for passage in cited]
    return judge(claim.text, quotes, answered.asked.text, question.answers, any(relevant))


def _measured(bank: Sequence[Answered], sentences: Sequence[Sentence]) -> dict[str, Any]:
    cited = [one for one in sentences if one.claim.marks]
    bearable = [one for one in sentences if one.given.is_borne]
    silent: dict[bool, list[bool]] = {True: [], False: []}
    for one in bank:
        silent[one.question.answerable].append(not one.checked.cited)
    return {
        "n": len(bank),
        "sentences": len(sentences),
        "citation_precision": _share(one.cited.is_borne for one in cited),
        "citation_recall": _share(bool(one.claim.marks) for one in bearable),
        "unsupported": _share(not one.claim.marks for one in sentences),
        "silent": _share(silent[True]),
        "silent_unanswerable": _share(silent[False]),
        "by_set": _share(one.cited.by == "set" for one in cited),
        **percentiles([1000 * one.seconds for one in bank]),
    }


def _share(values: Iterable[bool]) -> float | None:
    found = list(values)
    return round(sum(found) / len(found), 4) if found else None


def sample(sentences: Sequence[Sentence], count: int = SAMPLE) -> str:
    """``count`` sentences with their passages and verdicts, to be read by a person."""
    by_chance = sorted(sentences, key=lambda one: digest(one.answered.question.id, one.claim.text))
    return "\n".join(_entry(n, one) for n, one in enumerate(by_chance[:count], 1))


def _entry(number: int, one: Sentence) -> str:
    claim, passages = one.claim, one.answered.passages
    lines = [f"## {number}. {one.answered.asked.text}", "", f"Sentence: {claim.text}"]
    lines.append(f"Product: {claim.kind}, cites {list(claim.marks)}, support {claim.support:.2f}")
    verdict = one.cited if claim.marks else one.given
    borne = "borne" if verdict.is_borne else "not borne"
    lines.append(f"Judge: {borne} (by {verdict.by}, {verdict.score:.2f})")
    shown = [passage for passage in passages if not claim.marks or passage.n in claim.marks]
    lines += [f"- {passage.render()}" for passage in shown]
    return "\n".join((*lines, ""))


def _by_chance(questions: Sequence[Question]) -> list[Question]:
    return sorted(questions, key=lambda question: digest(question.id))
