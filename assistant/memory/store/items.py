"""What recall needs of a turn or a fact, as bytes in Redis.

A header (version, kind, time, and the lengths of the two texts), the question or the fact, the
beginning of the answer, and the vector in float16.
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from assistant.memory.recall import Item
from assistant.memory.records import Fact, Turn
from assistant.memory.store.keys import decoded

VERSION = 1
KINDS = ("turn", "fact", "preference")
HEADER = struct.Struct("<BBdII")
LONGEST_TEXT = 2000  # characters that are searched
BETWEEN = "\x1e"  # the record separator: in no text, because it is taken out

Vector = NDArray[np.float32]


def packed_turn(turn: Turn, text: str, vector: Vector) -> bytes:
    """A turn that is found by ``text``: its standalone question, and what follows that."""
    question, rest = text, ""
    if text.startswith(turn.standalone):
        question, rest = turn.standalone, text[len(turn.standalone) :].lstrip("\n")
    return _packed("turn", turn.time, question, rest, vector)


def packed_fact(fact: Fact, vector: Vector) -> bytes:
    return _packed(fact.kind, fact.updated, fact.text, "", vector)


def _packed(kind: str, time: float, text: str, rest: str, vector: Vector) -> bytes:
    first, second = (
        part.replace(BETWEEN, " ")[:LONGEST_TEXT].encode("utf-8", "surrogatepass")
        for part in (text, rest)
    )
    header = HEADER.pack(VERSION, KINDS.index(kind), time, len(first), len(second))
    return header + first + second + np.asarray(vector, dtype=np.float16).tobytes()


def unpacked(id: str, value: bytes) -> Item:
    """The item, with its text and its rest parted by :data:`BETWEEN`.

    Raises:
        ValueError, IndexError: the value is not an item.
    """
    if len(value) < HEADER.size:
        raise ValueError
    version, kind, time, *lengths = HEADER.unpack_from(value)
    middle, end = HEADER.size + lengths[0], HEADER.size + sum(lengths)
    if version != VERSION or end > len(value) or not np.isfinite(time):
        raise ValueError
    texts = [value[HEADER.size : middle], value[middle:end]]
    vector = np.frombuffer(value[end:], dtype=np.float16)
    if not np.isfinite(vector).all():
        raise ValueError
    return Item(
        id=id,
        kind=KINDS[kind],
        text=BETWEEN.join(text.decode("utf-8", "surrogatepass") for text in texts),
        group=decoded(id.split("/")[1]) if KINDS[kind] == "turn" else "",
        time=time,
        vector=vector,
    )
