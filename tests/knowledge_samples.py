"""Seeded documents and vectors for the tests of the knowledge base."""

from __future__ import annotations

import hashlib
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assistant.knowledge.records import NewChunk, Source, StoreReport
from assistant.knowledge.store import KnowledgeBase

MODEL = "seeded-16-unit"
DIMENSION = 16


def vector_of(text: str) -> NDArray[np.float32]:
    """A random direction, always the same for the same text."""
    seed = hashlib.sha256(text.encode()).digest()
    return np.random.default_rng(list(seed)).normal(size=DIMENSION).astype(np.float32)


def vectors_of(chunks: Sequence[NewChunk]) -> NDArray[np.float32]:
    return np.array([vector_of(chunk.embedding_text) for chunk in chunks]).reshape(-1, DIMENSION)


def chunks_of(*texts: str) -> list[NewChunk]:
    return [NewChunk(text) for text in texts]


def open_knowledge(data_dir: Path, collection: str = "default", **options: float) -> KnowledgeBase:
    return KnowledgeBase(data_dir, None, MODEL, collection, **options)


def add(
    knowledge: KnowledgeBase, uri: str, *texts: str, chunks: Sequence[NewChunk] = ()
) -> tuple[Source, StoreReport]:
    """Store a document made of ``texts`` or ``chunks``."""
    content = list(chunks) or chunks_of(*texts)
    return knowledge.add_embedded(
        uri, Path(uri).name, "md", 100, "hash", content, vectors_of(content)
    )


def nearest(knowledge: KnowledgeBase, text: str, k: int = 1) -> list[str]:
    """Texts of the chunks nearest to what ``text`` is embedded as."""
    return [hit.text for hit in knowledge.dense(vector_of(text), k)]


def wait_until(condition: Callable[[], bool], seconds: float) -> float:
    """Seconds until ``condition`` held; fails after ``seconds``."""
    begin = time.monotonic()
    while not condition():
        assert time.monotonic() - begin < seconds, f"not within {seconds} s"
        time.sleep(0.005)
    return time.monotonic() - begin


def start(target: Callable[..., None], *arguments: object) -> Child:
    """Another process that runs ``target(connection, *arguments)``."""
    # One server process imports everything once and forks: a child is there in milliseconds.
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["assistant.knowledge.store", "assistant.knowledge.index"])
    ours, theirs = context.Pipe()
    process = context.Process(target=target, args=(theirs, *arguments), daemon=True)
    process.start()
    theirs.close()
    return Child(process, ours)


@dataclass(frozen=True)
class Child:
    process: BaseProcess
    pipe: Connection

    def kill(self) -> None:
        self.process.kill()
        self.process.join(60)
        self.pipe.close()

    def finish(self) -> None:
        """Let the process see the end of its pipe, and wait for its good end."""
        self.pipe.close()
        self.process.join(60)
        assert self.process.exitcode == 0

    def ask(self, request: object) -> Any:
        """Send a request and receive its answer."""
        self.pipe.send(request)
        assert self.pipe.poll(60), "no answer within 60 s"
        return self.pipe.recv()
