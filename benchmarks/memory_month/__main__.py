"""See the package."""

from __future__ import annotations

import argparse
import json
import os
import re
import tempfile
import time
from collections.abc import Sequence
from functools import reduce
from operator import add
from pathlib import Path
from typing import Any

import numpy as np

from assistant.memory.address import RedisAddress
from assistant.memory.facts import Remembering
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Turn, text_parts
from assistant.models.embedding.choice import open_embeddings
from assistant.sentences import split_sentences
from assistant.settings import Settings
from benchmarks import memory_month
from benchmarks.memory_month import scripts
from benchmarks.memory_month.scoring import Item, Score, items_of, score
from benchmarks.memory_month.scripts import Message, Person

LONGEST_WAIT = 60.0
_I = re.compile(r"我|\bI\b")


def main(arguments: Sequence[str] | None = None) -> None:
    options = _options(arguments)
    people = scripts.read(options.half, options.folder)
    with tempfile.TemporaryDirectory() as folder:
        scores, seconds = remember(people, Path(folder))
    results = {
        "half": options.half,
        "people": {person.name: one.as_json() for person, one in zip(people, scores, strict=True)},
        "all": reduce(add, scores, Score()).as_json(),
        "plain": reduce(add, (score(p, plain_items(p)) for p in people), Score()).as_json(),
        "milliseconds": {
            f"p{share}": round(float(np.percentile(seconds, share)) * 1000, 1) for share in (50, 95)
        },
    }
    if options.json:
        print(json.dumps(results, ensure_ascii=False, indent=1))
        return
    show(results)
    if options.show:
        show_faults(results["all"])


def remember(people: Sequence[Person], folder: Path) -> tuple[list[Score], list[float]]:
    """Scores of what is remembered of each person, and the seconds that each message took."""
    settings = Settings.load({**os.environ, "DATA_DIR": str(folder)}, env_file=None)
    embeddings = open_embeddings(settings)
    embeddings.embed_questions(["warm"])
    address = RedisAddress(settings)
    memory = LongTermMemory(address.url)
    remembering = Remembering(memory, embeddings, lambda: False)
    scores, seconds = [], []
    try:
        for person in people:
            for message in person.messages:
                began = time.perf_counter()
                remembering.learn(person.name, message.conversation, turn_of(message))
                if not remembering.wait(LONGEST_WAIT):
                    raise TimeoutError(f"{message.turn} was not learned in {LONGEST_WAIT} s")
                seconds.append(time.perf_counter() - began)
            scores.append(score(person, items_of(memory.facts(person.name))))
    finally:
        remembering.close()
        memory.close()
        address.close()
    return scores, seconds


def turn_of(message: Message) -> Turn:
    """A message as the conversation stores it."""
    question = text_parts(message.text)
    answer, parent = message.answer, message.parent
    return Turn(message.turn, question, answer, message.text, message.time, parent=parent)


def plain_items(person: Person) -> list[Item]:
    """The plain way: each sentence of the user with "I" or 我 in it."""
    return [
        Item(sentence.strip(), frozenset({message.turn}))
        for message in person.messages
        for sentence in split_sentences(message.text)
        if _I.search(sentence)
    ]


def show(results: dict[str, Any]) -> None:
    columns = ("precision", "recall", "changes_followed", "caught", "echoed", "languages_kept")
    print(f"{'':14}" + "".join(f"{name:>17}" for name in (*columns, "items", "plants")))
    rows = {**results["people"], "all": results["all"], "plain way": results["plain"]}
    for name, row in rows.items():
        cells = [row[column] for column in (*columns, "items", "plants")]
        texts = (f"{x:.3f}" if isinstance(x, float) else str(x) for x in cells)
        print(f"{name:14}" + "".join(f"{text:>17}" for text in texts))
    times = results["milliseconds"]
    print(f"a message takes {times['p50']} ms (p50), {times['p95']} ms (p95)")


def show_faults(row: dict[str, Any]) -> None:
    for name in ("wrong", "missed", "unfollowed", "caught_texts"):
        print(f"\n{name}:")
        for text in row[name]:
            print(f"  {text}")


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.memory_month",
        description=memory_month.__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--half", choices=("dev", "test"), default="dev")
    parser.add_argument("--folder", type=Path, default=scripts.FOLDER, help="of the scripts")
    parser.add_argument("--show", action="store_true", help="what was wrong, missed, caught")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
