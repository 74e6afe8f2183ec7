"""How many questions run at once, who is next, and who is told to come back."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from assistant import events
from assistant.errors import ConversationBusy, Overloaded, TooManyQuestions
from assistant.limits import Limits, Ticket, TurnQueue
from assistant.observability import request_ids
from assistant.running_turn import RunningTurn
from assistant.turns import Turns


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Asked:
    """Questions in a queue: who has a slot, in order, and what each was told."""

    def __init__(self, **limits: int) -> None:
        self.clock = Clock()
        self.queue = TurnQueue(Limits(**limits), self.clock)
        self.begun: list[str] = []
        self.told: dict[str, list[int]] = {}
        self.tickets: dict[str, Ticket] = {}

    def ask(self, user: str, name: str) -> None:
        places = self.told.setdefault(name, [])
        self.tickets[name] = Ticket(user, lambda: self.begun.append(name), places.append)
        self.queue.enter(self.tickets[name])

    def end(self, name: str) -> None:
        self.queue.done(self.tickets[name])


def test_a_free_slot_is_taken_at_once() -> None:
    asked = Asked(at_once=2)
    asked.ask("a", "a1")
    asked.ask("a", "a2")
    asked.ask("a", "a3")
    assert (asked.begun, asked.told["a3"]) == (["a1", "a2"], [1])
    assert (asked.queue.running, asked.queue.waiting) == (2, 1)
    asked.end("a2")
    assert asked.begun == ["a1", "a2", "a3"]


def test_slots_go_round_the_users() -> None:
    """A hundred questions of one user don't hold up another's."""
    asked = Asked(at_once=1)
    for n in range(5):
        asked.ask("many", f"m{n}")
    asked.ask("one", "o0")
    asked.ask("one", "o1")
    asked.ask("two", "t0")
    for n in range(8):
        asked.end(asked.begun[n])
    assert asked.begun == ["m0", "o0", "t0", "m1", "o1", "m2", "m3", "m4"]


def test_who_has_fewer_running_is_first() -> None:
    asked = Asked(at_once=3)
    for n in range(5):
        asked.ask("many", f"m{n}")
    asked.ask("one", "o0")
    asked.end("m0")
    assert asked.begun == ["m0", "m1", "m2", "o0"]
    assert asked.queue.users() == {"many": (2, 2), "one": (1, 0)}


def test_each_is_told_its_place_as_it_changes() -> None:
    asked = Asked(at_once=1)
    for n in range(4):
        asked.ask("a", f"a{n}")
    asked.ask("b", "b0")
    assert asked.told == {"a0": [], "a1": [1, 2], "a2": [2, 3], "a3": [3, 4], "b0": [1]}
    assert asked.queue.leave(asked.tickets["a2"])
    assert asked.told["a3"][-1] == 3
    assert not asked.queue.leave(asked.tickets["a0"]), "it runs"


def test_far_back_only_larger_moves_are_told() -> None:
    asked = Asked(at_once=1)
    for n in range(200):
        asked.ask("a", f"a{n}")
    for n in range(150):
        asked.end(f"a{n}")
    told = asked.told["a199"]
    assert told[0] == 199 and told[-1] <= 55 and len(told) < 20


def test_a_full_queue_says_when_to_come_back() -> None:
    asked = Asked(at_once=1, queue_length=1)
    asked.ask("a", "a0")
    asked.ask("b", "b0")
    with pytest.raises(Overloaded, match="1 questions wait") as raised:
        asked.ask("c", "c0")
    assert raised.value.seconds == 10
    assert "10 秒" in raised.value.text("zh")
    for _ in range(30):
        asked.clock.now += 2
        asked.end(asked.begun[-1])
        asked.ask("b", f"b{asked.clock.now}")
    with pytest.raises(Overloaded) as raised:
        asked.ask("c", "c0")
        asked.ask("c", "c1")
    assert raised.value.seconds <= 4, "as long as answers take"


def test_a_users_own_limits() -> None:
    asked = Asked(at_once=9, per_user=2, per_minute=3)
    asked.ask("a", "a0")
    asked.ask("a", "a1")
    with pytest.raises(TooManyQuestions, match="2 questions at once"):
        asked.ask("a", "a2")
    asked.ask("b", "b0")
    asked.end("a0")
    asked.clock.now = 20
    asked.ask("a", "a3")
    asked.end("a1")
    with pytest.raises(TooManyQuestions, match="3 questions within a minute") as raised:
        asked.ask("a", "a4")
    assert raised.value.seconds == 40
    asked.clock.now = 61
    asked.ask("a", "a5")


def test_a_closed_queue_takes_none_and_answers_those_that_wait() -> None:
    asked = Asked(at_once=1)
    asked.ask("a", "a0")
    asked.ask("a", "a1")
    asked.queue.close()
    with pytest.raises(Overloaded, match="restart"):
        asked.ask("b", "b0")
    asked.end("a0")
    assert asked.begun == ["a0", "a1"]


def test_every_slot_is_used_and_each_question_runs_once() -> None:
    """Random questions, ends and withdrawals."""
    chance = random.Random(7)
    asked = Asked(at_once=4)
    waiting: list[str] = []
    running: list[str] = []
    for n in range(3000):
        action = chance.randrange(5)
        if action < 2:
            waiting.append(f"q{n}")
            asked.ask(f"u{chance.randrange(6)}", waiting[-1])
        elif action == 2 and waiting:
            gone = waiting.pop(chance.randrange(len(waiting)))
            assert asked.queue.leave(asked.tickets[gone])
        elif running:
            asked.end(running.pop(chance.randrange(len(running))))
        begun = [name for name in waiting if name in asked.begun]
        waiting = [name for name in waiting if name not in begun]
        running += begun
        assert (asked.queue.running, asked.queue.waiting) == (len(running), len(waiting))
        assert len(running) == 4 or not waiting
    assert len(asked.begun) == len(set(asked.begun))


class Slow:
    """A conversation whose turns wait until the test lets them go on."""

    def __init__(self) -> None:
        self.going = threading.Semaphore(0)
        self.ids: list[str] = []
        self.stored: list[str] = []

    def turn(
        self, user: str, conversation_id: str, question: str, *, stopped: threading.Event, **_: Any
    ) -> Iterator[events.Event]:
        self.ids.append(request_ids.current())
        yield events.Step("answer", 0.0)
        while not stopped.is_set() and not self.going.acquire(timeout=0.01):
            pass
        if question == "fail":
            raise RuntimeError("a fault of ours")
        self.stored.append(question)
        yield events.Done(conversation_id, question, False, {"total": 0.5}, stopped.is_set())

    def next_prompts(self, *_: object) -> Iterator[Any]:
        return iter(())


def turns_of(conversation: Slow, **limits: int) -> Turns:
    return Turns(cast(Any, conversation), limits=Limits(**limits))


def kinds(turn: RunningTurn) -> list[str]:
    return [getattr(event, "stage", event.name) for event in turn.events()]


def test_a_turn_that_waits_tells_its_place_and_runs_then() -> None:
    slow = Slow()
    turns = turns_of(slow, at_once=1)
    first, second, third = (turns.start("a", f"c{n}", f"q{n}") for n in range(3))
    threading.Timer(0.05, slow.going.release, (3,)).start()
    assert kinds(first) == ["answer", "done"]
    assert [kind for kind in kinds(third) if kind != "queue"] == ["answer", "done"]
    places = [event.place for event in third.events() if isinstance(event, events.Step)]
    assert places[0] == 2 and places[-1] == 0
    assert first.waited < 0.04 < min(second.waited, third.waited)
    assert slow.stored == ["q0", "q1", "q2"]


def test_a_turn_that_is_stopped_while_it_waits_never_runs() -> None:
    slow = Slow()
    turns = turns_of(slow, at_once=1)
    seen: list[tuple[str, str]] = []
    turns.observe(lambda turn, last: seen.append((turn.question, last.name)))
    first = turns.start("a", "c0", "q0")
    waiting = turns.start("a", "c1", "q1")
    with pytest.raises(ConversationBusy):
        turns.start("a", "c1", "q2")
    waiting.stop()
    done = list(waiting.events())[-1]
    assert isinstance(done, events.Done) and done.stopped and not done.turn_id
    slow.going.release()
    list(first.events())
    assert slow.stored == ["q0"] and not turns.is_busy
    turns._wait(5)
    assert sorted(seen) == [("q0", "done"), ("q1", "done")]


def test_a_refused_question_leaves_no_trace() -> None:
    slow = Slow()
    turns = turns_of(slow, at_once=1, queue_length=0)
    seen: list[events.Event] = []
    turns.observe(lambda turn, last: seen.append(last))
    first = turns.start("a", "c0", "q0")
    with pytest.raises(Overloaded):
        turns.start("b", "c1", "q1", language="zh")
    assert turns.current("b", "c1") is None
    assert [event.kind for event in seen if isinstance(event, events.Error)] == ["overloaded"]
    slow.going.release(2)
    list(first.events())
    turns._wait(5)
    list(turns.start("b", "c1", "q1").events())


def test_a_fault_gives_its_slot_back_and_names_the_request() -> None:
    slow = Slow()
    turns = turns_of(slow, at_once=1)
    slow.going.release(2)
    with request_ids.using("abc-123"):
        failed = turns.start("a", "c0", "fail")
    error = list(failed.events())[-1]
    assert isinstance(error, events.Error) and "abc-123" in error.message
    assert list(turns.start("a", "c1", "q1").events())[-1].name == "done"
    assert slow.ids[0] == "abc-123" and slow.ids[1] not in ("", "abc-123")


def test_who_measures_does_no_harm() -> None:
    slow = Slow()
    turns = turns_of(slow, at_once=1)
    turns.observe(lambda turn, last: 1 / 0)  # type: ignore[arg-type,return-value]
    slow.going.release(2)
    for n in range(2):
        assert list(turns.start("a", f"c{n}", "q").events())[-1].name == "done"


def test_draining_lets_answers_finish() -> None:
    slow = Slow()
    turns = turns_of(slow, at_once=1)
    first, second = turns.start("a", "c0", "q0"), turns.start("a", "c1", "q1")
    threading.Timer(0.1, slow.going.release, (2,)).start()
    turns.drain(5)
    assert slow.stored == ["q0", "q1"] and first.ended and second.ended
    assert not any(getattr(list(turn.events())[-1], "stopped", True) for turn in (first, second))
    with pytest.raises(Overloaded):
        turns.start("a", "c2", "q2")


def test_draining_ends_in_time_and_what_came_is_stored() -> None:
    slow = Slow()
    turns = turns_of(slow, at_once=1)
    first, second = turns.start("a", "c0", "q0"), turns.start("a", "c1", "q1")
    began = time.monotonic()
    turns.drain(0.1)
    assert time.monotonic() - began < 2
    assert first.ended and second.ended and slow.stored == ["q0"]


def test_async_listeners_see_every_event_without_a_thread() -> None:
    turn = RunningTurn("a", "c", "q")
    seen: list[list[str]] = []

    async def listen() -> None:
        seen.append([event.text async for event in turn.aevents()])  # type: ignore[attr-defined]

    async def both() -> None:
        listeners = [asyncio.create_task(listen()) for _ in range(50)]
        await asyncio.sleep(0)
        threads = threading.active_count()
        publisher = threading.Thread(target=publish)
        publisher.start()
        await asyncio.gather(*listeners)
        assert threading.active_count() <= threads + 1
        publisher.join()

    def publish() -> None:
        for n in range(200):
            turn.publish(events.Token(str(n)))
        turn.end()

    asyncio.run(both())
    assert seen == [[str(n) for n in range(200)]] * 50
    turn.publish(events.Token("after"))  # their loop is closed: nobody is woken


def test_a_quiet_turn_is_noticed() -> None:
    turn = RunningTurn("a", "c", "q")

    async def listen() -> list[int]:
        sizes = []
        async for batch in turn.abatches(0.02):
            sizes.append(len(batch))
            if len(sizes) == 2:
                turn.publish(events.Token("x"))
                turn.end()
        return sizes

    assert asyncio.run(listen()) == [0, 0, 1]


def test_what_each_model_answers_side_by_side() -> None:
    def limits(speaks: str, at_once: int = 0) -> Limits:
        target = SimpleNamespace(provider=SimpleNamespace(speaks=speaks), base_url="")
        chat = SimpleNamespace(backends=[SimpleNamespace(target=target)])
        settings = SimpleNamespace(
            questions_at_once=at_once, queue_length=1, questions_per_user=2, questions_per_minute=3
        )
        return Limits.of(cast(Any, settings), {"a": cast(Any, chat)})

    assert [limits(way).at_once for way in ("embedded", "openai")] == [2, 32]
    assert limits("openai", 5) == Limits(5, 1, 2, 3)
