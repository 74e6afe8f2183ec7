"""Many processes and threads at once: nothing is lost, nothing fails, nobody waits for long."""

from __future__ import annotations

import random
import threading
import time
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import KnowledgeError, KnowledgeLocked
from assistant.knowledge import folder as folder_module
from assistant.knowledge.reindex import abandon, reindex
from assistant.knowledge.store import KnowledgeBase
from tests.knowledge_crash import (
    FIRST,
    SECOND,
    Change,
    Content,
    Model,
    Tally,
    by_serving,
    compare,
    content_of,
    other_model,
    put,
    random_change,
    search_until_told,
    serving,
    unique_text,
    unrepaired,
    unsound,
    views_of,
)
from tests.knowledge_samples import add, nearest, open_knowledge, start, vector_of, wait_until

WRITERS = 4
READER_PROCESSES, READER_THREADS = 4, 4


# Four writers, eight readers


def test_writers_and_readers_at_once(tmp_path: Path) -> None:
    write_and_read(tmp_path, 25)


@pytest.mark.heavy
def test_writers_and_readers_for_long(tmp_path: Path) -> None:
    write_and_read(tmp_path, 500)


@dataclass
class Journal:
    """What a writer changed last: by document and by text id; None where it deleted."""

    documents: dict[str, tuple[str, ...]] = field(default_factory=dict)
    texts: dict[str, str | None] = field(default_factory=dict)
    changes: int = 0
    longest: float = 0.0  # seconds of a write
    faults: list[str] = field(default_factory=list)

    def note(self, change: Change) -> None:
        self.changes += 1
        if change.uri:
            self.documents[change.uri] = change.parts
        self.texts.update(change.texts)


def write(pipe: Pipe, data_dir: Path, writer: int, changes: int) -> None:
    """Adds, replaces, deletes and upserts: documents and texts of its own, and shared ones; with
    the model that serves."""
    rng, journal = random.Random(writer), Journal()
    pipe.recv()
    with views_of(data_dir) as views:
        while journal.changes < changes:
            begin = time.monotonic()
            own = f"w{writer}-" if rng.random() < 0.6 else "shared-"
            change = random_change(rng, f"writer{writer}", journal.changes, own=own)
            try:
                by_serving(views, lambda *view, change=change: put(*view, change))  # type: ignore[misc]
            except Exception as error:  # noqa: BLE001 - told by the parent
                journal.faults.append(repr(error))
            journal.note(change)
            journal.longest = max(journal.longest, time.monotonic() - begin)
    pipe.send(journal)


def write_and_read(data_dir: Path, changes_each: int) -> None:
    stable = Change("/stable.md", tuple(unique_text("stable", n) for n in range(50)))
    with FIRST.open(data_dir) as knowledge:
        put(knowledge, FIRST, stable)
        readers = [
            start(search_until_told, data_dir, stable.parts) for _ in range(READER_PROCESSES)
        ]
        threads = [Reading(knowledge, stable.parts) for _ in range(READER_THREADS)]
        writers = [start(write, data_dir, n, changes_each) for n in range(WRITERS)]
        for writer in writers:
            writer.pipe.send("go")
        wal, journals = 0, list[Journal]()
        for writer in writers:
            while not writer.pipe.poll(0.1):
                wal = max(wal, (data_dir / "knowledge.db-wal").stat().st_size)
            journals.append(writer.pipe.recv())
            writer.finish()
        searches = [thread.stop() for thread in threads]
        searches += [reader.ask("what was it like?") for reader in readers]
        for reader in readers:
            reader.finish()
        found = content_of(knowledge)
    changes = sum(journal.changes for journal in journals)
    print(
        f"\n{changes} changes, {sum(count for count, _ in searches)} searches; "
        f"longest write {max(journal.longest for journal in journals):.2f} s, "
        f"write-ahead log up to {wal / 2**20:.1f} MB"
    )
    assert [fault for _, faults in searches for fault in faults] == []
    assert [fault for journal in journals for fault in journal.faults] == []
    assert_last_versions(found, [*journals, Journal({stable.uri: stable.parts})])
    tally = Tally()
    compare(data_dir, found, found, tally)
    tally.check()
    assert changes == WRITERS * changes_each and wal < 32 * 2**20


