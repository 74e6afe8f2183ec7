"""What can't be stored or asked is refused in both languages; the rest is stored as well as it can
be. Nothing is lost, and the knowledge base goes on."""

from __future__ import annotations

import functools
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings

from assistant.errors import KnowledgeError
from assistant.knowledge import database, disk
from assistant.knowledge.index import snapshot
from assistant.knowledge.records import NewChunk, StoreReport, storable
from assistant.knowledge.store import KnowledgeBase
from assistant.settings import ROOT
from tests.knowledge_crash import serving_space, unrepaired, unsound
from tests.knowledge_samples import (
    DIMENSION,
    MODEL,
    add,
    chunks_of,
    nearest,
    open_knowledge,
    vector_of,
    vectors_of,
)

MANY = 10**30
NO_TEXTS = ("\x00", "a\x00b", "\udcff", "\ud83d", "\udcff" * 3 + "x")
TEXTS = (
    *NO_TEXTS,
    *("", " ", "\r\n\t\v\f\x1b\x7f", "\ufeff\u200b\u202e\u2028", "\U0010ffff\ufffe\ufdd0"),
    *("e\u0301" * 500, "👩\u200d👩\u200d👧", "𠮷野家", "ﷺ", "İıſß", "z̷̙̈́a̶͉̒l̸̰͌g̵̱͠o̶̖͝"),
    *("'; DROP TABLE chunks; --", "{}{x}{0}%s%(x)s", "$.a[0]", "<script>", "\\", '"'),
)


class Seeded(Embeddings):
    """Takes texts as a model behind HTTP does: as UTF-8."""

    fingerprint = MODEL

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [self.embed_query(text) for text in texts]

    def embed_query(self, text: str) -> list[float]:
        values: list[float] = vector_of(text).tolist()
        return values


@pytest.fixture
def knowledge(tmp_path: Path) -> Iterator[KnowledgeBase]:
    """With a document and a text; what was there is there when the test is over."""
    with KnowledgeBase(tmp_path, Seeded(), MODEL) as knowledge:
        add(knowledge, "/kept.md", "kept chunk", "第二个片段")
        knowledge.add_texts(["kept text"], [{"name": "kept", "n": 1}], ids=["kept"])
        yield knowledge
        assert_kept(knowledge)
        assert unsound(knowledge) == [] == unrepaired(knowledge)


def assert_kept(knowledge: KnowledgeBase) -> None:
    for text, word in (("kept chunk", "chunk"), ("第二个片段", "片段"), ("kept text", "kept")):
        assert nearest(knowledge, text) == [text]
        assert text in [hit.text for hit in knowledge.keyword(word, 50)]
    assert [hit.text for hit in knowledge.hits(["kept"])] == ["kept text"]


@contextmanager
def refused(english: str = "", chinese: str = "") -> Iterator[None]:
    """A KnowledgeError that speaks both languages and can be printed."""
    with pytest.raises(KnowledgeError) as caught:
        yield
    assert english in caught.value.text("en")
    assert chinese in caught.value.text("zh") and re.search(r"[一-龥]", caught.value.text("zh"))
    for text in caught.value.messages.values():
        text.encode()
        assert len(text) < 2000


# Texts


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_any_text_is_stored_found_and_deleted(knowledge: KnowledgeBase, text: str) -> None:
    stored = storable(text)
    (name,) = knowledge.add_texts([text])
    assert knowledge.add_texts([text]) == [name]
    source, report = add(knowledge, "/weird.md", chunks=[NewChunk(text, (text,), anchor=text)])
    assert report.added == 1
    (chunk,) = knowledge.chunks(source.id)
    assert (chunk.text, chunk.heading_path, chunk.anchor) == (stored, (stored,), stored)
    assert [hit.text for hit in knowledge.hits([name])] == [stored]
    assert [one.page_content for one in knowledge.similarity_search(text, 1)] == [stored]
    assert knowledge.dense(vector_of(f"{stored}\n{stored}"), 1)[0].id == chunk.id
    knowledge.keyword(text, 5)
    assert knowledge.delete([name]) and knowledge.hits([name]) == []
    assert add(knowledge, "/weird.md", chunks=[NewChunk("calm")])[1].removed == 1
    assert stored not in nearest(knowledge, stored, 9)


