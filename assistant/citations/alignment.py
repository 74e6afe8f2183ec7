"""Which sentences of the passages bear a claim.

A claim is borne where neighbouring sentences of one passage hold most of what it says beyond the
question, and all of its numbers, names and denials; or where they mean the same by their vectors.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from assistant.citations.figures import Figure, figures, is_borne
from assistant.citations.ground import Ground, Line, Quoted, Window
from assistant.citations.meaning import Meaning, are_of_one_script, is_chinese
from assistant.citations.names import are_borne, codes, names
from assistant.citations.polarity import denies
from assistant.citations.words import Part, is_number, parts_of, tokens_of

# Share of a claim's own words, by their weight, that must be there. English rewords more, and its
# names are seen by their capitals; of a Chinese claim the words alone tell.
OWN, OWN_ZH = 0.5, 0.65
MARKED = 0.05  # less where the model itself marked the passage
TOPIC = 0.3  # share of what the claim has from the question that the passage must hold
REPEATED = 0.9  # of an answer that only repeats the question, what one sentence must hold
COPIED, MANY = 0.9, 4.0  # own share and weight from which the words themselves tell the topic
LONGER = 0.03  # what each further sentence costs a window
NEARLY = 0.95  # a second passage is cited as well when it holds nearly as much as the best
JOINT = 0.75  # as OWN, of two passages together
MOST = 2  # citations of a claim
APART = 0.15  # by how much more a sentence must say of a claim to be the one that it is about
AROUND = 0.7  # what the topic is worth where only the rest of the passage has it
# Cosine to a claim, and how far above that of the sentences that are far from it: vectors of E5
# lie close together, so that neither tells alone. A paraphrase still has some of its own terms; a
# translation has none.
NEAR, ABOVE, LEAST_OWN = 0.93, 0.06, 0.3
NEAR_ACROSS, ABOVE_ACROSS = 0.82, 0.06
USUAL = 0.79  # cosine of sentences of one text, where there are too few to tell
SHORT, TRIED = 2, 3  # sentences of a window that is compared so, and windows looked at closer
LEAST_TOPIC = 3  # parts of a question whether something is so that make an answer of its repetition

_POLAR = re.compile(
    r"^\s*(?:yes|no|sure|indeed|correct|是的|不是的?|对的?|可以|能|不能|不可以|会|不会|有|没有)[,，。.!！]\s*",
    re.IGNORECASE,
)
_ASKS_WHETHER = re.compile(
    r"吗|是否|是不是|有没有|能不能|能否|可否|可不可以|会不会"
    r"|^\W*(?:is|are|was|were|do|does|did|can|could|will|would|should|has|have|had|may|must)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Bearing:
    """How far a window bears a claim. ``hard``: nothing that must be there is missing."""

    window: Window
    own: float
    topic: float
    hard: bool

    @property
    def share(self) -> float:
        return self.own - LONGER * (len(self.window.lines) - 1)


class Stated:
    """What a claim states: ``own`` is what it says beyond the question, ``topic`` what it has from
    the question and the passages know; each part with its weight."""

    def __init__(self, text: str, ground: Ground) -> None:
        self.text, self.ground = text, ground
        parts = parts_of(_POLAR.sub("", text))
        asked = [part for part in parts if ground.is_asked(part)]
        own = [part for part in parts if not ground.is_asked(part)]
        topic = [part for part in asked or parts_of(ground.question) if ground.is_known(part)]
        self.is_repeating = not own
        self.own = {part: ground.weight(part) for part in own or topic}
        self.topic = {part: ground.weight(part) for part in topic}
        known = figures(ground.question)
        stated = [one for one in figures(text) if one.sure]
        self.figures = tuple(one for one in stated if one not in known)
        self.asked_figures = tuple(one for one in stated if one in known)
        self.names = names(text)

    @property
    def is_empty(self) -> bool:
        """Whether it says nothing beyond the question."""
        is_answer = _ASKS_WHETHER.search(self.ground.question) and len(self.topic) >= LEAST_TOPIC
        return self.is_repeating and not self.figures and not is_answer


def share(parts: Mapping[Part, float], tokens: frozenset[str]) -> float:
    """How much of ``parts`` by their weight is there."""
    full = sum(parts.values())
    borne = sum(weight for part, weight in parts.items() if not part.keys.isdisjoint(tokens))
    return borne / full if full else 1.0


def bearings(stated: Stated) -> list[Bearing]:
    """The best window of each passage, best first."""
    best = [
        max(found, key=lambda one: (one.hard, one.share + 0.1 * one.topic))
        for quoted in stated.ground.quoted
        if (found := [_bearing(stated, quoted, window) for window in quoted.windows])
    ]
    return sorted(best, key=lambda one: (-one.hard, -(one.share + 0.1 * one.topic)))


def chosen(stated: Stated, written: frozenset[int], meaning: Meaning | None) -> list[Bearing]:
    """The windows to cite for a claim, at most :data:`MOST`; empty where nothing bears it."""
    found = bearings(stated)
    good = [one for one in found if _is_enough(stated, one, one.window.n in written)]
    if good:
        least = NEARLY * good[0].own
        return [one for one in good if one.own >= least][:MOST]
    if stated.is_repeating:
        return []  # words of the question here and there are no answer to it
    return together(stated, found) or (by_meaning(stated, meaning) if meaning else [])


def by_meaning(stated: Stated, meaning: Meaning) -> list[Bearing]:
    """The window that says the same in other words, of those that miss nothing which must be
    there."""
    windows = [
        (quoted, window)
        for quoted in stated.ground.quoted
        for window in quoted.windows
        if len(window.lines) <= SHORT
    ]
    if not windows:
        return []
    cosines = meaning.near(stated.text, [window.text for _, window in windows])
    single = [
        cos for cos, (_, window) in zip(cosines, windows, strict=True) if len(window.lines) < 2
    ]
    usual = float(np.percentile(single, 25)) if len(single) > SHORT else USUAL
    for place in np.argsort(-cosines)[:TRIED]:
        one = _bearing(stated, *windows[place])
        across = not are_of_one_script(stated.text, one.window.text)
        near = float(cosines[place])
        if across:
            is_same = near >= NEAR_ACROSS and near - usual >= ABOVE_ACROSS
        else:
            is_same = near >= NEAR and near - usual >= ABOVE and one.own >= LEAST_OWN
        if one.hard and is_same:
            return [one]
    return []


def together(stated: Stated, found: Sequence[Bearing]) -> list[Bearing]:
    """Two passages that bear a claim between them, each with a part of its own."""
    for n, one in enumerate(found):
        for other in found[n + 1 :]:
            if _is_joint(stated, one, other):
                return [one, other]
    return []


def _is_joint(stated: Stated, one: Bearing, other: Bearing) -> bool:
    ground = stated.ground
    joined = joint_share(stated, (one, other))
    if joined < JOINT or joined <= max(one.own, other.own):
        return False
    text = f"{one.window.whole}\n{other.window.whole}"
    is_told = _figures_borne(stated, (*one.window.figures, *other.window.figures))
    subjects = [ground.quoted[each.window.n - 1].text for each in (one, other)]
    return (
        is_told
        and are_borne(stated.names, "\n".join((*subjects, ground.question)))
        and not denies(stated.text, text, ground.question)
    )


def joint_share(stated: Stated, found: Sequence[Bearing]) -> float:
    """The share of a claim's own parts that windows hold together."""
    held = frozenset().union(*(tokens_of(one.window.whole) for one in found))
    return share(stated.own, held)


