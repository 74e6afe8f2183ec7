"""Runs turns as tasks of the server: a page that reloads or loses its connection attaches to the
running turn again, and only :meth:`RunningTurn.stop` ends it early."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

from assistant.conversation import Ahead, Conversation
from assistant.errors import AssistantError, ConversationError, InternalError
from assistant.events import Error, Event
from assistant.memory.records import Choices

log = logging.getLogger(__name__)

Key = tuple[str, str]  # user, conversation
ForgetCopies = Callable[[str, str | None], object]


class RunningTurn:
    """A turn under way or ended: all its events so far, and those to come."""

    def __init__(self, user: str, conversation_id: str, question: str, replaces: str = "") -> None:
        self.user = user
        self.conversation_id = conversation_id
        self.question = question
        self.replaces = replaces  # id of the turn that it is asked in place of
        self.stopped = threading.Event()
        self._events: list[Event] = []
        self._changed = threading.Condition()
        self._ended = False

    @property
    def ended(self) -> bool:
        return self._ended

    def stop(self) -> None:
        """End the turn at its next token; what came is kept and stored."""
        self.stopped.set()

    def events(self) -> Iterator[Event]:
        """Every event from the first one, waiting for those to come, until the turn ends."""
        seen = 0
        while True:
            with self._changed:
                while len(self._events) == seen and not self._ended:
                    self._changed.wait()
                fresh, ended = self._events[seen:], self._ended
            yield from fresh
            seen += len(fresh)
            if ended and not fresh:
                return

    def publish(self, event: Event) -> None:
        with self._changed:
            self._events.append(event)
            self._changed.notify_all()

    def end(self) -> None:
        with self._changed:
            self._ended = True
            self._changed.notify_all()


class Turns:
    """The running turns of all users, one at a time in a conversation."""

    KEPT_SECONDS = 300.0  # how long an ended turn can still be attached to

    def __init__(
        self, conversation: Conversation, forget_copies: ForgetCopies = lambda user, id: None
    ) -> None:
        """``forget_copies`` removes what else was kept of a user's conversation (None: of all)."""
        self._conversation = conversation
        self._forget_copies = forget_copies
        self._lock = threading.Lock()
        self._running: dict[Key, tuple[RunningTurn, float]] = {}

    def start(
        self,
        user: str,
        conversation_id: str,
        question: str,
        *,
        language: str = "en",
        replaces: str = "",
        standalone: str = "",
        choices: Choices | None = None,
        ahead: bool = True,
    ) -> RunningTurn:
        """Begin a turn in the background.

        Args:
            replaces, standalone, choices: as :meth:`Conversation.turn` takes them.
            ahead: afterwards let the model read the conversation for the next question.

        Raises:
            ConversationError: this conversation is still answering another question.
        """
        turn = RunningTurn(user, conversation_id, question, replaces)
        with self._lock:
            self._sweep()
            known = self._running.get((user, conversation_id))
            if known and not known[0].ended:
                raise ConversationError(
                    "This conversation is still answering: wait for it, or stop it first.",
                    "这个对话还在回答上一个问题：请等它结束，或先点停止。",
                )
            self._running[user, conversation_id] = (turn, time.monotonic())
        answer = partial(
            self._conversation.turn,
            user,
            conversation_id,
            question,
            language=language,
            replaces=replaces,
            standalone=standalone,
            choices=choices,
            stopped=turn.stopped,
        )
        threading.Thread(
            target=self._run, args=(turn, answer, language, ahead), name="turn", daemon=True
        ).start()
        return turn

    def current(self, user: str, conversation_id: str) -> RunningTurn | None:
        """The conversation's turn that is under way, to attach to."""
        with self._lock:
            known = self._running.get((user, conversation_id))
        return known[0] if known and not known[0].ended else None

    def forget(self, user: str, conversation_id: str) -> None:
        """Remove a conversation, and what was learned from it. Not while it answers: the answer
        would be stored after it.

        Raises:
            ConversationError: it is answering.
            MemoryUnavailable: Redis can't be reached; nothing is forgotten there.
        """
        self._let_go(user, conversation_id)
        self._conversation.memory.forget(user, conversation_id)
        self._forget_copies(user, conversation_id)

    def forget_all(self, user: str) -> None:
        """Remove everything of ``user``; raises as :meth:`forget`."""
        self._let_go(user)
        self._conversation.memory.forget_all(user)
        self._forget_copies(user, None)

    def _let_go(self, user: str, conversation_id: str | None = None) -> None:
        with self._lock:
            keys = [key for key in self._running if key[0] == user]
            if conversation_id is not None:
                keys = [key for key in keys if key[1] == conversation_id]
            if any(not self._running[key][0].ended for key in keys):
                raise ConversationError(
                    "A conversation that is to be forgotten is still answering: wait for it, or "
                    "stop it first.",
                    "要删除的对话还在回答：请等它结束，或先停止。",
                )
            for key in keys:
                del self._running[key]

    @property
    def is_busy(self) -> bool:
        """Whether anybody waits for an answer."""
        with self._lock:
            return any(not turn.ended for turn, _ in self._running.values())

    def _run(
        self, turn: RunningTurn, answer: Callable[[], Iterator[Event]], language: str, ahead: bool
    ) -> None:
        try:
            for event in answer():
                turn.publish(event)
        except AssistantError as error:
            log.warning("turn failed: %s", error)
            turn.publish(Error(error.kind, error.text(language)))
            return
        except Exception as error:
            log.exception("turn failed")
            unexpected = InternalError(error)
            turn.publish(Error(unexpected.kind, unexpected.text(language)))
            return
        finally:
            turn.end()
        if ahead:
            self._read_ahead(self._conversation.next_prompts(turn.user, turn.conversation_id))

    def warm_up(self) -> None:
        """Get the chat model ready and let it read what never changes in its prompts."""
        try:
            self._conversation.chat.model()
            self._conversation.chat.check()
        except AssistantError as error:
            log.error("%s", error)  # its state tells the reader; the next question tries again
            return
        self._read_ahead(self._conversation.fixed_prompts())

    def _read_ahead(self, prompts: Iterator[Ahead]) -> None:
        """Only while nobody waits for an answer: a turn needs all of the machine."""
        try:
            for chat, messages in prompts:
                if self.is_busy:
                    return
                chat.warm(messages)
        except AssistantError as error:
            log.info("nothing was read ahead: %s", error)

    def _sweep(self) -> None:
        limit = time.monotonic() - self.KEPT_SECONDS
        for key, (turn, began) in list(self._running.items()):
            if turn.ended and began < limit:
                del self._running[key]