@pytest.mark.parametrize(
    "unit",
    ["字", *(pytest.param(one, marks=pytest.mark.heavy) for one in ("x", "word ", "a_b.C/", "é"))],
)
def test_a_million_characters(knowledge: KnowledgeBase, unit: str) -> None:
    text = unit * (1_000_000 // len(unit)) + " lastword"
    begin = time.monotonic()
    (name,) = knowledge.add_texts([text])
    assert [hit.text for hit in knowledge.keyword("lastword", 1)] == [text]
    assert knowledge.get_by_ids([name])[0].page_content == text
    knowledge.keyword(text, 1)  # a book as a query
    knowledge.delete([name])
    assert knowledge.keyword("lastword", 1) == []
    assert time.monotonic() - begin < 20


@pytest.mark.parametrize("query", [*'"*():^-+{}\\', 'a" OR "b', "NEAR(a b, 2)", "words:kept"])
def test_syntax_in_a_query_is_text(knowledge: KnowledgeBase, query: str) -> None:
    assert isinstance(knowledge.keyword(query, 3), list)
    texts = [hit.text for hit in knowledge.keyword(f"{query} kept {query}", 9)]
    assert {"kept text", "kept chunk"} <= {*texts}


# Names


@pytest.mark.parametrize("uri", ["", *NO_TEXTS], ids=ascii)
def test_uris(knowledge: KnowledgeBase, uri: str) -> None:
    with refused("can't name a source", "来源"):
        add(knowledge, uri, "text")
    assert knowledge.source_by_uri(uri) is None


@pytest.mark.parametrize("text", TEXTS, ids=ascii)
def test_titles_and_odd_uris(knowledge: KnowledgeBase, text: str) -> None:
    uri = f"/{storable(text)}"
    chunks = chunks_of("text")
    source, _ = knowledge.add_embedded(uri, text, "md", 1, "h", chunks, vectors_of(chunks))
    assert (source.uri, source.title) == (uri, storable(text))
    assert knowledge.source_by_uri(uri) == source
    found = knowledge.dense(vector_of("text"), 9, {"source": uri})
    assert [hit.source.uri for hit in found] == [uri]
    assert knowledge.delete_source(source.id) == StoreReport(removed=1)


@pytest.mark.parametrize("number", [0, -1, 2**62, 2**63, -(2**63) - 1, MANY])
def test_numbers_of_sources(knowledge: KnowledgeBase, number: int) -> None:
    assert knowledge.source(number) is None and knowledge.chunks(number) == []
    assert knowledge.delete_source(number) == StoreReport()


@pytest.mark.parametrize(
    "name", ["", " ", ".", "..", "a/b", "a b", "-a", "x" * 65, "a\n", *NO_TEXTS], ids=ascii
)
def test_collection_names(knowledge: KnowledgeBase, tmp_path: Path, name: str) -> None:
    with refused("can't name a collection", "知识库名称"):
        knowledge.collection(name)
    with refused("can't name a collection", "知识库名称"):
        open_knowledge(tmp_path, name)


def test_an_id_twice_in_one_call(knowledge: KnowledgeBase) -> None:
    with refused("comes twice", "重复"):
        knowledge.add_texts(["a", "b", "c"], ids=["1", "2", "1"])
    assert knowledge.hits(["1", "2"]) == []
    assert len(set(knowledge.add_texts(["same", "same"]))) == 2


@pytest.mark.parametrize("name", NO_TEXTS, ids=ascii)
def test_ids_that_cannot_be_stored(knowledge: KnowledgeBase, name: str) -> None:
    with refused("can't be stored", "无法存储"):
        knowledge.add_texts(["a", "b"], ids=["good", name])
    assert knowledge.hits(["good", name]) == []


@pytest.mark.parametrize("tail", ["\x00", "\x00b", "\udcff", " ", "%", "*"], ids=ascii)
def test_other_ids_name_other_chunks(knowledge: KnowledgeBase, tail: str) -> None:
    name = f"kept{tail}"
    assert knowledge.hits([name]) == [] and knowledge.get_by_ids([name]) == []
    assert len(knowledge.chunk_vectors([name])) == 0
    knowledge.delete([name])
    assert knowledge.remove([name]) == 0
    assert knowledge.vectors_for([name]) == {}


def test_long_and_empty_ids(knowledge: KnowledgeBase) -> None:
    long = "字" * 100_000
    first, second = knowledge.add_texts(["long", "empty"], ids=[long, ""])
    assert first == long and second != ""
    assert [hit.text for hit in knowledge.hits([long, second])] == ["long", "empty"]
    assert knowledge.remove([long, second]) == 2


# Metadata

NAMES = ("名", "", " ", "a.b", "a[0]", "$", "$.x", "c:\\d", 'q"r', "l'm", "\n", "😀", "x" * 5000)


@pytest.mark.parametrize("name", [*NAMES, *NO_TEXTS], ids=lambda name: ascii(name)[:20])
def test_names_in_metadata(knowledge: KnowledgeBase, name: str) -> None:
    knowledge.add_texts(["with", "without"], [{name: "value"}, {"n": 2}], ids=["with", "without"])
    (found,) = knowledge.get_by_ids(["with"])
    assert found.metadata == {storable(name): "value"}
    for where in ({storable(name): "value"}, {storable(name): {"$in": ["value", "other"]}}):
        assert [hit.id for hit in knowledge.dense(vector_of("with"), 9, where)] == ["with"]
        assert [hit.id for hit in knowledge.keyword("with", 9, where)] == ["with"]
    missing = knowledge.dense(vector_of("with"), 9, {storable(name): None})
    assert "with" not in [hit.id for hit in missing] and len(missing) == 4


@pytest.mark.parametrize("value", TEXTS, ids=lambda value: ascii(value)[:20])
def test_values_in_metadata(knowledge: KnowledgeBase, value: str) -> None:
    nested = {"list": [value, {value: value}]}
    knowledge.add_texts(["text"], [{"value": value, **nested}], ids=["one"])
    stored = storable(value)
    assert knowledge.get_by_ids(["one"])[0].metadata == {
        "value": stored,
        "list": [stored, {stored: stored}],
    }
    for wanted in (stored, {"$in": [stored]}, {"$prefix": stored[:1]}):
        assert [hit.id for hit in knowledge.dense(vector_of("text"), 9, {"value": wanted})] == [
            "one"
        ]


@pytest.mark.parametrize("key", [1, 2.5, True, None])
def test_names_that_are_no_texts(knowledge: KnowledgeBase, key: object) -> None:
    """JSON makes texts of them."""
    knowledge.add_texts(["text"], [{key: "value"}], ids=["one"])  # type: ignore[dict-item]
    ((name, _),) = knowledge.get_by_ids(["one"])[0].metadata.items()
    assert isinstance(name, str)
    assert [hit.id for hit in knowledge.dense(vector_of("x"), 9, {name: "value"})] == ["one"]


@pytest.mark.parametrize(
    "metadata",
    [
        {"x": object()},
        {"x": {1, 2}},
        {"x": b"bytes"},
        {"x": float("nan")},
        {"x": [float("inf")]},
        {("a", "b"): 1},
        ["a", "list"],
        "text",
    ],
)
def test_metadata_that_cannot_be_stored(knowledge: KnowledgeBase, metadata: Any) -> None:
    with refused("Metadata can't be stored", "元数据"):
        knowledge.add_texts(["good", "bad"], [{}, metadata], ids=["good", "bad"])
    assert knowledge.hits(["good", "bad"]) == []


def test_no_metadata(knowledge: KnowledgeBase) -> None:
    knowledge.add_texts(["text"], [None], ids=["one"])  # type: ignore[list-item]
    assert knowledge.get_by_ids(["one"])[0].metadata == {}


@pytest.mark.parametrize("depth", [5, 60, 500, 1500, 100_000])
def test_deep_metadata(knowledge: KnowledgeBase, depth: int) -> None:
    """Stored, or refused; what SQLite can't read any more would break every filter."""
    nested: Any = "deep"
    for _ in range(depth):
        nested = {"d": nested} if depth % 2 else [nested]
    try:
        knowledge.add_texts(["text"], [{"nested": nested}], ids=["one"])
    except KnowledgeError as error:
        assert depth > 60 and "元数据" in error.text("zh")
    else:
        assert knowledge.get_by_ids(["one"])[0].metadata == {"nested": nested}
    assert [hit.id for hit in knowledge.dense(vector_of("x"), 9, {"n": 1})] == ["kept"]
    assert len(knowledge.dense(vector_of("x"), 9, {"n": None})) in {2, 3}


def test_enormous_metadata(knowledge: KnowledgeBase) -> None:
    metadata = {f"field{n}": "x" * 1000 for n in range(5000)}
    knowledge.add_texts(["text"], [{**metadata, "n": MANY, "m": -1.5e300}], ids=["big"])
    assert knowledge.get_by_ids(["big"])[0].metadata == {**metadata, "n": MANY, "m": -1.5e300}
    where = {"field4999": "x" * 1000, "n": {"$gt": 2**62}}
    assert [hit.id for hit in knowledge.dense(vector_of("x"), 9, where)] == ["big"]


# Filters


def nested(depth: int, operator: str) -> dict[str, Any]:
    where: dict[str, Any] = {"n": 1}
    for _ in range(depth):
        where = {operator: where if operator == "$not" else [where]}
    return where


@pytest.mark.parametrize(
    "where",
    [
        {"unheard": 1},
        {"n": {"$unheard": 1}},
        {"n": {"$in": 1}},
        {"n": {"$in": "text"}},
        {"n": {"$in": [None]}},
        {"n": {"$in": [[1]]}},
        {"n": {"$gt": None}},
        {"n": {"$gt": [1]}},
        {"n": {"$prefix": 1}},
        {"n": {}},
        {"n": float("nan")},
        {"n": MANY},
        {"n": object()},
        {"n": b"bytes"},
        {"n": [1]},
        {"n": "\udcff"},
        {"n": "\x00"},
        {"n": {"$in": ["kept\x00"]}},
        {"name": {"$prefix": "\ud800"}},
        {"\udcff": 1},
        {"\x00": 1},
        {"n\x00": 1},
        {1: 1},
        {"$and": 1},
        {"$and": "text"},
        {"$or": [1]},
        {"$or": [None]},
        {"$not": [{"n": 1}]},
        {"$not": None},
        {"$unheard": [{"n": 1}]},
        ["n", 1],
        "n = 1",
        {"$or": [{"n": n} for n in range(50_000)]},
    ],
)
def test_filters_that_cannot_be_used(knowledge: KnowledgeBase, where: Any) -> None:
    refuse_filter(knowledge, where)


@pytest.mark.parametrize("operator", ["$not", "$and", "$or"])
@pytest.mark.parametrize("depth", [50, 100, 400, 100_000])
def test_filters_that_are_too_deep(knowledge: KnowledgeBase, depth: int, operator: str) -> None:
    refuse_filter(knowledge, nested(depth, operator))


def refuse_filter(knowledge: KnowledgeBase, where: Any) -> None:
    for search in (
        lambda: knowledge.dense(vector_of("x"), 3, where),
        lambda: knowledge.keyword("kept", 3, where),
        lambda: knowledge.similarity_search("x", filter=where),
    ):
        with refused():
            search()


@pytest.mark.parametrize("operator", ["$not", "$and", "$or"])
@pytest.mark.parametrize("depth", [2, 8])
def test_nested_filters(knowledge: KnowledgeBase, depth: int, operator: str) -> None:
    found = [hit.id for hit in knowledge.dense(vector_of("x"), 9, nested(depth, operator))]
    assert found == ["kept"]


def test_wide_filters(knowledge: KnowledgeBase) -> None:
    for where in (
        {"$or": [{"n": n} for n in range(300)]},
        {"$and": [{"n": {"$ne": n}} for n in range(2, 300)]},
        {"n": {"$in": list(range(100_000))}},
    ):
        assert "kept" in [hit.id for hit in knowledge.dense(vector_of("x"), 9, where)]


# Numbers


@pytest.mark.parametrize("k", [0, -1, -MANY])
def test_no_hits_wanted(knowledge: KnowledgeBase, k: int) -> None:
    assert knowledge.dense(vector_of("x"), k) == [] and knowledge.keyword("kept", k) == []
    assert knowledge.similarity_search("x", k) == []
    assert knowledge.max_marginal_relevance_search("x", k, fetch_k=k) == []


@pytest.mark.parametrize("k", [2**31, 2**63 - 1, 2**63, MANY])
def test_more_hits_wanted_than_there_are(knowledge: KnowledgeBase, k: int) -> None:
    assert len(knowledge.dense(vector_of("x"), k)) == 3
    assert len(knowledge.dense(vector_of("x"), k, {"n": 1})) == 1
    assert len(knowledge.keyword("kept", k)) == 2
    assert len(knowledge.keyword("kept", k, {"n": 1})) == 1
    assert len(knowledge.max_marginal_relevance_search("x", 3, fetch_k=k)) == 3
    (hit, *_) = knowledge.keyword("片段", 1)
    assert len(knowledge.neighbours(hit, k, k)) == 1


def row(value: float) -> list[float]:
    return [value, *[1.0] * (DIMENSION - 1)]


BAD_VECTORS: dict[str, Any] = {
    "NaN": [row(float("nan"))],
    "infinite": [row(float("inf"))],
    "zero": [[0.0] * DIMENSION],
    "zero integers": [[0] * DIMENSION],
    "too short": [[1.0] * (DIMENSION - 1)],
    "too long": [[1.0] * (DIMENSION * 8)],
    "empty": [[]],
    "flat": [1.0] * DIMENSION,
    "deep": [[[1.0] * DIMENSION]],
    "ragged": [[1.0], [1.0, 2.0]],
    "texts": [["x"] * DIMENSION],
    "nothing": None,
    "none": [[None] * DIMENSION],
    "enormous integers": [[10**400] * DIMENSION],
    "complex": np.ones((1, DIMENSION), dtype=complex),
}


@pytest.mark.parametrize("name", BAD_VECTORS)
def test_bad_vectors(knowledge: KnowledgeBase, name: str) -> None:
    vectors = BAD_VECTORS[name]
    with refused():
        knowledge.add_embedded("/bad.md", "bad", "md", 1, "h", chunks_of("bad"), vectors)
    assert knowledge.source_by_uri("/bad.md") is None
    query = vectors if vectors is None or name == "ragged" else vectors[0]
    if name not in {"flat", "deep"}:
        with refused():
            knowledge.dense(query, 3)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_another_number_of_vectors(knowledge: KnowledgeBase, count: int) -> None:
    vectors = np.ones((count, DIMENSION))
    with refused():
        knowledge.add_embedded("/bad.md", "bad", "md", 1, "h", chunks_of("a", "b"), vectors)
    assert knowledge.source_by_uri("/bad.md") is None


@pytest.mark.parametrize("metric", ["ip", "l2"])
@pytest.mark.parametrize("value", [1e39, -1e200, 1e308, float("inf")])
def test_numbers_that_float32_cannot_hold(tmp_path: Path, metric: str, value: float) -> None:
    with KnowledgeBase(tmp_path, None, MODEL, metric=metric) as knowledge:
        add(knowledge, "/a.md", "alpha")
        with refused():
            knowledge.add_embedded("/b.md", "b", "md", 1, "h", chunks_of("b"), [row(value)])  # type: ignore[arg-type]
        with refused():
            knowledge.dense(row(value), 1)
        assert [hit.text for hit in knowledge.dense(vector_of("alpha"), 9)] == ["alpha"]


def test_vectors_of_integers(knowledge: KnowledgeBase) -> None:
    numbers = list(range(1, DIMENSION + 1))
    knowledge.add_embedded("/i.md", "i", "md", 1, "h", chunks_of("integers"), np.array([numbers]))
    assert [hit.text for hit in knowledge.dense(numbers, 1)] == ["integers"]
    assert [hit.text for hit in knowledge.dense([n * 1e30 for n in numbers], 1)] == ["integers"]


# Folders and files


def test_half_written_snapshots(tmp_path: Path) -> None:
    with open_knowledge(tmp_path) as knowledge:
        add(knowledge, "/a.md", "alpha")
        folder = tmp_path / "index"
        folder.mkdir()
        young, old = (folder / f"1.faiss.{n}-abcd.tmp" for n in (1, 2))
        for path in (young, old):
            path.write_bytes(b"half of an ind")
        os.utime(old, (time.time() - 7200,) * 2)
        assert nearest(knowledge, "alpha") == ["alpha"]
    assert young.exists()  # another process may be writing it
    assert not old.exists()
    with open_knowledge(tmp_path) as knowledge:
        assert nearest(knowledge, "alpha") == ["alpha"]


MOUNTINFO = r"""
21 1 0:20 / / rw,relatime - overlay overlay rw,lowerdir=/a:/b
22 21 0:21 / /proc rw,nosuid shared:5 - proc proc rw
23 21 8:1 / /home rw,relatime shared:1 master:2 - ext4 /dev/sda1 rw
24 23 0:40 / /home/me/Network\040Share rw shared:3 - nfs4 server:/export rw,vers=4.2
25 24 8:2 /sub /home/me/Network\040Share/disk rw - xfs /dev/sdb1 rw
26 21 0:41 / /mnt/c rw,noatime - 9p C:\134 rw,dirsync
27 21 0:42 / /mnt/ssh rw - fuse.sshfs me@host:/ rw
28 21 0:43 / /mnt/again rw - cifs //server/share rw
29 28 8:3 / /mnt/again rw - btrfs /dev/sdc1 rw
30 21 0:44 / /media/知识库 rw - nfs server:/zh rw
31 21 0:45 / /media/tab\011and\134slash rw - smb3 //server/x rw
""".lstrip()


@pytest.mark.parametrize(
    ("folder", "kind"),
    [
        ("/", "overlay"),
        ("/data", "overlay"),
        ("/homework", "overlay"),
        ("/home/me/data", "ext4"),
        ("/home/me/Network", "ext4"),
        ("/home/me/Network Share", "nfs4"),
        ("/home/me/Network Share/deep/data", "nfs4"),
        ("/home/me/Network Share/disk/data", "xfs"),
        ("/mnt/c/Users/me", "9p"),
        ("/mnt/ssh/data", "fuse.sshfs"),
        ("/mnt/again/data", "btrfs"),
        ("/media/知识库/数据", "nfs"),
        ("/media/tab\tand\\slash/data", "smb3"),
    ],
)
def test_file_systems(tmp_path: Path, folder: str, kind: str) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTINFO, "utf-8")
    assert disk.file_system_of(Path(folder), mounts) == kind
    if kind in {"overlay", "ext4", "xfs", "btrfs"}:
        disk.refuse_network(Path(folder), mounts)
    else:
        with refused(kind, "网络文件系统"):
            disk.refuse_network(Path(folder), mounts)


