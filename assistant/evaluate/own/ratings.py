"""Questions from the chat: what the user rated good, with the passages that its answer cites; what
they rated bad waits until somebody says what answers it.

A good rating of "the documents do not hold it" makes a question without an answer. Whatever was
collected follows the chat: a rating that is withdrawn, or a conversation that is forgotten, takes
its question away again, unless the user has judged it since.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from assistant.evaluate.own.evidence import Evidence, holding
from assistant.evaluate.own.questions import RATED, OwnQuestions, Row, question_row
from assistant.knowledge.records import Hit
from assistant.knowledge.store import KnowledgeBase
from assistant.memory.records import ConversationInfo, Turn, branch
from assistant.sentences import MARKER, held, split_sentences, terms_of

EVERY = 1_000_000_000


class Transcripts(Protocol):
    """Long-term memory, as far as ratings are read from it."""

    def conversations(self, user: str, limit: int = ...) -> list[ConversationInfo]: ...
    def all_turns(self, user: str, conversation_id: str) -> dict[str, Turn]: ...


@dataclass(frozen=True)
class Collected:
    """``new`` of ``rated`` were not known; ``removed`` are no longer rated; ``pending`` wait to be
    judged."""

    rated: int
    new: int
    removed: int
    pending: int


def collect(
    memory: Transcripts, user: str, knowledge: KnowledgeBase, own: OwnQuestions
) -> Collected:
    """Take what the user rated into their own questions.

    Raises:
        MemoryUnavailable: Redis can't be used.
        DatasetError, FileFault: the questions' folder can't be.
    """
    rated = {row["_id"]: row for row in _rated(memory, user, knowledge)}
    known = own.rows()
    # What the user wrote, or judged after it was collected, is theirs.
    kept = {row["_id"]: row for row in known if row["metadata"].get("origin") != RATED}
    before = {row["_id"] for row in known}
    own.replace_all({**rated, **kept}.values())
    return Collected(
        rated=len(rated),
        new=len(rated.keys() - before),
        removed=len(before - rated.keys() - kept.keys()),
        pending=sum(row["metadata"]["rating"] < 0 for id, row in rated.items() if id not in kept),
    )


def _rated(memory: Transcripts, user: str, knowledge: KnowledgeBase) -> Iterator[Row]:
    for info in memory.conversations(user, EVERY):
        turns = memory.all_turns(user, info.id)
        for turn in turns.values():
            if turn.rating and turn.text.strip():
                yield _row(turn, branch(turns, turn.parent), info.id, knowledge)


def _row(
    turn: Turn, earlier: Sequence[Turn], conversation_id: str, knowledge: KnowledgeBase
) -> Row:
    is_good = turn.rating > 0
    return question_row(
        turn.text,
        origin=RATED,
        evidence=[one.as_json() for one in _evidence(turn, knowledge)] if is_good else (),
        answerable=not (is_good and turn.refused),
        rewrite=turn.standalone if is_good and turn.standalone != turn.text else "",
        turns=[message for one in earlier for message in _messages(one)],
        rating=turn.rating,
        reason=turn.reason,
        said=turn.answer,
        conversation_id=conversation_id,
        added=turn.time,
    )


def _messages(turn: Turn) -> list[dict[str, str]]:
    return [
        {"role": "user", "content": turn.text},
        {"role": "assistant", "content": turn.answer},
    ]


def _evidence(turn: Turn, knowledge: KnowledgeBase) -> Iterator[Evidence]:
    """Of each passage that the answer cites, the sentence that says most of what it is cited
    for. Passages that are no longer stored are left out."""
    if turn.refused:
        return
    for source in turn.sources:
        claims = _cited_for(turn.answer, source.get("n"))
        hit = _stored(source, knowledge) if claims else None
        if hit is not None:
            yield Evidence(hit.source.uri, hit.page, _best_sentence(hit, claims))


def _cited_for(answer: str, number: object) -> str:
    """The sentences that carry the marker of passage ``number``."""
    return " ".join(
        sentence
        for sentence in split_sentences(answer)
        if any(
            f"[{number}]" in mark or f"【{number}】" in mark for mark in MARKER.findall(sentence)
        )
    )


def _stored(source: Mapping[str, Any], knowledge: KnowledgeBase) -> Hit | None:
    """The passage by its id, or by its words where the document was split anew."""
    known = knowledge.hits([str(source.get("id"))])
    if known:
        return known[0]
    quote = str(source.get("quote") or "")
    near = knowledge.keyword(quote, 5) if quote else []
    return next((hit for hit in near if holding([hit], Evidence("", None, quote))), None)


def _best_sentence(hit: Hit, claims: str) -> str:
    said = terms_of(MARKER.sub(" ", claims))
    sentences = [sentence.strip() for sentence in split_sentences(hit.text) if sentence.strip()]
    return max(sentences, key=lambda sentence: len(held(said, sentence)), default="")
