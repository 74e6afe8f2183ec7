"""Sentences whose truth is known, made from a set's answers and relevant passages: what the judge
and the citation check are measured on."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assistant.evaluate.dataset import Dataset, Question
from assistant.evaluate.journal import digest
from assistant.evaluate.judge import judge
from assistant.sentences import split_sentences

ORIGINAL, SWAPPED, NUMBER, NEGATED = "original", "swapped", "number", "negated"
SHORT = 40  # characters of an answer that is put in the question's place, not a sentence
LEAST = 12  # characters of a sentence that says enough

_ASKED = re.compile(
    r"(?:是|为)?(?:什么时候|什么时间|何时|哪一年|哪年|哪一天|哪个队|哪个|哪些|哪里|哪儿|哪位|谁|什么|多少|几)"
)
_MEASURE = re.compile(r"[\d零一二两兩三四五六七八九十百千万萬亿億多][^\W\d]$|人$")
_QUESTION_END = re.compile(r"[?？呢吗\s]+$")
_NUMBER = re.compile(r"\d+")
_IS_ZH = re.compile(r"(?<!不)(是|为|位于|有|由|在)(?=[\u4e00-\u9fffA-Za-z0-9《“])")
_IS_EN = re.compile(r"\b(is|are|was|were|can|will|has been|have been|should|may)\b(?! not)")
_HAS_ZH = re.compile(r"[\u4e00-\u9fff]")


@dataclass(frozen=True)
class Case:
    """``quotes``: relevant passages; ``is_borne``: what is true."""

    question: Question
    asked: str
    sentence: str
    quotes: tuple[str, ...]
    kind: str

    @property
    def is_borne(self) -> bool:
        return self.kind == ORIGINAL

    @property
    def is_first_half(self) -> bool:
        """Of the half that constants are chosen on."""
        return digest(self.question.id, "half")[0] < "8"


def cases(dataset: Dataset) -> Iterator[Case]:
    """Up to four for each question that has an answer which its passages hold."""
    texts = {passage.id: passage.embedding_text for passage in dataset.passages}
    told = [
        (question, *found)
        for question in dataset.questions
        if (found := _stated(question, [texts[id] for id in question.relevant]))
    ]
    for place, (question, sentence, quotes) in enumerate(told):
        asked = question.gold or question.text
        other = told[(place + len(told) // 2) % len(told)]
        for kind, text in (
            (ORIGINAL, sentence),
            (SWAPPED, _swapped(asked, question, other)),
            (NUMBER, _renumbered(sentence, quotes)),
            (NEGATED, _negated(sentence)),
        ):
            if text:
                yield Case(question, asked, text, quotes, kind)


def agreement(dataset: Dataset) -> dict[str, dict[str, float]]:
    """How often the judge, without the set's own judgements, is right about cases of each kind, on
    the half that its constants were not chosen on."""
    right: dict[str, list[bool]] = {}
    for case in cases(dataset):
        if not case.is_first_half:
            verdict = judge(case.sentence, case.quotes, case.asked)
            right.setdefault(case.kind, []).append(verdict.is_borne is case.is_borne)
    return {
        kind: {"n": len(found), "accuracy": round(sum(found) / len(found), 4)}
        for kind, found in right.items()
    }


def _stated(question: Question, texts: Sequence[str]) -> tuple[str, tuple[str, ...]] | None:
    """A sentence that states an answer, and passages that bear it; None where there is none."""
    for answer in question.answers:
        if len(answer) <= SHORT and _HAS_ZH.search(question.text):
            holding = tuple(text for text in texts if answer in text)
            if holding:
                return statement(question.gold or question.text, answer), holding[:2]
        elif texts:
            sentences = [one.strip() for one in split_sentences(answer)]
            long = [one for one in sentences if len(one) >= LEAST]
            if long:
                return long[0], tuple(texts)
    return None


def statement(question: str, answer: str) -> str:
    """A question and its answer as one sentence.

    >>> statement("考研报名人数是多少？", "457万"), statement("谁创办了它", "刘超")
    ('考研报名人数是457万。', '刘超创办了它。')
    """
    bare = _QUESTION_END.sub("", question)
    found = list(_ASKED.finditer(bare))
    if not found:
        return f"{bare}：{answer}。"
    last = found[-1]
    kept = last[0][0] if last[0][0] in "是为" else ""
    rest = bare[last.end() :]
    # "多少人遇难", "93人": the measure word once.
    rest = rest[1:] if _MEASURE.search(answer) and answer.endswith(rest[:1]) else rest
    return f"{bare[: last.start()]}{kept}{answer}{rest}。"


def _swapped(asked: str, question: Question, other: tuple[Question, str, tuple[str, ...]]) -> str:
    """The answer of another question in place of the right one, or its sentence."""
    answer = next((one for one in other[0].answers if len(one) <= SHORT), "")
    if answer and _HAS_ZH.search(question.text) and answer not in question.answers:
        return statement(asked, answer)
    return other[1]


def _renumbered(sentence: str, quotes: Sequence[str]) -> str:
    """With its last number changed to one that the passages don't have."""
    found = list(_NUMBER.finditer(sentence))
    if not found:
        return ""
    last = found[-1]
    known = set(_NUMBER.findall(" ".join(quotes)))
    for step in (1, 2, 3, 7, 11, 13):
        number = str(int(last[0]) + step)
        if number not in known:
            return sentence[: last.start()] + number + sentence[last.end() :]
    return ""


def _negated(sentence: str) -> str:
    if _HAS_ZH.search(sentence):
        changed = _IS_ZH.sub(
            lambda m: {"有": "没有", "是": "不是", "为": "不为"}.get(m[1], f"并不{m[1]}"),
            sentence,
            count=1,
        )
    else:
        changed = _IS_EN.sub(lambda m: f"{m[1]} not", sentence, count=1)
    return "" if changed == sentence else changed
