"""What long-term memory costs a turn at 100,000 stored turns.

    python -m benchmarks.memory_store [--turns 100000] [--measured 1000] [--json]

The embedded server is filled twice: with one user who has all the turns, and with a hundred users
who have as many together. Then whole turns are timed, on loopback: what opens one (``open``), what
recalls (``recall``, in this process) and what stores it (``add``). ``Redis:`` is what of that is
spent on Redis, from the call of its client to the answer. ``open, a fresh process`` is the first
turn of a process that knows nothing yet, ``while it loads`` are turns beside the reading of the
rest in the background.

Beside it, on the same server and at the same size:

- ``list``: the history as LangChain's ``RedisChatMessageHistory`` keeps it, a list of messages:
  read whole and parsed, two messages appended. It has no recall.
- ``all vectors``: recall without a copy in this process: every vector of the user is read, and
  compared here.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
from redis import Redis
from redis.client import Pipeline

from assistant.memory.address import RedisAddress
from assistant.memory.long_term import LongTermMemory, Retention
from assistant.memory.records import Turn, text_parts
from assistant.memory.store.commands import Commands
from assistant.memory.store.connection import Link
from assistant.settings import Settings

DIMENSION = 384
TALK = 20  # turns of a conversation
# As many words as a user's talks have, some of them far more often than others.
WORDS = [
    "".join(pair) for pair in itertools.product(map(chr, range(0x4E00, 0x4E00 + 70)), repeat=2)
]
OFTEN = list(itertools.accumulate(1 / (place + 10) for place in range(len(WORDS))))
EVERY = 10_000_000

Times = dict[str, list[float]]


class Filling(Link):
    """Sends scripts in batches without waiting for each: fills quickly what is timed later."""

    BATCH = 500

    def __init__(self, url: str) -> None:
        super().__init__(lambda: url)
        self._redis = Redis.from_url(url)
        self._pipe: Pipeline = self._redis.pipeline(transaction=False)

    def script(self, script: str, key: str, *args: Any) -> Any:
        self._pipe.eval(script, 1, key, *args)
        if len(self._pipe) >= self.BATCH:
            self._pipe.execute()
        return b"-", 0, []

    def finish(self) -> None:
        self._pipe.execute()
        self._redis.close()
        self.close()


def _text(words: random.Random, count: int) -> str:
    return "".join(words.choices(WORDS, cum_weights=OFTEN, k=count))


def turn_of(number: int) -> Turn:
    words = random.Random(number)
    question, answer = (f"{_text(words, 8)}，{_text(words, 4)}？", _text(words, 150))
    sources = ({"uri": f"docs/{number % 500}.md", "title": question[:4], "page": number % 9},) * 4
    parent = f"{number - 1:08x}" if number % TALK else ""
    return Turn(
        f"{number:08x}",
        text_parts(question),
        answer,
        question,
        float(number),
        sources,
        parent=parent,
    )


def vectors(count: int, seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).standard_normal((count, DIMENSION)).astype(np.float32)
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def text_of(turn: Turn) -> str:
    return f"{turn.standalone}\n{turn.answer[:400]}"


def fill(url: str, turns: int, users: int) -> None:
    """Store ``turns`` in all, and the messages of one conversation as the peer keeps them."""
    link = Filling(url)
    commands = Commands(link)
    each = turns // users
    for start in range(0, turns, 5000):
        rows = vectors(min(5000, turns - start), start)
        for place, row in enumerate(rows):
            number = start + place
            turn = turn_of(number)
            commands.add(
                f"u{number // each}",
                f"c{number // TALK}",
                turn,
                text_of(turn),
                row,
                most_turns=EVERY,
            )
    link.finish()


def timed(times: Times, name: str, work: Callable[[], Any]) -> Any:
    start = time.perf_counter()
    result = work()
    times.setdefault(name, []).append(1000 * (time.perf_counter() - start))
    return result


def measure(url: str, turns: int, users: int, measured: int) -> tuple[Times, dict[str, float]]:
    """Milliseconds of each kind of step; figures that are there once."""
    times: Times = {}
    each = turns // users
    memory = LongTermMemory(lambda: url, Retention(turns=EVERY))
    memory.ping()
    rows = vectors(measured, 99)
    asks, spent = memory._link.script, [0.0]

    def script(*args: Any) -> Any:
        start = time.perf_counter()
        try:
            return asks(*args)
        finally:
            spent[0] += 1000 * (time.perf_counter() - start)

    memory._link.script = script  # type: ignore[assignment,method-assign]

    def place(number: int) -> tuple[str, str]:
        """Whose turn it is, and in which conversation."""
        user = number % users
        return f"u{user}", f"c{user * (each // TALK) + number // users % (each // TALK)}"

    def whole_turn(number: int, prefix: str) -> None:
        user, talk = place(number)
        spent[0] = 0.0
        before = timed(times, f"{prefix}open", lambda: memory.open(user, talk, known.get(talk)))
        row, turn = rows[number % measured], turn_of(turns + number)
        memory_found = timed(
            times, f"{prefix}recall", lambda: memory.recall(user, turn.text, row, k=8)
        )
        assert len(memory_found) <= 8
        timed(times, f"{prefix}add", lambda: memory.add(user, talk, turn, row, text=text_of(turn)))
        known[talk] = turn.id
        times.setdefault(f"{prefix}open and add", []).append(
            times[f"{prefix}open"][-1] + times[f"{prefix}add"][-1]
        )
        times.setdefault(f"{prefix}Redis: read and write", []).append(spent[0])
        assert before.head

    known: dict[str, str] = {}
    once: dict[str, float] = {}
    start = time.perf_counter()
    timed(times, "open, a fresh process", lambda: memory.open("u0", "c0"))
    number = 0
    while not memory._mirrors.of("u0").is_whole:
        whole_turn(number, "while it loads: ")
        number += 1
        time.sleep(0.2)
    once["seconds until all of u0 is read"] = time.perf_counter() - start
    for user in range(1, users):
        memory.search(f"u{user}", "x", rows[0], 1)
    # Each conversation was seen once: a running one is known to short-term memory.
    first = number
    for number in range(first, first + measured):
        asker, talk = place(number)
        known[talk] = memory.open(asker, talk).head
    with Redis.from_url(url) as redis:
        redis.config_resetstat()
        for number in range(first, first + measured):
            whole_turn(number, "")
        scripts = redis.info("commandstats")["cmdstat_evalsha"]
    once["the server alone, ms per turn"] = scripts["usec"] / 1000 / measured
    memory.close()
    return times, once


def peers(url: str, turns: int, users: int, measured: int) -> Times:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_community.chat_message_histories import RedisChatMessageHistory
    times: Times = {}
    for talk in range(50):
        history = RedisChatMessageHistory(f"c{talk}", url)
        for number in range(TALK):
            history.add_messages(turn_of(talk * TALK + number).messages())
    histories = [RedisChatMessageHistory(f"c{talk}", url) for talk in range(50)]
    for number in range(measured):
        history = histories[number % 50]

        def step(history: Any = history, number: int = number) -> None:
            assert history.messages
            history.add_messages(turn_of(number).messages())

        timed(times, "list: read and write", step)
    query = vectors(1, 5)[0]
    with Redis.from_url(url) as redis:
        for number in range(20):
            asker = f"u{number % users}"
            timed(times, "all vectors: recall", partial(_compared, redis, asker, query))
    return times


def _compared(redis: Redis, user: str, query: np.ndarray) -> None:
    values: Any = redis.hvals(f"rag:2:{{{user}}}:items")
    size = 2 * DIMENSION
    rows = np.stack([np.frombuffer(value[-size:], dtype=np.float16) for value in values])
    np.argpartition(-(rows.astype(np.float32) @ query), 8)


def report(times: Times) -> Iterator[tuple[str, float, float, int]]:
    for name, values in times.items():
        p50, p95 = np.percentile(values, [50, 95])
        yield name, float(p50), float(p95), len(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=100_000)
    parser.add_argument("--measured", type=int, default=1000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    for users in (1, 100):
        with tempfile.TemporaryDirectory() as folder:
            settings = Settings.load({"DATA_DIR": folder, "GRACE_SECONDS": "0"}, None)
            address = RedisAddress(settings)
            url = address.url()
            fill(url, arguments.turns, users)
            times, once = measure(url, arguments.turns, users, arguments.measured)
            times |= peers(url, arguments.turns, users, arguments.measured)
            address.close()
        name = f"{users} users of {arguments.turns // users} turns"
        rows = list(report(times))
        results[name] = {row[0]: {"p50_ms": row[1], "p95_ms": row[2], "n": row[3]} for row in rows}
        results[name] |= once
        if not arguments.json:
            print(f"\n{name}")
            for row in rows:
                print(f"  {row[0]:38} p50 {row[1]:8.3f} ms   p95 {row[2]:8.3f} ms   n {row[3]}")
            for label, value in once.items():
                print(f"  {label:38} {value:.3f}")
    if arguments.json:
        print(json.dumps(results, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
