"""Layout 1, ``rag:1:{USER}:...``: moved to layout 2 when its user is first met.

Layout 1 held ``conversations`` (sorted set), ``order`` (sorted set), ``vectors`` (hash),
``c:ID`` (hash: title) and ``t:ID`` (list of turns as JSON). The old keys go in one step after all
is written, and a turn that is written twice is there once: whoever is killed in between, or moves
beside another process, loses nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from assistant.memory.records import Turn
from assistant.memory.store.connection import Link
from assistant.memory.store.values import loaded

log = logging.getLogger(__name__)

ANSWER_LENGTH = 400  # characters of an answer that its turn is found by
EVERY_TURN = 1_000_000_000

Add = Callable[..., object]


def move(link: Link, user: str, add: Add) -> None:
    """Move what layout 1 holds of ``user``, by ``add`` (of ``Commands``)."""
    try:
        old = f"rag:1:{{{user}}}:".encode()
    except UnicodeEncodeError:
        return  # layout 1 had no such names
    names: Any = link.call(lambda client: client.zrange(old + b"conversations", 0, -1))
    if not names:
        return
    for name in names:
        _move_conversation(link, old, name, lambda *args, **kw: add(user, *args, **kw))
    keys = [old + kind for kind in (b"conversations", b"order", b"vectors")]
    keys += [old + kind + name for name in names for kind in (b"c:", b"t:")]
    link.call(lambda client: client.delete(*keys))
    log.info("moved %d conversations to layout 2", len(names))


def _move_conversation(link: Link, old: bytes, name: bytes, add: Add) -> None:
    conversation = name.decode()
    values: Any = link.call(lambda client: client.lrange(old + b"t:" + name, 0, -1))
    title: Any = link.call(lambda client: client.hget(old + b"c:" + name, "title"))
    turns = [turn for value in values if (turn := loaded(f"t:{conversation}", value, _turn))]
    vectors = _vectors(link, old, [f"{conversation}/{turn.id}" for turn in turns])
    parent = ""
    for turn, packed in zip(turns, vectors, strict=True):
        add(
            conversation,
            replace(turn, parent=turn.parent or parent),
            f"{turn.standalone}\n{turn.answer[:ANSWER_LENGTH]}",
            np.frombuffer(packed or b"", dtype=np.float16).astype(np.float32),
            most_turns=EVERY_TURN,
            title=(title or b"").decode("utf-8", "replace"),
        )
        parent = turn.id


def _vectors(link: Link, old: bytes, fields: list[str]) -> list[bytes | None]:
    found: Any = fields and link.call(lambda client: client.hmget(old + b"vectors", fields))
    return list(found)


def _turn(data: Any) -> Turn:
    return Turn.from_json(data)