def _bearing(stated: Stated, quoted: Quoted, window: Window) -> Bearing:
    held = tokens_of(window.whole) | tokens_of(quoted.subject)
    own, topic = share(stated.own, held), share(stated.topic, held)
    topic = max(topic, AROUND * share(stated.topic, tokens_of(quoted.text)))
    return Bearing(window, own, topic, _is_hard_borne(stated, quoted, window, own))


def _is_hard_borne(stated: Stated, quoted: Quoted, window: Window, own: float) -> bool:
    if own < 0.2 and are_of_one_script(stated.text, window.text):
        return False  # no use in looking closer
    if not _figures_borne(stated, window.figures, quoted.figures):
        return False
    if not _is_of_asked(stated, quoted) or _is_of_another(stated, quoted):
        return False
    named = stated.names
    if not are_of_one_script(stated.text, window.text):
        named = codes(named)
    if not are_borne(named, f"{quoted.text}\n{stated.ground.question}"):
        return False
    return not denies(stated.text, window.text, stated.ground.question)


def _figures_borne(stated: Stated, near: Sequence[Figure], around: Sequence[Figure] = ()) -> bool:
    """Years may stand anywhere in the passage, other numbers in the window itself."""
    return all(
        is_borne(figure, near) or (_is_year(figure) and is_borne(figure, around))
        for figure in stated.figures
    )


def _is_of_asked(stated: Stated, quoted: Quoted) -> bool:
    """Numbers that a claim repeats from the question: the passage has them, or is of no year where
    they are one."""
    years = any(map(_is_year, quoted.figures))
    return all(
        is_borne(figure, quoted.figures) or (_is_year(figure) and not years)
        for figure in stated.asked_figures
    )


def _is_of_another(stated: Stated, quoted: Quoted) -> bool:
    """Whether the sentence that says most of a claim has another number in the place of its own,
    which is taken from a sentence about something else."""
    words = {**stated.own, **stated.topic}
    words = {part: weight for part, weight in words.items() if not is_number(part)}
    if not words or not stated.figures:
        return False
    told = [(share(words, tokens_of(line.text)), line) for line in quoted.lines]
    for figure in stated.figures:
        own = [said for said, line in told if is_borne(figure, quoted.figures_of(line))]
        other = [said for said, line in told if _has_another(figure, quoted, line)]
        if max(other, default=0.0) > max(own, default=0.0) + APART:
            return True
    return False


def _has_another(figure: Figure, quoted: Quoted, line: Line) -> bool:
    """Whether a sentence has a number of the same unit (a row of a table: any), but not this."""
    found = quoted.figures_of(line)
    units = {figure.unit, ""} if line.is_row else {figure.unit}
    return any(o.sure and o.unit in units for o in found) and not is_borne(figure, found)


def _is_year(figure: Figure) -> bool:
    return figure.unit in ("", "year") and figure.value.isdigit() and len(figure.value) == 4


def _is_enough(stated: Stated, one: Bearing, is_marked: bool) -> bool:
    if stated.is_repeating:
        return one.hard and one.own >= REPEATED and len(one.window.lines) == 1
    least = (OWN_ZH if is_chinese(stated.text) else OWN) - MARKED * is_marked
    is_copied = one.own >= COPIED and sum(part.weight for part in stated.own) >= MANY
    return one.hard and one.own >= least and (one.topic >= TOPIC or is_copied)
