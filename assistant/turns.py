"""Runs turns as tasks of the server: a page that reloads or loses its connection attaches to the
running turn again, and only :meth:`RunningTurn.stop` ends it early."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator

from assistant.conversation import Ahead, Conversation
from assistant.errors import AssistantError, ConversationError, InternalError
from assistant.events import Error, Event

log = logging.getLogger(__name__)

Key = tuple[str, str]  # user, conversation


class RunningTurn:
    """A turn under way or ended: all its events so far, and those to come."""

    def __init__(self, user: str, conversation_id: str, question: str) -> None:
        self.user = user
        self.conversation_id = conversation_id
        self.question = question
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

    def __init__(self, conversation: Conversation) -> None:
        self._conversation = conversation
        self._lock = threading.Lock()
        self._running: dict[Key, tuple[RunningTurn, float]] = {}

    def start(
        self,
        user: str,
        conversation_id: str,
        question: str,
        *,
        language: str = "en",
        retry: bool = False,
        ahead: bool = True,
    ) -> RunningTurn:
        """Begin a turn in the background.

        Args:
            ahead: afterwards let the model read the conversation for the next question.

        Raises:
            ConversationError: this conversation is still answering another question.
        """
        turn = RunningTurn(user, conversation_id, question)
        with self._lock:
            self._sweep()
            known = self._running.get((user, conversation_id))
            if known and not known[0].ended:
                raise ConversationError(
                    "This conversation is still answering: wait for it, or stop it first.",
                    "这个对话还在回答上一个问题：请等它结束，或先点停止。",
                )
            self._running[user, conversation_id] = (turn, time.monotonic())
        threading.Thread(
            target=self._run, args=(turn, language, retry, ahead), name="turn", daemon=True
        ).start()
        return turn

    def current(self, user: str, conversation_id: str) -> RunningTurn | None:
        """The conversation's turn that is under way, to attach to."""
        with self._lock:
            known = self._running.get((user, conversation_id))
        return known[0] if known and not known[0].ended else None

    def _run(self, turn: RunningTurn, language: str, retry: bool, ahead: bool) -> None:
        try:
            for event in self._conversation.turn(
                turn.user,
                turn.conversation_id,
                turn.question,
                language=language,
                retry=retry,
                stopped=turn.stopped,
            ):
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
                if any(not turn.ended for turn, _ in list(self._running.values())):
                    return
                chat.warm(messages)
        except AssistantError as error:
            log.info("nothing was read ahead: %s", error)

    def _sweep(self) -> None:
        limit = time.monotonic() - self.KEPT_SECONDS
        for key, (turn, began) in list(self._running.items()):
            if turn.ended and began < limit:
                del self._running[key]
