"""What a turn takes from memory and leaves in it: both memories as the conversation uses them.

Redis is asked once before the answer and once after it. When it is away the turn goes on with what
this process knows, and the fault is told beside the answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from assistant.errors import MemoryUnavailable
from assistant.memory.facts.remembering import Remembering
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Choices, Fact, Recollection, Turn, branch
from assistant.memory.short_term import History, ShortTermMemory
from assistant.memory.store.keys import fact_item
from assistant.models.embedding.model import EmbeddingModel
from assistant.rewriting.needs import points, recalls, speaks_of_user

CANDIDATES = 12
MOST = {"fact": 3, "turn": 2}  # for one question
MEMORY_TOKENS = 160  # of them together
WISH_TOKENS = 80
#: How alike a memory must be to the question, in deviations above unrelated statements, or which
#: share of the question's words it must bear. On questions of our own, 17 in two languages over 14
#: facts, this takes nine of eleven that bear on one and two of six that bear on none.
LEAST_LIKE, LEAST_WORDS = 0.9, 0.3
ANSWER_LENGTH = 400  # characters of an answer that its turn is found by


@dataclass(frozen=True)
class Given:
    """A conversation that its caller keeps, as programs do: no memory of ours is read or written.

    ``turns`` come before the question, oldest first; ``wishes`` say how to answer.
    """

    turns: tuple[Turn, ...] = ()
    wishes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Before:
    """What is known when a turn begins.

    ``replaced`` is the id of the turn that this one is asked in place of. ``fault`` tells why
    long-term memory could not be read. ``given``: the conversation is its caller's.
    """

    history: History = field(default_factory=History)
    replaced: str = ""
    choices: Choices = field(default_factory=Choices)
    facts: tuple[Fact, ...] = ()
    is_paused: bool = False
    fault: MemoryUnavailable | None = None
    given: Given | None = None


@dataclass(frozen=True)
class TurnMemory:
    """Short-term and long-term memory of the turns of all users."""

    short_term: ShortTermMemory
    long_term: LongTermMemory
    remembering: Remembering
    embeddings: EmbeddingModel

    def begin(
        self,
        user: str,
        conversation_id: str,
        *,
        replaces: str = "",
        choices: Choices | None = None,
    ) -> Before:
        """What the next turn starts from.

        Args:
            replaces: the turn that it is asked in place of: what followed that is abandoned.
            choices: the user's for this conversation, kept from now on; None: those kept.
        """
        known = self.short_term.head(user, conversation_id)
        try:
            opened = self.long_term.open(user, conversation_id, known)
            # A turn that Redis has not taken yet is newer than what Redis says.
            if opened.turns is not None and (known is None or not self.long_term.held):
                turns = branch(opened.turns, opened.head)
                self.short_term.fill(user, conversation_id, turns)
            if choices is not None and choices != opened.choices:
                self.long_term.set_choices(user, conversation_id, choices)
        except MemoryUnavailable as error:
            before = Before(choices=choices or Choices(), fault=error)
        else:
            before = Before(
                choices=choices or opened.choices, facts=opened.facts, is_paused=opened.paused
            )
        return self._placed(before, user, conversation_id, replaces)

    def given(self, given: Given, choices: Choices | None) -> Before:
        """What a turn of a conversation that its caller keeps starts from."""
        history = self.short_term.window(given.turns)
        return Before(history, choices=replace(choices or Choices(), memory=False), given=given)

    def _placed(self, before: Before, user: str, conversation_id: str, replaces: str) -> Before:
        """``before`` with the history that the turn follows. A turn that failed was not stored:
        asked again, it replaces nothing."""
        is_known = self.short_term.turn(user, conversation_id, replaces) is not None
        replaced = replaces if is_known else ""
        history = self.short_term.history(user, conversation_id, before=replaced)
        return replace(before, history=history, replaced=replaced)

    def recollect(
        self, user: str, conversation_id: str, question: str, before: Before
    ) -> list[Recollection]:
        """The few memories that ``question`` leans on, best first: facts where it speaks of the
        user's own things, earlier turns where it speaks of an earlier conversation, or points at
        something that this one doesn't name."""
        kinds = set()
        if recalls(question) or (not before.history.turns and points(question)):
            kinds.add("turn")
        if speaks_of_user(question):  # no other question is completed from facts
            kinds.add("fact")
        if not kinds or not before.choices.memory:
            return []
        found = self.long_term.recall(
            user,
            question,
            self.remembering.likeness.vectors([question])[0],
            k=CANDIDATES,
            without_conversation=conversation_id,
            kinds=kinds,
        )
        return list(self._few(self._bearing(question, found), before))

    def _bearing(self, question: str, found: Sequence[Recollection]) -> Iterator[Recollection]:
        """Those that bear on ``question`` at all."""
        alike = self.remembering.likeness.to_all(question, [memory.text for memory in found])
        for memory, likeness in zip(found, alike, strict=True):
            if likeness >= LEAST_LIKE or memory.keyword >= LEAST_WORDS:
                yield memory

    def _few(self, found: Iterable[Recollection], before: Before) -> Iterator[Recollection]:
        said = {fact_item(fact.id): place(fact) for fact in before.facts}
        left, counts = MEMORY_TOKENS, dict.fromkeys(MOST, 0)
        for memory in found:
            size = self.embeddings.count_tokens(memory.text + memory.answer)
            is_off = memory.id in before.choices.without
            if is_off or counts[memory.kind] == MOST[memory.kind] or size > left:
                continue
            left -= size
            counts[memory.kind] += 1
            yield replace(memory, conversation_id=said.get(memory.id, memory.conversation_id))

    def wishes(self, before: Before) -> list[Fact]:
        """How the user wants to be answered: pinned first, then the newest, that fit."""
        if not before.choices.memory:
            return []
        left, chosen = WISH_TOKENS, []
        for fact in before.facts:
            if fact.kind != "preference" or fact_item(fact.id) in before.choices.without:
                continue
            left -= self.embeddings.count_tokens(fact.text)
            if left < 0:
                break
            chosen.append(fact)
        return chosen

    def store(
        self, user: str, conversation_id: str, turn: Turn, before: Before
    ) -> MemoryUnavailable | None:
        """Keep ``turn`` in both memories; what is learned from it follows in the background.

        Returns the fault where Redis could not take it: it is held, and written later.
        """
        if before.given is not None:
            return None
        self.short_term.add(user, conversation_id, turn)
        text = f"{turn.standalone}\n{turn.answer[:ANSWER_LENGTH]}"
        vector = self.embeddings.embed_private([text])[0]
        if before.replaced:
            self.long_term.replace(user, conversation_id, before.replaced)
        stored = self.long_term.add(user, conversation_id, turn, vector, text=text)
        if not before.is_paused:
            self.remembering.learn(user, conversation_id, turn)
        return None if stored else held_fault(self.long_term.held)

    def forget(self, user: str, conversation_id: str) -> None:
        """Remove a conversation, and what was learned from it, from both memories.

        Raises:
            MemoryUnavailable: Redis can't be reached; it is not forgotten there.
        """
        self.long_term.forget(user, conversation_id)
        self.short_term.forget(user, conversation_id)

    def forget_all(self, user: str) -> None:
        """Remove everything of ``user`` from both memories; raises as :meth:`forget`."""
        self.long_term.forget_all(user)
        self.short_term.forget_all(user)


def place(fact: Fact) -> str:
    """The conversation that a fact was last said in; empty where the user wrote it down."""
    return fact.said[-1].conversation_id if fact.said else ""


def held_fault(count: int) -> MemoryUnavailable:
    """Redis could be read when the turn began, and not be written when it ended."""
    return MemoryUnavailable(
        "Redis can't be written now: {count} entries of long-term memory wait, and are stored as "
        "soon as it can.",
        "Redis 暂时无法写入：有 {count} 条长期记忆正在等待，恢复后会自动写入。",
        count=count,
    )
