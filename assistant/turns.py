"""Runs turns as tasks of the server: a page that reloads or loses its connection attaches to the
running turn again, and only :meth:`RunningTurn.stop` ends it early. :mod:`assistant.limits` decides
how many run at once and who is next; whoever measures turns is told of each that ended."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

from assistant.conversation import Ahead, Conversation
from assistant.errors import AssistantError, ConversationBusy, InternalError
from assistant.events import Done, Error, Event
from assistant.limits import Limits, Ticket, TurnQueue
from assistant.memory.records import Choices
from assistant.observability import request_ids
from assistant.prompts import Prompts
from assistant.running_turn import RunningTurn
from assistant.turn_memory import Given
from assistant.users.identity import Identity

__all__ = ["Observer", "RunningTurn", "Turns"]

log = logging.getLogger(__name__)

Key = tuple[str, str]  # user, conversation
ForgetCopies = Callable[[str, str | None], object]
#: Told of each turn that ended, with its last event; of one that was not admitted, an error.
Observer = Callable[[RunningTurn, Done | Error], None]

NO_LIMITS = Limits(at_once=1000)
STORE_SECONDS = 2.0  # that a stopped turn gets to store what came
LOOK_SECONDS = 0.02


class Turns:
    """The running turns of all users, one at a time in a conversation."""

    def __init__(
        self,
        conversation: Conversation,
        forget_copies: ForgetCopies = lambda user, id: None,
        limits: Limits = NO_LIMITS,
    ) -> None:
        """``forget_copies`` removes what else was kept of a user's conversation (None: of all)."""
        self._conversation = conversation
        self._forget_copies = forget_copies
        self._lock = threading.Lock()
        self._running: dict[Key, RunningTurn] = {}
        self._observers: list[Observer] = []
        self.queue = TurnQueue(limits)

    def observe(self, observer: Observer) -> None:
        """Call ``observer`` after each turn, in the turn's thread."""
        self._observers.append(observer)

    def start(
        self,
        user: str,
        conversation_id: str,
        question: str,
        *,
        language: str = "en",
        model: str = "",
        replaces: str = "",
        standalone: str = "",
        choices: Choices | None = None,
        given: Given | None = None,
        identity: Identity | None = None,
        ahead: bool = True,
        prompts: Prompts | None = None,
    ) -> RunningTurn:
        """Begin a turn in the background, or have it wait for its slot.

        Args:
            model, replaces, standalone, choices, given, identity: of :meth:`Conversation.turn`.
            ahead: let the model read on afterwards, for the next question; prompts: other ones.

        Raises:
            ConversationBusy: this conversation is still answering another question.
            TooManyQuestions, Overloaded: the limits; the error says when to try again.
        """
        id = request_ids.current() or request_ids.new_request_id()
        turn = RunningTurn(user, conversation_id, question, replaces, id, model=model)
        answer = partial(
            self._asking_by(prompts).turn,
            user,
            conversation_id,
            question,
            language=language,
            model=model,
            replaces=replaces,
            standalone=standalone,
            choices=choices,
            given=given,
            identity=identity,
            stopped=turn.stopped,
        )
        self._note(turn)
        try:
            self._enter(turn, answer, language, ahead)
        except AssistantError as error:
            self._forgo(turn)
            self._tell(turn, Error(error.kind, error.text(language)))
            raise
        return turn

    def _asking_by(self, prompts: Prompts | None) -> Conversation:
        return self._conversation.with_prompts(prompts) if prompts else self._conversation

    def _note(self, turn: RunningTurn) -> None:
        """Take the conversation for ``turn``. Turns that ended are let go of, with their events."""
        with self._lock:
            self._running = {key: one for key, one in self._running.items() if not one.ended}
            if (turn.user, turn.conversation_id) in self._running:
                raise ConversationBusy(
                    "This conversation is still answering: wait for it, or stop it first.",
                    "这个对话还在回答上一个问题：请等它结束，或先点停止。",
                )
            self._running[turn.user, turn.conversation_id] = turn

    def _forgo(self, turn: RunningTurn) -> None:
        with self._lock:
            self._running.pop((turn.user, turn.conversation_id), None)

    def _enter(
        self, turn: RunningTurn, answer: Callable[[], Iterator[Event]], language: str, ahead: bool
    ) -> None:
        def begin() -> None:
            arguments = (turn, ticket, answer, language, ahead)
            threading.Thread(target=self._run, args=arguments, name="turn", daemon=True).start()

        def moved(place: int) -> None:
            turn.waits(place, lambda: self._withdraw(turn, ticket))

        ticket = Ticket(turn.user, begin, moved, turn.model)
        self.queue.enter(ticket)

    def _withdraw(self, turn: RunningTurn, ticket: Ticket) -> None:
        """Stopped before it began: nothing is stored."""
        if self.queue.leave(ticket):
            done = Done(turn.conversation_id, "", False, {}, stopped=True, incomplete="stopped")
            turn.publish(done)
            turn.end()
            self._tell(turn, done)

    def current(self, user: str, conversation_id: str) -> RunningTurn | None:
        """The conversation's turn that is under way, to attach to."""
        with self._lock:
            known = self._running.get((user, conversation_id))
        return known if known and not known.ended else None

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
            if any(not self._running[key].ended for key in keys):
                raise ConversationBusy(
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
            return any(not turn.ended for turn in self._running.values())

    def drain(self, seconds: float) -> None:
        """Take no more questions, and wait until those under way are answered; after ``seconds``
        they are stopped, and what came of them is stored."""
        self.queue.close()
        self._wait(seconds)
        with self._lock:
            left = [turn for turn in self._running.values() if not turn.ended]
        for turn in left:
            turn.stop()
        self._wait(STORE_SECONDS)

    def _wait(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while self.is_busy and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)

    def _run(
        self,
        turn: RunningTurn,
        ticket: Ticket,
        answer: Callable[[], Iterator[Event]],
        language: str,
        ahead: bool,
    ) -> None:
        turn.begin()
        with request_ids.using(turn.request_id):
            last = self._publish(turn, answer, language)
            turn.end()
            self.queue.done(ticket)
            if last is not None:
                self._tell(turn, last)
            if ahead and isinstance(last, Done):
                asked = (turn.user, turn.conversation_id, turn.model)
                self._read_ahead(self._conversation.next_prompts(*asked))

    def _publish(
        self, turn: RunningTurn, answer: Callable[[], Iterator[Event]], language: str
    ) -> Done | Error | None:
        """The last event."""
        last: Event | None = None
        try:
            for last in answer():
                turn.publish(last)
        except AssistantError as error:
            log.warning("turn failed: %s", error)
            last = Error(error.kind, error.text(language))
            turn.publish(last)
        except Exception as error:
            log.exception("turn failed")
            unexpected = InternalError(error)
            last = Error(unexpected.kind, unexpected.text(language))
            turn.publish(last)
        return last if isinstance(last, Done | Error) else None

    def _tell(self, turn: RunningTurn, last: Done | Error) -> None:
        for observer in self._observers:
            try:
                observer(turn, last)
            except Exception:  # whoever measures must not harm what is measured
                log.exception("a turn could not be measured")

    def warm_up(self) -> None:
        """Get the chat model ready and let it read what never changes in its prompts."""
        try:
            chat = self._conversation.chats.default
            chat.model()
            chat.check()
        except AssistantError as error:
            log.error("%s", error)  # its state tells the reader; the next question tries again
            return
        self.read_prompts()

    def read_prompts(self) -> None:
        """Let the chat model read what never changes in its prompts, again after an edit."""
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
