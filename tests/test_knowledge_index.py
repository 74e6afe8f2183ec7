"""The vector index: it follows the database whatever state its file is in."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assistant.knowledge import changes, folder
from assistant.knowledge.index import following, snapshot
from tests.knowledge_samples import add, nearest, open_knowledge, wait_until


def snapshot_of(data_dir: Path) -> Path:
    return data_dir / "index" / "1.faiss"


def fill(data_dir: Path, *names: str) -> Path:
    """Documents named like their only text, searched and closed: the snapshot is there."""
    with open_knowledge(data_dir) as knowledge:
        for name in names:
            add(knowledge, f"/{name}.md", name)
        assert nearest(knowledge, names[0]) == [names[0]]
    return snapshot_of(data_dir)


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]


def rebuilds(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "rebuilt" in record.getMessage()]


def test_close_publishes_and_the_next_start_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = fill(tmp_path, "alpha", "beta")
    published = path.read_bytes()

    def refuse(*_: object) -> None:
        raise AssertionError("the file is there: nothing is to be built")

    monkeypatch.setattr(following, "build", refuse)
    with open_knowledge(tmp_path) as knowledge:
        assert nearest(knowledge, "alpha") == ["alpha"]
        assert nearest(knowledge, "beta") == ["beta"]
    assert path.read_bytes() == published  # nothing changed, nothing was written
    assert rebuilds(caplog) == []
    assert sorted(entry.name for entry in path.parent.iterdir()) == [path.name, "1.lock"]


def test_a_missing_snapshot(tmp_path: Path) -> None:
    fill(tmp_path, "alpha", "beta").unlink()
    with open_knowledge(tmp_path) as knowledge:
        assert nearest(knowledge, "beta") == ["beta"]
    assert snapshot_of(tmp_path).is_file()


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: b"short",
        lambda data: data[:-1],
        lambda data: data[: len(data) // 2],
        lambda data: flipped(data, 40),
        lambda data: flipped(data, data.index(b'{"count"') - 60),  # among the vectors
        lambda data: data.replace(b'"seq": 3', b'"seq": 2'),
        lambda data: data.replace(b'"count"', b'"cuont"'),
        lambda data: data + b"more",
        lambda data: b"\xff" * len(data),
    ],
)
def test_a_damaged_snapshot_is_rebuilt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, damage: Callable[[bytes], bytes]
) -> None:
    path = fill(tmp_path, "alpha", "beta")
    whole = path.read_bytes()
    path.write_bytes(damage(whole))
    assert path.read_bytes() != whole
    with open_knowledge(tmp_path) as knowledge:
        assert nearest(knowledge, "alpha") == ["alpha"]
        assert nearest(knowledge, "beta") == ["beta"]
    assert len(rebuilds(caplog)) == 1
    assert path.read_bytes() == whole


def test_a_big_file_is_verified_behind_the_first_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(following, "_CHECKED_AT_ONCE", 0)
    monkeypatch.setattr(snapshot, "HEAD", 64)
    path = fill(tmp_path, "alpha", "beta")
    whole = path.read_bytes()
    path.write_bytes(flipped(whole, 40))  # in the head: not even opened
    with open_knowledge(tmp_path) as knowledge:
        assert nearest(knowledge, "beta") == ["beta"]
    assert len(rebuilds(caplog)) == 1
    path.write_bytes(flipped(whole, whole.index(b'{"count"') - 60))  # among the vectors
    with open_knowledge(tmp_path) as knowledge:
        assert nearest(knowledge, "beta") == ["beta"]
        wait_until(lambda: len(rebuilds(caplog)) == 2, 10)
        assert nearest(knowledge, "beta") == ["beta"]
    assert path.read_bytes() == whole


def test_a_folder_in_the_snapshots_place(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = fill(tmp_path, "alpha")
    path.unlink()
    path.mkdir()
    with open_knowledge(tmp_path) as knowledge:
        assert nearest(knowledge, "alpha") == ["alpha"]
    assert "can't be written" in caplog.text


def test_a_stale_snapshot_catches_up(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = fill(tmp_path, "alpha", "beta", "gamma")
    old = path.read_bytes()
    with open_knowledge(tmp_path) as knowledge:
        add(knowledge, "/delta.md", "delta")
        source = knowledge.source_by_uri("/alpha.md")
        assert source is not None
        knowledge.delete_source(source.id)
    path.write_bytes(old)
    with open_knowledge(tmp_path) as knowledge:
        assert nearest(knowledge, "delta") == ["delta"]
        assert nearest(knowledge, "beta") == ["beta"]
        assert sorted(nearest(knowledge, "alpha", 9)) == ["beta", "delta", "gamma"]
    assert rebuilds(caplog) == []


def test_a_snapshot_from_the_future_of_a_restored_database(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = fill(tmp_path / "now", "alpha")
    shutil.copytree(tmp_path / "now", tmp_path / "backup")
    fill(tmp_path / "now", "beta", "gamma")
    (tmp_path / "backup" / "knowledge.db").replace(tmp_path / "now" / "knowledge.db")
    # As many changes again, so that the numbers alone fit.
    with open_knowledge(tmp_path / "now") as knowledge:
        add(knowledge, "/delta.md", "delta")
        add(knowledge, "/epsilon.md", "epsilon")
        assert nearest(knowledge, "delta") == ["delta"]
        assert sorted(nearest(knowledge, "beta", 9)) == ["alpha", "delta", "epsilon"]
    assert len(rebuilds(caplog)) == 1
    assert path.is_file()


def test_a_snapshot_of_another_collection(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = fill(tmp_path, "alpha", "beta")
    with open_knowledge(tmp_path, "other") as other:
        add(other, "/c.md", "gamma")
        shutil.copy(path, path.with_name("2.faiss"))
        assert nearest(other, "gamma", 9) == ["gamma"]
    assert len(rebuilds(caplog)) == 1


def test_a_pruned_log_leads_to_a_rebuild(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(changes, "KEPT", 0)
    with open_knowledge(tmp_path) as behind:
        add(behind, "/alpha.md", "alpha")
        assert nearest(behind, "alpha") == ["alpha"]
        fill(tmp_path, "beta", "gamma")  # publishes, and forgets what the snapshot holds
        assert nearest(behind, "gamma") == ["gamma"]
        assert sorted(nearest(behind, "alpha", 9)) == ["alpha", "beta", "gamma"]
    assert len(rebuilds(caplog)) == 1


def test_the_base_is_renewed_and_published_while_running(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(following, "_SMALL", 10)
    monkeypatch.setattr(folder, "FOLLOW_SECONDS", 0.01)
    caplog.set_level(logging.INFO, logger=following.__name__)
    names = [f"name{n}" for n in range(60)]
    with open_knowledge(tmp_path) as knowledge:
        for n, name in enumerate(names):
            source, _ = add(knowledge, f"/{name}.md", name)
            assert nearest(knowledge, name) == [name]
            if n % 3 == 0:
                knowledge.delete_source(source.id)
                assert nearest(knowledge, name) != [name]
        for n, name in enumerate(names):
            assert (nearest(knowledge, name) == [name]) == (n % 3 != 0)
        wait_until(lambda: snapshot.glance(snapshot_of(tmp_path)).count >= 30, 10)
        assert len(nearest(knowledge, "name0", 99)) == 40
    assert any("Published" in record.getMessage() for record in caplog.records)
    with snapshot_of(tmp_path).open("rb") as file:
        assert 36 <= snapshot.check(file).count <= 44  # what was removed is not carried along
    with open_knowledge(tmp_path) as knowledge:
        assert len(nearest(knowledge, "name0", 99)) == 40
    assert rebuilds(caplog) == []


def test_removed_rows_do_not_take_places(tmp_path: Path) -> None:
    names = [f"name{n}" for n in range(200)]
    fill(tmp_path, *names)
    with open_knowledge(tmp_path) as knowledge:
        ranked = nearest(knowledge, "query", 200)
        for name in ranked[:150]:  # all of the best are gone
            source = knowledge.source_by_uri(f"/{name}.md")
            assert source is not None
            knowledge.delete_source(source.id)
        assert nearest(knowledge, "query", 10) == ranked[150:160]


def test_a_chunk_deleted_during_the_search_is_not_returned(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_knowledge(tmp_path) as knowledge:
        for n in range(10):
            add(knowledge, f"/{n}.md", f"text {n}")
        real = following.VectorIndex.candidates
        doomed = [knowledge.source_by_uri("/3.md")]

        def candidates(self: following.VectorIndex, *arguments: Any) -> tuple[list[int], bool]:
            found = real(self, *arguments)
            while doomed and (source := doomed.pop()) is not None:
                knowledge.delete_source(source.id)
            return found

        monkeypatch.setattr(following.VectorIndex, "candidates", candidates)
        texts = nearest(knowledge, "text 3", 4)
        assert len(texts) == 4 and "text 3" not in texts
