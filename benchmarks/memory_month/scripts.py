"""The scripted conversations."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
BEGAN = 1_760_000_000.0  # when day 0 begins, in seconds since the epoch
DAY, HOUR = 86_400.0, 3_600.0


@dataclass(frozen=True)
class Plant:
    """A fact or preference in a message, to be remembered."""

    id: str
    conversation: str
    turn: str
    text: str
    slot: str
    kind: str
    replaces: str | None


@dataclass(frozen=True)
class Trap:
    """What must not be remembered: ``where`` is "user", "assistant" or "document"."""

    conversation: str
    turn: str
    where: str
    kind: str
    text: str


@dataclass(frozen=True)
class Message:
    """What a user typed, and the answer to it."""

    conversation: str
    turn: str
    parent: str
    text: str
    answer: str
    time: float


@dataclass(frozen=True)
class Person:
    """One user's month, in order."""

    name: str
    messages: tuple[Message, ...]
    plants: tuple[Plant, ...]
    traps: tuple[Trap, ...]


def read(half: str, folder: Path = FOLDER) -> list[Person]:
    """The persons of ``half``, from all its files in ``folder``.

    Raises:
        FileNotFoundError: there is none.
    """
    files = sorted(folder.glob(f"{half}.*.jsonl"))
    if not files:
        raise FileNotFoundError(f"no {half}.*.jsonl in {folder}")
    lines = [line for file in files for line in file.read_text("utf-8").splitlines()]
    conversations = [json.loads(line) for line in lines if line.strip()]
    names = dict.fromkeys(one["user"] for one in conversations)
    return [_person(name, [one for one in conversations if one["user"] == name]) for name in names]


def _person(name: str, conversations: Sequence[Mapping[str, Any]]) -> Person:
    ordered = sorted(conversations, key=lambda one: one["day"])
    messages: list[Message] = []
    for index, one in enumerate(ordered):
        for number, turn in enumerate(one["turns"]):
            time = BEGAN + one["day"] * DAY + index % 20 * HOUR + number * 60
            parent = turn_id(one["id"], number - 1) if number else ""
            messages.append(
                Message(
                    one["id"],
                    turn_id(one["id"], number),
                    parent,
                    turn["user"],
                    turn.get("assistant", ""),
                    time,
                )
            )
    return Person(
        name,
        tuple(messages),
        tuple(_plant(one["id"], row) for one in ordered for row in one["plants"]),
        tuple(_trap(one["id"], row) for one in ordered for row in one["traps"]),
    )


def _plant(conversation: str, row: Mapping[str, Any]) -> Plant:
    turn = turn_id(conversation, row["turn"])
    return Plant(
        row["id"], conversation, turn, row["text"], row["slot"], row["kind"], row.get("replaces")
    )


def _trap(conversation: str, row: Mapping[str, Any]) -> Trap:
    turn = turn_id(conversation, row["turn"])
    return Trap(conversation, turn, row["where"], row["kind"], row["text"])


def turn_id(conversation: str, number: int) -> str:
    return f"{conversation}.{number}"