def test_a_network_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    share = tmp_path / "share"
    share.mkdir()
    (tmp_path / "link").symlink_to(share)
    mounts = tmp_path / "mountinfo"
    mounts.write_text(f"1 0 0:1 / / rw - ext4 x rw\n2 1 0:2 / {share} rw - nfs4 x rw\n", "utf-8")
    checked = functools.partial(disk.refuse_network, mounts=mounts)
    monkeypatch.setattr(database, "refuse_network", checked)
    for folder in (share, share / "data", tmp_path / "link" / "data"):
        with refused("network file system", "网络文件系统"):
            open_knowledge(folder)
    assert not list(share.rglob("knowledge.db*"))
    open_knowledge(tmp_path / "local").close()


def test_a_system_that_lists_no_mounts(tmp_path: Path) -> None:
    disk.refuse_network(tmp_path, tmp_path / "missing")


# Real disks that are full or read-only: in a process with mounts of its own


def in_own_mounts(scenario: str, folder: Path) -> None:
    """Run a function of this file with a small disk mounted at ``folder``."""
    if (
        shutil.which("unshare") is None
        or subprocess.run(
            ["unshare", "-rm", "mount", "-t", "tmpfs", "tmpfs", str(folder)],
            check=False,
            capture_output=True,
        ).returncode
    ):
        pytest.skip("this system lets no process have mounts of its own")
    done = subprocess.run(
        [
            "unshare",
            "-rm",
            sys.executable,
            "-m",
            "tests.test_knowledge_bad_input",
            scenario,
            folder,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def mount(*arguments: object) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def fill_disk(folder: Path) -> Path:
    """Use up the last byte of the disk at ``folder``; remove the file to have it back."""
    ballast = folder / "ballast"
    block = 1 << 16
    with ballast.open("wb", buffering=0) as file:
        while block:
            try:
                file.write(b"\0" * block)
            except OSError:
                block //= 2
    return ballast


def test_a_full_disk(tmp_path: Path) -> None:
    in_own_mounts("full_disk", tmp_path)


def full_disk(folder: Path) -> None:
    with open_knowledge(folder / "data") as knowledge:
        stored = ["first"]
        add(knowledge, "/first.md", "first")
        ballast = fill_disk(folder)
        with refused("full", "已满"):
            for n in range(10_000):
                add(knowledge, f"/{n}.md", f"text {n}")
                stored.append(f"text {n}")
        assert_all(knowledge, stored)
        with refused("full", "已满"):
            add(knowledge, "/big.md", "big " * 100_000)
        assert_all(knowledge, stored)
        ballast.unlink()
        add(knowledge, "/after.md", "after")
        source = knowledge.source_by_uri("/first.md")
        assert source is not None and knowledge.delete_source(source.id).removed == 1
        stored = [*stored[1:], "after"]
        assert_all(knowledge, stored)
        assert unsound(knowledge) == [] == unrepaired(knowledge)
    with open_knowledge(folder / "data") as knowledge:
        assert_all(knowledge, stored)


def assert_all(knowledge: KnowledgeBase, texts: list[str]) -> None:
    assert {hit.text for hit in knowledge.dense(vector_of("x"), 20_000)} == {*texts}
    assert knowledge.stats()["default"]["chunks"] == len(texts)
    for text in (texts[0], texts[-1]):
        assert nearest(knowledge, text) == [text]
        assert knowledge.keyword(text, 1)[0].text == text


def test_a_disk_that_is_full_when_the_program_starts(tmp_path: Path) -> None:
    in_own_mounts("full_at_start", tmp_path)


def full_at_start(folder: Path) -> None:
    with open_knowledge(folder / "data") as knowledge:
        add(knowledge, "/first.md", "first")
    ballast = fill_disk(folder)
    with refused("full", "已满"), open_knowledge(folder / "data") as knowledge:
        assert nearest(knowledge, "first") == ["first"]  # reading may do without room
        add(knowledge, "/second.md", "second " * 100_000)
    with refused("full", "已满"):
        open_knowledge(folder / "new")
    ballast.unlink()
    with open_knowledge(folder / "data") as knowledge:
        add(knowledge, "/third.md", "third")
        assert_all(knowledge, ["first", "third"])


def test_a_disk_that_is_full_when_the_index_is_published(tmp_path: Path) -> None:
    in_own_mounts("full_at_publication", tmp_path)


def full_at_publication(folder: Path) -> None:
    names = [f"name{n}" for n in range(3000)]
    path = folder / "data" / "index" / "1.faiss"
    with open_knowledge(folder / "data") as knowledge:
        add(knowledge, "/first.md", *names[:10])
        assert nearest(knowledge, "name3") == ["name3"]
    published = path.read_bytes()
    with open_knowledge(folder / "data") as knowledge:
        add(knowledge, "/all.md", *names)
        assert nearest(knowledge, "name7") == ["name7"]
        ballast = fill_disk(folder)
        space = serving_space(knowledge)
        assert space is not None
        with pytest.raises((OSError, KnowledgeError)):
            knowledge.folder.index(space).publish()
        assert nearest(knowledge, "name2999") == ["name2999"]
    # Closing tried, too.
    assert path.read_bytes() == published
    assert not list(path.parent.glob("*.tmp"))
    ballast.unlink()
    with open_knowledge(folder / "data") as knowledge:
        assert nearest(knowledge, "name2999") == ["name2999"]
    with path.open("rb") as file:
        assert snapshot.check(file).count == 3010


def test_a_read_only_disk(tmp_path: Path) -> None:
    in_own_mounts("read_only", tmp_path)


def read_only(folder: Path) -> None:
    with open_knowledge(folder / "data") as knowledge:
        add(knowledge, "/first.md", "first")
        assert nearest(knowledge, "first") == ["first"]
    mount("-o", "remount,ro", folder)
    for place in (folder / "data", folder / "new"):
        with refused("writ", "写"):
            open_knowledge(place)
    mount("-o", "remount,rw", folder)
    with open_knowledge(folder / "data") as knowledge:
        assert_all(knowledge, ["first"])


def test_an_index_folder_that_is_read_only(tmp_path: Path) -> None:
    in_own_mounts("read_only_index", tmp_path)


def read_only_index(folder: Path) -> None:
    index = folder / "data" / "index"
    with open_knowledge(folder / "data") as knowledge:
        add(knowledge, "/first.md", "first")
        assert nearest(knowledge, "first") == ["first"]
    (index / "1.faiss").write_bytes(b"damaged")
    mount("--bind", index, index)
    mount("-o", "remount,bind,ro", index)
    with open_knowledge(folder / "data") as knowledge:
        assert nearest(knowledge, "first") == ["first"]
        add(knowledge, "/second.md", "second")
        assert_all(knowledge, ["first", "second"])


if __name__ == "__main__":
    small = Path(sys.argv[2])
    mount("-t", "tmpfs", "-o", "size=3m", "tmpfs", small)
    globals()[sys.argv[1]](small)
