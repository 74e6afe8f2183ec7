"""Documents on their way into a real knowledge base, with the real embedding model."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from email.message import EmailMessage
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest

from assistant.errors import KnowledgeError, KnowledgeLocked, ModelRefused
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings
from ingest.events import Added, Event, Failed, Finished, Progress, Skipped, Started, Unchanged
from ingest.pipeline import Pipeline
from ingest.uploads import delete_source, safe_name, store_upload
from tests.samples import SAMPLES, pdf_bytes

Kind = TypeVar("Kind", bound=Event)


@pytest.fixture(scope="module")
def real() -> EmbeddingModel:
    return open_embeddings(Settings.load({"EMBEDDING_CACHE_MB": "0"}, None))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.load(
        {"DATA_DIR": str(tmp_path / "data"), "CHUNK_TOKENS": "32", "CHUNK_OVERLAP": "0"}, None
    )


@pytest.fixture
def embedded() -> list[str]:
    """The texts that were embedded."""
    return []


@pytest.fixture
def embeddings(real: EmbeddingModel, embedded: list[str]) -> EmbeddingModel:
    def recorded(texts: Iterable[str]) -> np.ndarray:
        embedded.extend(texts)
        return real.passages(list(texts))

    return replace(real, passages=recorded)


@pytest.fixture
def pipeline(settings: Settings, embeddings: EmbeddingModel) -> Iterator[Pipeline]:
    with KnowledgeBase(settings.data_dir, embeddings, embeddings.fingerprint) as knowledge:
        yield Pipeline(settings, knowledge, embeddings)


def of(kind: type[Kind], events: Iterable[Event]) -> list[Kind]:
    return [event for event in events if isinstance(event, kind)]


def write(path: Path, text: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def section(number: int) -> str:
    return (
        f"# Part {number}\n\nThis is what part {number} says about its own subject, at length.\n\n"
    )


def test_a_file_becomes_a_source_with_chunks_that_are_found(
    pipeline: Pipeline, tmp_path: Path
) -> None:
    path = write(
        tmp_path / "假期.md", "# 年假\n\n每位员工每年有十天年假。\n\n# 病假\n\n病假需要证明。" * 1
    )
    events = list(pipeline.add_paths([path]))
    assert isinstance(events[0], Started) and events[0].total == 1
    assert [type(event) for event in events[1:]] == [Progress, Added, Progress, Finished]
    source = pipeline.knowledge.source_by_uri(str(path))
    assert source is not None
    assert (source.title, source.kind, source.size) == ("年假", "md", path.stat().st_size)
    vector = pipeline.embeddings.embed_questions(["一年可以休几天假？"])[0]
    hit = pipeline.knowledge.dense(vector, 1)[0]
    assert "十天年假" in hit.text
    assert of(Added, events)[0].source_id == source.id == hit.source.id


def test_a_pdf_keeps_its_pages_and_headings(pipeline: Pipeline) -> None:
    list(pipeline.add_paths([SAMPLES / "manual-zh.pdf"]))
    hits = [hit for hit in pipeline.knowledge.keyword("恢复", 5) if "原来的磁盘" in hit.text]
    assert [(hit.page, hit.heading_path) for hit in hits] == [(2, ("备份手册", "恢复"))]


def test_unchanged_content_is_neither_split_nor_embedded_again(
    pipeline: Pipeline, tmp_path: Path, embedded: list[str]
) -> None:
    path = write(tmp_path / "a.md", section(1))
    list(pipeline.add_paths([path]))
    before = pipeline.knowledge.source_by_uri(str(path))
    embedded.clear()
    os.utime(path, (1, 1))
    write(path, section(1) + "\n\n\n")  # other bytes, the same text
    events = list(pipeline.add_paths([path]))
    assert len(of(Unchanged, events)) == 1
    assert embedded == []
    assert pipeline.knowledge.source_by_uri(str(path)) == before


def test_a_changed_section_touches_only_its_chunks(
    pipeline: Pipeline, tmp_path: Path, embedded: list[str]
) -> None:
    path = write(tmp_path / "a.md", "".join(map(section, range(6))))
    first = of(Added, pipeline.add_paths([path]))[0]
    assert (first.added, first.kept, first.removed, first.is_new) == (6, 0, 0, True)
    ids = [chunk.id for chunk in pipeline.knowledge.chunks(first.source_id)]
    embedded.clear()
    parts = [section(number) for number in range(6)]
    parts[3] = parts[3].replace("subject", "changed subject")
    write(path, "".join(parts))
    second = of(Added, pipeline.add_paths([path]))[0]
    assert (second.added, second.kept, second.removed, second.is_new) == (1, 5, 1, False)
    assert len(embedded) == 1 and "changed subject" in embedded[0]
    now = [chunk.id for chunk in pipeline.knowledge.chunks(first.source_id)]
    assert [a == b for a, b in zip(ids, now, strict=True)] == [n != 3 for n in range(6)]


def test_a_copy_under_another_name_is_stored_without_embedding(
    pipeline: Pipeline, tmp_path: Path, embedded: list[str]
) -> None:
    list(pipeline.add_paths([write(tmp_path / "a.md", section(1))]))
    embedded.clear()
    events = list(pipeline.add_paths([write(tmp_path / "b.md", section(1))]))
    assert of(Added, events)[0].added == 1
    assert embedded == []


def test_a_mail_and_what_is_attached_count_once_each(pipeline: Pipeline, tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["Subject"], mail["From"], mail["To"] = "Report", "a@x.test", "b@x.test"
    mail.set_content("The report is attached.")
    mail.add_attachment("# Part\n\nAttached text.", subtype="markdown", filename="part.md")
    path = write(tmp_path / "a.eml", mail.as_bytes())
    assert len(of(Added, pipeline.add_paths([path]))) == 2
    again = [event.uri for event in of(Unchanged, pipeline.add_paths([path]))]
    assert sorted(again) == [str(path), f"{path}!/part.md"]


def test_other_sizes_split_again(
    pipeline: Pipeline, settings: Settings, embeddings: EmbeddingModel, tmp_path: Path
) -> None:
    path = write(tmp_path / "a.md", section(1) + section(2))
    list(pipeline.add_paths([path]))
    larger = Pipeline(replace(settings, chunk_tokens=256), pipeline.knowledge, embeddings)
    assert of(Added, larger.add_paths([path]))[0].removed > 0


def test_one_bad_file_does_not_stop_the_rest(pipeline: Pipeline, tmp_path: Path) -> None:
    folder = tmp_path / "docs"
    write(folder / "a.txt", "The first document.")
    write(folder / "b.pdf", pdf_bytes([["x"]], encrypted=True))
    write(folder / "c.txt", "")
    write(folder / "d.png", b"\x89PNG\r\n\x1a\n\0\0\0\0")
    write(folder / "sub" / "e.txt", "The last document.")
    events = list(pipeline.add_paths([folder, tmp_path / "gone.txt", folder / "d.png"]))
    assert sorted(Path(event.uri).name for event in of(Added, events)) == ["a.txt", "e.txt"]
    failures = {Path(event.uri).name: event.error.text("zh") for event in of(Failed, events)}
    assert failures["b.pdf"].startswith("b.pdf 已加密")
    assert failures["c.txt"] == "c.txt 是空文件。"
    assert "文件不存在" in failures["gone.txt"]
    assert [Path(event.uri).name for event in of(Skipped, events)] == ["d.png"]
    summary = of(Finished, events)[0].summary
    assert (summary.added, summary.failed, summary.skipped) == (2, 3, 1)
    assert summary.chunks_added == 2
    assert [e.done for e in of(Progress, events) if e.what == "documents"] == [1, 2, 3, 4, 5, 6]


def test_an_unknown_type_that_was_named_is_a_failure(pipeline: Pipeline, tmp_path: Path) -> None:
    path = write(tmp_path / "a.xyz", "text")
    events = list(pipeline.add_paths([path]))
    assert [event.kind for event in of(Failed, events)] == ["unknown_type"]


def test_folders_are_walked_once_without_hidden_files_loops_and_the_data_folder(
    pipeline: Pipeline, settings: Settings, tmp_path: Path
) -> None:
    write(tmp_path / "docs" / "a.txt", "Read me.")
    write(tmp_path / "docs" / ".hidden.txt", "Not me.")
    write(tmp_path / "docs" / ".git" / "b.txt", "Not me.")
    write(settings.data_dir / "uploads" / "c.txt", "Not me.")
    (tmp_path / "docs" / "loop").symlink_to(tmp_path / "docs")
    (tmp_path / "docs" / "self").symlink_to("self")
    (tmp_path / "docs" / "again.txt").symlink_to("a.txt")
    os.mkfifo(tmp_path / "docs" / "pipe.txt")
    events = list(pipeline.add_paths([tmp_path, tmp_path / "docs" / "a.txt"]))
    assert [Path(event.uri).name for event in of(Added, events)] == ["a.txt"]
    assert sorted(Path(event.uri).name for event in of(Failed, events)) == ["pipe.txt", "self"]


def test_names_that_are_no_text_are_said(pipeline: Pipeline, tmp_path: Path) -> None:
    name = os.fsencode(tmp_path / "bad-") + b"\xff.txt"
    try:
        Path(os.fsdecode(name)).write_text("text")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    failed = of(Failed, pipeline.add_paths([tmp_path]))
    assert "not UTF-8" in str(failed[0].error)
    str(failed[0].uri).encode()


def test_progress_counts_the_chunks_of_a_document(pipeline: Pipeline, tmp_path: Path) -> None:
    path = write(tmp_path / "a.md", "".join(map(section, range(40))))
    steps = [e for e in of(Progress, pipeline.add_paths([path])) if e.what == "chunks"]
    assert [(step.done, step.total) for step in steps] == [(32, 40), (40, 40)]


def some_small_and_one_large(folder: Path) -> list[Path]:
    """The large one is still being embedded when the others may be stored."""
    large = write(folder / "large.md", "".join(map(section, range(400))))
    return [write(folder / f"{n}.md", section(1000 + n)) for n in range(3)] + [large]


def until_the_large_one(events: Iterable[Event]) -> Iterator[Event]:
    """``events`` as far as the large document is half embedded."""
    for event in events:
        yield event
        if isinstance(event, Progress) and event.uri.endswith("large.md") and event.done > 64:
            return


def test_cancel_leaves_what_is_done(pipeline: Pipeline, tmp_path: Path) -> None:
    cancel = threading.Event()
    events = pipeline.add_paths(some_small_and_one_large(tmp_path), cancel=cancel)
    seen = list(until_the_large_one(events))
    cancel.set()
    seen += events
    assert of(Finished, seen)[0].summary.cancelled
    stored = [source.uri for source in pipeline.knowledge.sources()]
    assert sorted(event.uri for event in of(Added, seen)) == stored
    assert str(tmp_path / "large.md") not in stored


def test_closing_the_generator_leaves_what_is_done(pipeline: Pipeline, tmp_path: Path) -> None:
    events = pipeline.add_paths(some_small_and_one_large(tmp_path))
    list(until_the_large_one(events))
    events.close()
    stored = [source.uri for source in pipeline.knowledge.sources()]
    assert str(tmp_path / "large.md") not in stored
    assert not [each for each in threading.enumerate() if each.name.startswith("ingest-")]


def refuse(error: Exception) -> Callable[..., None]:
    def raising(*_: object) -> None:
        raise error

    return raising


def test_a_text_that_the_model_refuses_fails_alone(
    pipeline: Pipeline, settings: Settings, real: EmbeddingModel, tmp_path: Path
) -> None:
    def choosy(texts: list[str]) -> np.ndarray:
        if any("bad" in text for text in texts):
            raise ModelRefused("refused", "拒绝")
        return real.passages(texts)

    choosing = Pipeline(settings, pipeline.knowledge, replace(real, passages=choosy))
    paths = [write(tmp_path / "1.txt", "bad words"), write(tmp_path / "2.txt", "good words")]
    events = list(choosing.add_paths(paths))
    assert (len(of(Failed, events)), len(of(Added, events))) == (1, 1)


def test_a_fault_of_the_store_ends_the_run(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = KnowledgeLocked("locked", "锁定")
    monkeypatch.setattr(pipeline.knowledge, "add_embedded", refuse(locked))
    with pytest.raises(KnowledgeLocked):
        list(pipeline.add_paths([write(tmp_path / "1.txt", "words")]))


def test_another_model_is_refused_not_taken_for_unchanged(
    pipeline: Pipeline, settings: Settings, real: EmbeddingModel, tmp_path: Path
) -> None:
    path = write(tmp_path / "1.txt", "words")
    list(pipeline.add_paths([path]))
    other = replace(real, fingerprint="other")
    with (
        KnowledgeBase(settings.data_dir, other, other.fingerprint) as knowledge,
        pytest.raises(KnowledgeError, match="other"),
    ):
        list(Pipeline(settings, knowledge, other).add_paths([path]))


# Uploads


@pytest.mark.parametrize(
    ("original", "safe"),
    [
        ("指南 v2.pdf", "指南 v2.pdf"),
        ("../../etc/passwd", "passwd"),
        ("C:\\docs\\手册.docx", "手册.docx"),
        (".bashrc", "bashrc"),
        ("a\x00b\n\u202egnp.txt", "abgnp.txt"),
        ("", "document"),
        ("...", "document"),
        ("a/..", "document"),
        ("长" * 200 + ".pdf", "长" * 65 + ".pdf"),
    ],
)
def test_names_of_uploads_are_safe(original: str, safe: str) -> None:
    assert safe_name(original) == safe


def test_uploads_of_one_name_replace_each_other(
    pipeline: Pipeline, settings: Settings, tmp_path: Path
) -> None:
    temporary = write(tmp_path / "tmp123", "# 手册\n\n第一版。")
    path = store_upload(settings, temporary, "../手册.md")
    assert path.name == "手册.md" and path.is_relative_to(settings.upload_dir)
    assert of(Added, pipeline.add_paths([path]))[0].title == "手册"
    assert store_upload(settings, temporary, "手册.md") == path
    assert of(Unchanged, pipeline.add_paths([path]))
    assert store_upload(settings, write(temporary, "# 手册\n\n第二版。"), "手册.md") == path
    assert not of(Added, pipeline.add_paths([path]))[0].is_new
    assert [source.uri for source in pipeline.knowledge.sources()] == [str(path)]
    assert "第二版" in pipeline.knowledge.chunks(1)[0].text
    assert store_upload(settings, temporary, "手册.md", "other") != path
    assert store_upload(settings, temporary, "手册2.md") != path


def test_deleting_an_upload_removes_its_file_and_nothing_else(
    pipeline: Pipeline, settings: Settings, tmp_path: Path
) -> None:
    own = write(tmp_path / "own.txt", "My own file.")
    upload = store_upload(settings, own, "up.txt")
    added = of(Added, pipeline.add_paths([own, upload]))
    for event in added:
        delete_source(settings, pipeline.knowledge, event.source_id)
    delete_source(settings, pipeline.knowledge, 99)
    assert pipeline.knowledge.sources() == []
    assert own.exists() and not upload.parent.exists()