def assert_last_versions(found: Content, journals: Sequence[Journal]) -> None:
    """Each document and text is as one of those who wrote it left it: whole."""
    documents: dict[str, set[tuple[str, ...]]] = defaultdict(set)
    texts: dict[str, set[str | None]] = defaultdict(set)
    for journal in journals:
        for uri, parts in journal.documents.items():
            documents[uri].add(parts)
        for name, text in journal.texts.items():
            texts[name].add(text)
    assert found.documents.keys() <= documents.keys() and found.texts.keys() <= texts.keys()
    for uri, versions in documents.items():
        assert found.documents.get(uri, ()) in versions, uri
    for name, possible in texts.items():
        assert found.texts.get(name) in possible, name


def test_others_write_during_a_reindex(tmp_path: Path) -> None:
    reindex_and_write(tmp_path, 2)


@pytest.mark.heavy
def test_others_write_during_many_reindexes(tmp_path: Path) -> None:
    reindex_and_write(tmp_path, 30)


def reindex_and_write(data_dir: Path, switches: int) -> None:
    """One process reindexes to and fro while two write and two search."""
    stable = Change("/stable.md", tuple(unique_text("stable", n) for n in range(50)))
    with FIRST.open(data_dir) as knowledge:
        put(knowledge, FIRST, stable)
        readers = [start(search_until_told, data_dir, stable.parts) for _ in range(2)]
        writers = [start(write, data_dir, n, 10 * switches) for n in range(2)]
        for writer in writers:
            writer.pipe.send("go")
        made_switches = 0
        while made_switches < switches or not all(writer.pipe.poll() for writer in writers):
            model = other_model(serving(data_dir))
            made = (model.embed_documents, model.fingerprint)
            steps = list(reindex(knowledge, *made, precision=model.precision, batch=16))
            assert steps[-1].done == steps[-1].total
            assert serving(data_dir) == model
            made_switches += 1
        journals = [writer.pipe.recv() for writer in writers]
        for writer in writers:
            writer.finish()
        searches = [reader.ask("what was it like?") for reader in readers]
        for reader in readers:
            reader.finish()
        found = content_of(knowledge)
    changes = sum(journal.changes for journal in journals)
    print(f"\n{made_switches} switches, {changes} changes, {sum(n for n, _ in searches)} searches")
    assert [fault for _, faults in searches for fault in faults] == []
    assert [fault for journal in journals for fault in journal.faults] == []
    assert_last_versions(found, [*journals, Journal({stable.uri: stable.parts})])
    tally = Tally()
    compare(data_dir, found, found, tally)
    tally.check()


def test_a_reindex_that_is_abandoned_meanwhile(tmp_path: Path) -> None:
    """Refused as long as the reindex runs, or the reindex ends with an error; what was searchable
    is so, and a later reindex runs through."""
    texts = [unique_text(n) for n in range(40)]
    with FIRST.open(tmp_path) as knowledge:
        put(knowledge, FIRST, Change("/a.md", tuple(texts)))
        steps = reindex(
            knowledge, SECOND.embed_documents, SECOND.fingerprint, precision="int8", batch=8
        )
        next(steps)
        try:
            abandon(knowledge)
            with pytest.raises(KnowledgeError):
                list(steps)
            assert serving(tmp_path) == FIRST
        except KnowledgeLocked:
            list(steps)
            assert serving(tmp_path) == SECOND
        steps.close()
    tally, content = Tally(), Content({"/a.md": tuple(texts)})
    compare(tmp_path, content, content, tally)
    with FIRST.open(tmp_path) as knowledge:
        abandon(knowledge)
        list(reindex(knowledge, SECOND.embed_documents, SECOND.fingerprint, precision="int8"))
    assert serving(tmp_path) == SECOND
    compare(tmp_path, content, content, tally)
    tally.check()


