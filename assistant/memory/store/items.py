"""What recall needs of a turn or a fact, as bytes in Redis.

A header (version, kind, time, the lengths of the two texts, and a number of the embedding model),
the question or the fact, the beginning of the answer, and the vector in float16. A vector of
another model than today's says nothing: such an item is found by its words.
"""

from __future__ import annotations

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from assistant.memory.recall import Item
from assistant.memory.records import Fact, Turn
from assistant.memory.store.keys import decoded

VERSION = 2
KINDS = ("turn", "fact", "preference")
HEADER = struct.Struct("<BBdIII")
LONGEST_TEXT = 2000  # characters that are searched
BETWEEN = "\x1e"  # the record separator: in no text, because it is taken out

Vector = NDArray[np.float32]


def number_of(model: str) -> int:
    """The number of the embedding model with this fingerprint."""
    return zlib.crc32(model.encode())


def packed_turn(turn: Turn, text: str, vector: Vector, model: int = 0) -> bytes:
    """A turn that is found by ``text``: its standalone question, and what follows that."""
    question, rest = text, ""
    if text.startswith(turn.standalone):
        question, rest = turn.standalone, text[len(turn.standalone) :].lstrip("\n")
    return _packed("turn", turn.time, (question, rest), vector, model)


def packed_fact(fact: Fact, vector: Vector, model: int = 0) -> bytes:
    return _packed(fact.kind, fact.updated, (fact.text, ""), vector, model)


def _packed(kind: str, time: float, texts: tuple[str, str], vector: Vector, model: int) -> bytes:
    first, second = (
        part.replace(BETWEEN, " ")[:LONGEST_TEXT].encode("utf-8", "surrogatepass") for part in texts
    )
    header = HEADER.pack(VERSION, KINDS.index(kind), time, len(first), len(second), model)
    return header + first + second + np.asarray(vector, dtype=np.float16).tobytes()


def unpacked(id: str, value: bytes, model: int = 0) -> Item:
    """The item, with its text and its rest parted by :data:`BETWEEN`; its vector is empty where it
    isn't of ``model``.

    Raises:
        ValueError, IndexError: the value is not an item.
    """
    if len(value) < HEADER.size:
        raise ValueError
    version, kind, time, *lengths, made_by = HEADER.unpack_from(value)
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
        vector=vector if made_by == model else vector[:0],
    )
