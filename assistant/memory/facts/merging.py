"""What a new statement does to the facts that are known: a new one, the same again, or another
value in the place of an earlier one, which goes into the fact's history."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b

from assistant.memory.facts.changing import change_of
from assistant.memory.facts.likeness import Likeness
from assistant.memory.facts.near import Near, nearest
from assistant.memory.facts.replacing import chances
from assistant.memory.facts.statements import Statement
from assistant.memory.facts.values import values
from assistant.memory.records import Fact, Said, Version
from assistant.memory.withdrawal import FactChanges
from assistant.sentences import terms_of

#: How likely a statement must take the place of a fact: a fact that is replaced wrongly is worse
#: than one that stays beside its newer value.
REPLACES_AT = 0.8
#: Facts that are looked at closely, the nearest ones.
CLOSEST = 16
#: Likeness (see :class:`Likeness`) of the same thing said in other words, if the values in it are
#: the same.
SAME_AT = 4.0
#: Of the longer text's letters, those that the shorter one must have to say the same.
SAME_LENGTH = 0.6

_NOT = re.compile(r"不|没|别|无|\b(?:not|no|never|none)\b|n['’]t\b", re.IGNORECASE)


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
            replaced = replaced_by(near[:CLOSEST], statement, likeness)
            if replaced is None and not statement.is_sure:
                return FactChanges((), ())
            return FactChanges((_put(replaced, statement, said),), ())
    return FactChanges((replace(same, said=(*same.said, said), updated=said.time),), ())


def replaced_by(near: Sequence[Near], statement: Statement, likeness: Likeness) -> Fact | None:
    """The fact of which ``statement`` is another value, if there is one."""
    likely = chances(near, statement, likeness)
    chance, fact = max(
        ((chance, one.fact) for chance, one in zip(likely, near, strict=True)),
        key=lambda pair: pair[0],
        default=(0.0, None),
    )
    return fact if chance >= REPLACES_AT else None


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
