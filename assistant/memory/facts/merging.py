"""What a new statement does to the facts that are known: a new one, the same again, or another
value in the place of an earlier one, which goes into the fact's history."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

from assistant.memory.facts.changing import ADDED, change_of, old_value
from assistant.memory.facts.likeness import Likeness
from assistant.memory.facts.matters import ONE_VALUE, matters_of
from assistant.memory.facts.statements import Statement
from assistant.memory.records import Fact, Said, Version
from assistant.memory.withdrawal import FactChanges
from assistant.sentences import terms_of

#: Likeness (see :class:`Likeness`) and what is shared, weighed: what a change needs to find its
#: fact. What only may be one must share something with it, too.
CHANGED_AT = 2.3
PERHAPS_AT = 3.0
#: Likeness of two values of a matter that has one at a time.
ONE_VALUE_AT = 2.0
TERM_WEIGHT, MATTER_WEIGHT = 0.7, 1.5
MOST_TERMS = 4.0
#: A shared version, number or name says more than another word.
VALUE_TERM = 2.0
#: Likeness of the same thing said in other words, if the values in it are the same.
SAME_AT = 4.0
#: Share of the words around the values that two statements of one matter have in common.
SAME_FRAME = 0.6

#: Of the longer text's letters, those that the shorter one must have to say the same.
SAME_LENGTH = 0.6

#: Words that say nothing about the matter.
_EMPTY_WORDS = """
now week month year today again already still work us one two three got 给我 现在 目前 已经 这边
"""
_EMPTY = frozenset(_EMPTY_WORDS.split())
_NUMBER = re.compile(r"[\d一二三四五六七八九十两]")
_NOT = re.compile(r"不|没|别|无|\b(?:not|no|never|none)\b|n['’]t\b", re.IGNORECASE)
#: What one can have, buy or like several of.
_SEVERAL = re.compile(r"有|买|养|喜欢|会|\b(?:have|has|got|own|bought|like|love|speak)\b|['’]ve\b")
_VALUES = re.compile(
    r"[A-Za-z]*\d[\w.:-]*|[A-Z][\w.+#-]*|"
    r"[一二三四五六七八九十两]+(?=[个台张人岁只名位年月日点号])|(?<=[周期])[一二三四五六日天]"
)


@dataclass(frozen=True)
class Near:
    """A known fact beside a new statement."""

    fact: Fact
    likeness: float
    shared: float  # terms that both hold, each weighed by how few facts hold it
    has_matter: bool = False  # that both are about

    @property
    def score(self) -> float:
        terms = TERM_WEIGHT * min(self.shared, MOST_TERMS)
        return self.likeness + terms + MATTER_WEIGHT * self.has_matter

    @property
    def is_tied(self) -> bool:
        """Whether words or the matter say that both belong together."""
        return self.has_matter or self.shared > 0


def merged(
    facts: Mapping[str, Fact], statement: Statement, said: Said, likeness: Likeness
) -> FactChanges:
    """The change that ``statement``, said at ``said``, makes to ``facts``. None if it was learned
    from this message before.

    Raises:
        ModelError: the embedding model failed.
    """
    if any(_said_at(fact, statement.text, said) for fact in facts.values()):
        return FactChanges((), ())
    same = next((f for f in facts.values() if _plain(f.text) == _plain(statement.text)), None)
    if same is None:
        # Statements of one message go together: none of them replaces another.
        earlier = [fact for fact in facts.values() if not _is_from(fact.said, said)]
        near = nearest(earlier, statement.text, likeness)
        same = next((n.fact for n in near if is_same(n, statement.text)), None)
        if same is None:
            replaced = next((n.fact for n in near if replaces(n, statement)), None)
            if replaced is None and not statement.is_sure:
                return FactChanges((), ())
            return FactChanges((_put(replaced, statement, said),), ())
    return FactChanges((replace(same, said=(*same.said, said), updated=said.time),), ())


def nearest(facts: Sequence[Fact], text: str, likeness: Likeness) -> list[Near]:
    """The facts, the nearest to ``text`` first."""
    terms, matters = terms_of(text) - _EMPTY, matters_of(text)
    valued = frozenset(term for value in values(text) for term in terms_of(value))
    held = [terms_of(fact.text) & terms for fact in facts]
    counts = Counter(term for found in held for term in found)
    scores = likeness.to_all(text, [fact.text for fact in facts])
    near = [
        Near(
            fact,
            score,
            sum((VALUE_TERM if term in valued else 1) / counts[term] for term in found),
            bool(matters & matters_of(fact.text)),
        )
        for fact, score, found in zip(facts, scores, held, strict=True)
    ]
    return sorted(near, key=lambda one: -one.score)


def is_same(near: Near, text: str) -> bool:
    """Whether a fact says the same as ``text`` in other words."""
    known = near.fact.text
    if near.likeness < SAME_AT or values(known) != values(text):
        return False
    if change_of(text) != change_of(known) or bool(_NOT.search(text)) != bool(_NOT.search(known)):
        return False
    return terms_of(known) == terms_of(text) or _is_within(_plain(known), _plain(text))


def _is_within(one: str, other: str) -> bool:
    """Whether the shorter one's letters are all in the other in the same order."""
    short, long = sorted((one, other), key=len)
    rest = iter(long)
    return len(short) >= SAME_LENGTH * len(long) and all(letter in rest for letter in short)


