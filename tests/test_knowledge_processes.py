"""Several processes on one data folder, and writers that are killed."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from assistant.knowledge.database import Database
from assistant.knowledge.store import KnowledgeBase
from tests.knowledge_samples import (
    add,
    nearest,
    open_knowledge,
    start,
    vector_of,
    wait_until,
)

Documents = dict[str, tuple[str, ...]]
Message = tuple[str, tuple[str, ...]] | None  # what is begun; None when it is done


def answer_searches(pipe: Pipe, data_dir: Path) -> None:
    """A running reader: for each text the nearest chunk and the keyword hits."""
    with open_knowledge(data_dir) as knowledge:
        while True:
            try:
                text = pipe.recv()
            except EOFError:
                return
            found = {hit.text for hit in knowledge.keyword(text, 5)}
            pipe.send((nearest(knowledge, text), found))


def add_on_request(pipe: Pipe, data_dir: Path) -> None:
    with open_knowledge(data_dir) as knowledge:
        while True:
            try:
                uri, texts = pipe.recv()
            except EOFError:
                return
            pipe.send(add(knowledge, uri, *texts)[1])


def add_many(pipe: Pipe, data_dir: Path, writer: int, count: int) -> None:
    pipe.recv()
    with open_knowledge(data_dir) as knowledge:
        for n in range(count):
            add(knowledge, f"/{writer}/{n}.md", f"writer {writer} document {n}", "shared text")


def write_until_killed(pipe: Pipe, data_dir: Path, seed: int) -> None:
    """Adds, replaces and deletes; says what it is about to do, and when it is done."""
    rng = random.Random(seed)
    with open_knowledge(data_dir) as knowledge:
        pipe.send(None)
        for step in range(100_000):
            uri = f"/{rng.randrange(6)}.md"
            source = knowledge.source_by_uri(uri)
            texts: tuple[str, ...] = ()
            if source is None or rng.random() < 0.7:
                parts = range(rng.randrange(1, 30))
                texts = tuple(f"seed{seed} step{rng.choice((0, step))} part{n}" for n in parts)
            pipe.send((uri, texts))
            if texts:
                add(knowledge, uri, *texts)
            elif source is not None:
                knowledge.delete_source(source.id)
            pipe.send(None)


def test_a_deletion_is_immediate_in_another_process(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        for n in range(20):
            add(knowledge, f"/{n}.md", f"alpha{n}", f"beta{n}")
        reader = start(answer_searches, tmp_path)
        for n in range(20):
            text = f"alpha{n}"
            near, found = reader.ask(text)
            assert near == [text] and text in found
            source = knowledge.source_by_uri(f"/{n}.md")
            assert source is not None
            knowledge.delete_source(source.id)
            near, found = reader.ask(text)
            assert text not in near and text not in found
        reader.finish()


def test_a_running_reader_sees_additions_within_2_seconds(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        assert nearest(knowledge, "alpha") == []
        writer = start(add_on_request, tmp_path)
        for n in range(5):
            text = f"alpha{n}"
            assert writer.ask((f"/{n}.md", [text])).added == 1
            took = wait_until(lambda text=text: nearest(knowledge, text) == [text], 2)  # type: ignore[misc]
            assert took < 2
            assert [hit.text for hit in knowledge.keyword(text, 1)] == [text]
        writer.finish()


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    writers = [start(add_many, tmp_path, writer, 40) for writer in range(2)]
    with open_knowledge(tmp_path) as knowledge:
        for writer in writers:
            writer.pipe.send("go")
        while any(writer.process.is_alive() for writer in writers):
            nearest(knowledge, "writer 0 document 0")
        for writer in writers:
            writer.finish()
        assert knowledge.stats() == {"default": {"sources": 80, "chunks": 160}}
        for writer in range(2):
            for n in range(40):
                text = f"writer {writer} document {n}"
                assert nearest(knowledge, text) == [text]
        assert len({hit.source.uri for hit in knowledge.dense(vector_of("shared text"), 80)}) == 80
        check_rows(tmp_path)


def test_killed_writers_leave_whole_documents(tmp_path: Path) -> None:
    rng = random.Random(7)
    stored: Documents = {}
    changes = 0
    with open_knowledge(tmp_path) as reader:
        for seed in range(10):
            writer = start(write_until_killed, tmp_path, seed)
            assert writer.pipe.recv() is None
            messages = [writer.pipe.recv() for _ in range(rng.randrange(2, 24))]
            time.sleep(rng.uniform(0, 0.02))  # the moment of the kill is what is tried
            writer.process.kill()
            messages += rest_of(writer.pipe)
            writer.kill()
            changes += check_after_kill(reader, messages, stored)
            check_rows(tmp_path)
    assert changes > 30
    with open_knowledge(tmp_path) as reopened:
        for texts in stored.values():
            assert all(nearest(reopened, text) == [text] for text in texts)


def rest_of(pipe: Pipe) -> list[Message]:
    messages = []
    try:
        while True:
            messages.append(pipe.recv())
    except (EOFError, OSError):  # the last one may be cut off
        return messages


def check_after_kill(reader: KnowledgeBase, messages: list[Message], stored: Documents) -> int:
    """Compare with what the killed writer acknowledged, and note it in ``stored``; how many
    acknowledged changes there were."""
    gone: set[str] = set()
    begun: Message = None
    for message in messages:
        if message is None and begun is not None:
            gone |= set(stored.pop(begun[0], ()))
            if begun[1]:
                stored[begun[0]] = begun[1]
        begun = message
    found = {
        source.uri: tuple(hit.text for hit in reader.chunks(source.id))
        for source in reader.sources()
    }
    if begun is not None and found.get(begun[0], ()) == begun[1]:
        # What was not acknowledged may have happened, but only as a whole.
        gone |= set(stored.pop(begun[0], ()))
        if begun[1]:
            stored[begun[0]] = begun[1]
    assert found == stored
    present = {text for texts in stored.values() for text in texts}
    for text in sorted(present):
        assert nearest(reader, text) == [text]
    for text in sorted(gone - present)[:50]:
        assert nearest(reader, text) != [text]
    return messages.count(None)


def check_rows(data_dir: Path) -> None:
    """What must hold whatever happened: each chunk has its keywords, counts are right."""
    database = Database(data_dir / "knowledge.db")
    with database.write() as connection:
        connection.execute("INSERT INTO chunk_words (chunk_words) VALUES ('integrity-check')")

        def one(sql: str) -> object:
            return connection.execute(sql).fetchone()[0]

        assert one("PRAGMA integrity_check") == "ok"
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert one("SELECT count(*) FROM chunks") == one("SELECT total(chunks) FROM sources")
        for left, right in (("id FROM chunks", "rowid FROM chunk_words"),):
            assert one(f"SELECT count(*) FROM (SELECT {left} EXCEPT SELECT {right})") == 0
            assert one(f"SELECT count(*) FROM (SELECT {right} EXCEPT SELECT {left})") == 0
        assert one("SELECT count(*) FROM vectors WHERE length(vector) != 64") == 0
    database.close()


def test_threads_read_and_write_at_once(tmp_path: Path) -> None:
    faults: list[BaseException] = []

    def guarded(work: Callable[[], None]) -> Callable[[], None]:
        def run() -> None:
            try:
                work()
            except BaseException as error:  # noqa: BLE001 - told by the main thread
                faults.append(error)

        return run

    with open_knowledge(tmp_path) as knowledge:
        add(knowledge, "/always.md", "always there")
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                assert nearest(knowledge, "always there") == ["always there"]
                assert knowledge.keyword("always", 1)[0].text == "always there"

        def write(writer: int) -> None:
            for n in range(40):
                source, _ = add(knowledge, f"/{writer}-{n}.md", f"text {writer} {n}", "more")
                assert nearest(knowledge, f"text {writer} {n}") == [f"text {writer} {n}"]
                if n % 2:
                    knowledge.delete_source(source.id)

        readers = [threading.Thread(target=guarded(read)) for _ in range(4)]
        writers = [threading.Thread(target=guarded(lambda w=w: write(w))) for w in range(2)]  # type: ignore[misc]
        for thread in readers + writers:
            thread.start()
        for thread in writers:
            thread.join()
        done.set()
        for thread in readers:
            thread.join()
        assert faults == []
        assert knowledge.stats() == {"default": {"sources": 41, "chunks": 81}}