def test_a_reindex_that_ends_while_it_is_abandoned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It switches right after the other decided which vectors to clear away."""
    texts = [unique_text(n) for n in range(40)]
    with FIRST.open(tmp_path) as knowledge:
        put(knowledge, FIRST, Change("/a.md", tuple(texts)))
        steps = reindex(
            knowledge, SECOND.embed_documents, SECOND.fingerprint, precision="int8", batch=8
        )
        next(steps)
        listed = folder_module.list_spaces

        def listed_and_switched(*arguments: Any, **options: Any) -> Any:
            monkeypatch.setattr(folder_module, "list_spaces", listed)
            found = listed(*arguments, **options)
            list(steps)
            return found

        monkeypatch.setattr(folder_module, "list_spaces", listed_and_switched)
        with suppress(KnowledgeLocked):
            abandon(knowledge)
        monkeypatch.setattr(folder_module, "list_spaces", listed)
        with suppress(KnowledgeError):
            list(steps)
    tally, content = Tally(), Content({"/a.md": tuple(texts)})
    compare(tmp_path, content, content, tally)
    tally.check()


@pytest.mark.parametrize("stage", ["before the first vectors", "before the switch"])
def test_a_collection_that_is_emptied_during_a_reindex(tmp_path: Path, stage: str) -> None:
    """Done, or a clear error; then it takes documents of either model."""
    with FIRST.open(tmp_path) as knowledge:
        source = put_one(knowledge, FIRST, "/a.md", "alpha")

        def embed(texts: Sequence[str]) -> list[list[float]]:
            if stage == "before the first vectors":
                knowledge.delete_source(source)
            return SECOND.embed_documents(texts)

        steps = reindex(knowledge, embed, SECOND.fingerprint, precision="int8")
        with suppress(KnowledgeError):
            next(steps, None)
            knowledge.delete_source(source)
            list(steps)
        assert knowledge.is_empty
    model = serving(tmp_path)
    with model.open(tmp_path) as knowledge:
        put_one(knowledge, model, "/b.md", "beta")
        assert [hit.text for hit in knowledge.dense(model.vector("beta"), 9)] == ["beta"]
        assert unsound(knowledge) == [] == unrepaired(knowledge)


def put_one(knowledge: KnowledgeBase, model: Model, uri: str, text: str) -> int:
    put(knowledge, model, Change(uri, (text,)))
    source = knowledge.source_by_uri(uri)
    assert source is not None
    return source.id


class Reading:
    """A thread that searches for texts that are always there."""

    def __init__(self, knowledge: KnowledgeBase, texts: Sequence[str]) -> None:
        self._knowledge = knowledge
        self._texts = texts
        self._stopped = threading.Event()
        self._faults: list[str] = []
        self._searches = 0
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def stop(self) -> tuple[int, list[str]]:
        self._stopped.set()
        self._thread.join()
        return self._searches, self._faults

    def _read(self) -> None:
        while not self._stopped.wait(0.002):
            text = self._texts[self._searches % len(self._texts)]
            self._searches += 1
            try:
                found = [hit.text for hit in self._knowledge.dense(FIRST.vector(text), 1)]
                if found != [text]:
                    self._faults.append(f"{text} found {found}")
            except Exception as error:  # noqa: BLE001 - told by the main thread
                self._faults.append(repr(error))


# What one process sees of another


def answer_searches(pipe: Pipe, data_dir: Path) -> None:
    """A running reader: for each text the nearest chunk and the keyword hits; an empty text is
    answered with an empty list, without a search."""
    with open_knowledge(data_dir) as knowledge:
        while True:
            try:
                text = pipe.recv()
            except EOFError:
                return
            found = {hit.text for hit in knowledge.keyword(text, 5)} if text else set()
            pipe.send((nearest(knowledge, text) if text else [], found))


def add_on_request(pipe: Pipe, data_dir: Path) -> None:
    with open_knowledge(data_dir) as knowledge:
        while True:
            try:
                uri, texts = pipe.recv()
            except EOFError:
                return
            pipe.send(add(knowledge, uri, *texts)[1])


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


def test_a_deleted_text_is_in_no_search_that_begins_afterwards(tmp_path: Path) -> None:
    """Readers search without a pause; each search that begins after the deletion was acknowledged
    must miss the text, also those that run while the index is brought up to date."""
    names = [f"doomed{n}" for n in range(60)]
    with open_knowledge(tmp_path) as knowledge:
        for name in names:
            add(knowledge, f"/{name}.md", name)
        deleter = start(delete_on_request, tmp_path)
        gone: list[str] = []
        undead: list[str] = []
        done = threading.Event()

        def search() -> None:
            while not done.is_set():
                known = gone[-3:]
                for name in known:
                    undead.extend({name} & {*nearest(knowledge, name, 2)})

        threads = [threading.Thread(target=search) for _ in range(3)]
        for thread in threads:
            thread.start()
        for name in names:
            assert deleter.ask(f"/{name}.md") == 1
            gone.append(name)
        done.set()
        for thread in threads:
            thread.join()
        deleter.finish()
        assert undead == [] and knowledge.is_empty


def delete_on_request(pipe: Pipe, data_dir: Path) -> None:
    with open_knowledge(data_dir) as knowledge:
        while True:
            try:
                source = knowledge.source_by_uri(pipe.recv())
            except EOFError:
                return
            pipe.send(knowledge.delete_source(source.id).removed if source else 0)


def test_a_searching_reader_sees_additions_within_2_seconds(tmp_path: Path) -> None:
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


def test_an_idle_reader_sees_additions_in_its_first_search(tmp_path: Path) -> None:
    """More than a search catches up with by itself: the follower has done it."""
    count = 4500
    with open_knowledge(tmp_path) as knowledge:
        add(knowledge, "/first.md", "first")
        reader = start(answer_searches, tmp_path)
        assert reader.ask("first")[0] == ["first"]
        add(knowledge, "/many.md", *(f"text{n}" for n in range(count)))
        time.sleep(2)  # what is promised is a time
        for n in (0, count // 2, count - 1):
            assert reader.ask(f"text{n}")[0] == [f"text{n}"]
        reader.finish()


def test_searches_go_on_during_a_long_write(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        add(knowledge, "/a.md", *(f"text {n}" for n in range(200)))
        assert nearest(knowledge, "text 7") == ["text 7"]
        holder = start(write_for_long, tmp_path, 2.0)
        assert holder.pipe.recv() == "writing"
        latencies = []
        while not holder.pipe.poll():
            begin = time.monotonic()
            assert nearest(knowledge, "text 7") == ["text 7"]
            assert knowledge.keyword("text", 3)
            latencies.append(time.monotonic() - begin)
            time.sleep(0.005)
        holder.finish()
        assert len(latencies) > 50
        assert sorted(latencies)[len(latencies) // 2] < 0.05 and max(latencies) < 0.5
        assert nearest(knowledge, "uncommitted") != ["uncommitted"]


def write_for_long(pipe: Pipe, data_dir: Path, seconds: float) -> None:
    """A transaction that stays open, with changes in it that are never committed."""
    with open_knowledge(data_dir) as knowledge:
        try:
            with knowledge.folder.database.write() as connection:
                connection.execute("UPDATE chunks SET text = 'uncommitted'")
                pipe.send("writing")
                time.sleep(seconds)
                raise InterruptedError
        except InterruptedError:
            pipe.send("rolled back")


# The write-ahead log


def test_the_log_stays_small_with_readers_open(tmp_path: Path) -> None:
    commit_with_readers(tmp_path, 400)


@pytest.mark.heavy
def test_the_log_stays_small_over_thousands_of_commits(tmp_path: Path) -> None:
    commit_with_readers(tmp_path, 4000)


def commit_with_readers(data_dir: Path, commits: int) -> None:
    """Small commits while readers search without a pause, in this process and in others."""
    stable = tuple(unique_text("stable", n) for n in range(50))
    with FIRST.open(data_dir) as knowledge:
        put(knowledge, FIRST, Change("/stable.md", stable))
        readers = [start(search_until_told, data_dir, stable) for _ in range(3)]
        threads = [Reading(knowledge, stable) for _ in range(2)]
        sizes = []
        for n in range(commits):
            put(knowledge, FIRST, Change(f"/{n % 40}.md", (unique_text(n), unique_text("more", n))))
            sizes.append((data_dir / "knowledge.db-wal").stat().st_size)
        faults = [thread.stop()[1] for thread in threads]
        faults += [reader.ask("what was it like?")[1] for reader in readers]
        for reader in readers:
            reader.finish()
    print(f"\nwrite-ahead log over {commits} commits: up to {max(sizes) / 2**20:.1f} MB")
    assert not any(faults)
    assert max(sizes) < 16 * 2**20


# Threads of one process


def test_threads_read_and_write_at_once(tmp_path: Path) -> None:
    faults: list[str] = []
    with open_knowledge(tmp_path) as knowledge:

        def write(writer: int) -> None:
            try:
                for n in range(40):
                    text = f"text {writer} {n}"
                    source, _ = add(knowledge, f"/{writer}-{n}.md", text, f"more {writer} {n}")
                    assert nearest(knowledge, text) == [text]
                    if n % 2:
                        knowledge.delete_source(source.id)
            except BaseException as error:  # noqa: BLE001 - told by the main thread
                faults.append(repr(error))

        always = unique_text("always there")
        put(knowledge, FIRST, Change("/always.md", (always,)))
        readers = [Reading(knowledge, [always]) for _ in range(4)]
        writers = [threading.Thread(target=write, args=(n,)) for n in range(2)]
        for thread in writers:
            thread.start()
        for thread in writers:
            thread.join()
        assert [fault for reader in readers for fault in reader.stop()[1]] == []
        assert faults == []
        assert knowledge.stats() == {"default": {"sources": 41, "chunks": 81}}
        assert knowledge.dense(vector_of("text 0 0"), 1)[0].text == "text 0 0"