def replaces(near: Near, statement: Statement) -> bool:
    """Whether ``statement`` is another value of what a fact says."""
    if statement.change == 2:
        named = old_value(statement.text)
        if named and named not in near.fact.text.casefold():
            return False
        is_tied = near.is_tied or (statement.is_sure and statement.kind == "fact" == near.fact.kind)
        return is_tied and near.score >= CHANGED_AT
    if ADDED.search(statement.text):
        return False
    if statement.change and near.is_tied and near.score >= PERHAPS_AT:
        return True
    same = matters_of(statement.text) & matters_of(near.fact.text)
    if same & ONE_VALUE and near.likeness >= ONE_VALUE_AT:
        return True
    return is_other_value(near.fact.text, statement.text)


def is_other_value(old: str, new: str) -> bool:
    """Whether both say the same of different numbers: "we're on Postgres 14", "... 16"."""
    names, numbers = zip(*(_names_and_numbers(text) for text in (old, new)), strict=True)
    if names[0] != names[1] or numbers[0] == numbers[1] or not all(numbers):
        return False
    if _SEVERAL.search(old) or _SEVERAL.search(new):
        return False
    frames = [terms_of(_VALUES.sub(" ", text)) | names[0] for text in (old, new)]
    together = frames[0] | frames[1]
    return bool(together) and len(frames[0] & frames[1]) / len(together) >= SAME_FRAME


def _names_and_numbers(text: str) -> tuple[frozenset[str], frozenset[str]]:
    found = values(text)
    numbers = frozenset(value for value in found if _NUMBER.search(value))
    return found - numbers, numbers


def values(text: str) -> frozenset[str]:
    """The numbers, versions and names in a text."""
    return frozenset(found.casefold() for found in _VALUES.findall(text))


def _put(replaced: Fact | None, statement: Statement, said: Said) -> Fact:
    if replaced is None:
        return Fact(_new_id(statement, said), statement.kind, statement.text, (said,), said.time)
    return replace(
        replaced,
        kind=statement.kind,
        text=statement.text,
        said=(said,),
        updated=said.time,
        history=(*replaced.history, Version(replaced.text, replaced.said, said.time)),
    )


def _new_id(statement: Statement, said: Said) -> str:
    """The same for the same words of the same message, so that learning it twice adds nothing."""
    source = f"{said.conversation_id}/{said.turn_id}/{statement.text}"
    return blake2b(source.encode(), digest_size=6).hexdigest()


def _said_at(fact: Fact, text: str, said: Said) -> bool:
    """Whether ``text`` of this very message is in a fact, or was before it changed."""
    versions = [(fact.text, fact.said), *((old.text, old.said) for old in fact.history)]
    return any(_plain(held) == _plain(text) and _is_from(places, said) for held, places in versions)


def _is_from(places: Sequence[Said], said: Said) -> bool:
    return any(
        (at.conversation_id, at.turn_id) == (said.conversation_id, said.turn_id) for at in places
    )


def _plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text).casefold())
