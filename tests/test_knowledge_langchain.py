"""Reading LangChain's FAISS folders: real ones, older ones, and pickles that want more."""

from __future__ import annotations

import collections
import datetime
import decimal
import json
import os
import pickle
import subprocess
import sys
import types
import uuid
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import faiss as faiss_module
import numpy as np
import pytest
from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings

from assistant.errors import KnowledgeError
from assistant.knowledge.index.foreign import vectors_in
from assistant.knowledge.langchain_folder import LangChainFolder, read_langchain_folder
from assistant.knowledge.store import KnowledgeBase
from assistant.settings import ROOT
from tests.knowledge_samples import DIMENSION, MODEL, vector_of

with warnings.catch_warnings():
    warnings.filterwarnings(
        "ignore", message="`langchain-community` is", category=DeprecationWarning
    )
    from langchain_community.docstore.in_memory import InMemoryDocstore
    from langchain_community.vectorstores import FAISS


faiss: Any = faiss_module  # its type hints lack half of what it has


class Seeded(Embeddings):
    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [vector_of(text).tolist() for text in texts]

    def embed_query(self, text: str) -> list[float]:
        return vector_of(text).tolist()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Written by LangChain, after a deletion."""
    store = FAISS.from_texts(
        ["备份每天一次。", "gone", "Restore with one command.", "third"],
        Seeded(),
        [{"source": "手册.md", "page": 1}, {}, {"source": "b.md", "tags": ["x"]}, {}],
        ids=["a", "b", "c", "d"],
    )
    store.delete(["b"])
    store.save_local(str(tmp_path / "lc"))
    return tmp_path / "lc"


def test_a_real_folder(folder: Path) -> None:
    found = read_langchain_folder(folder)
    assert found == LangChainFolder(
        texts=["备份每天一次。", "Restore with one command.", "third"],
        metadatas=[{"source": "手册.md", "page": 1}, {"source": "b.md", "tags": ["x"]}, {}],
        ids=["a", "c", "d"],
        rows=[0, 1, 2],
        converted={},
    )
    expected = [vector_of(text) for text in found.texts]
    assert np.array_equal(vectors_in(folder / "index.faiss"), np.array(expected))


def test_it_becomes_a_collection(folder: Path, tmp_path: Path) -> None:
    found = read_langchain_folder(folder)
    with KnowledgeBase(tmp_path / "data", Seeded(), MODEL) as knowledge:
        assert knowledge.add_texts(found.texts, found.metadatas, ids=found.ids) == found.ids
        assert [one.uri for one in knowledge.sources()] == ["b.md", "text", "手册.md"]
        assert knowledge.similarity_search("备份每天一次。", 1) == [
            Document(
                id="a", page_content="备份每天一次。", metadata={"source": "手册.md", "page": 1}
            )
        ]


def test_another_index_name(tmp_path: Path) -> None:
    FAISS.from_texts(["one"], Seeded()).save_local(str(tmp_path), "mine")
    assert read_langchain_folder(tmp_path, "mine").texts == ["one"]
    with pytest.raises(KnowledgeError, match=r"There is no .*index\.pkl"):
        read_langchain_folder(tmp_path)


# Folders of older versions and other Pythons


def written(folder: Path, content: object, protocol: int | None = None) -> Path:
    folder.mkdir(exist_ok=True)
    data = content if isinstance(content, bytes) else pickle.dumps(content, protocol)
    (folder / "index.pkl").write_bytes(data)
    return folder


def stored(*documents: object) -> tuple[InMemoryDocstore, dict[int, str]]:
    ids = [f"id{n}" for n in range(len(documents))]
    docstore = InMemoryDocstore(dict(zip(ids, documents, strict=True)))  # type: ignore[arg-type]
    return docstore, dict(enumerate(ids))


@pytest.fixture
def module() -> Iterator[Callable[..., type]]:
    """Makes classes that say they come from a module, which is there while the test runs."""
    made: list[str] = []

    def make(place: str, name: str, **members: object) -> type:
        made_class = type(name, (), {**members, "__module__": place})
        sys.modules[place] = types.ModuleType(place)
        setattr(sys.modules[place], name, made_class)
        made.append(place)
        return made_class

    yield make
    for place in made:
        del sys.modules[place]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_protocol(tmp_path: Path, protocol: int) -> None:
    document = Document(page_content="文", metadata={"b": b"\xff", "s": {1, 2}, "f": 1.5})
    found = read_langchain_folder(written(tmp_path, stored(document), protocol))
    assert (found.texts, found.ids) == (["文"], ["id0"])
    assert found.metadatas == [{"b": "/w==", "s": [1, 2], "f": 1.5}]
    assert found.converted == {"bytes": 1, "set": 1}


@pytest.mark.parametrize(
    "place", ["langchain.schema", "langchain.docstore.document", "langchain.schema.document"]
)
def test_documents_of_pydantic_1(tmp_path: Path, module: Any, place: str) -> None:
    def state(self: Any) -> dict[str, object]:
        values = {"page_content": "old", "metadata": {"n": 1}, "lookup_str": "", "lookup_index": 0}
        return {
            "__dict__": values,
            "__fields_set__": {"page_content", "metadata"},
            "__private_attribute_values__": {},
        }

    document = module(place, "Document", __getstate__=state)()
    docstore = module("langchain.docstore.in_memory", "InMemoryDocstore")()
    docstore._dict = {"x": document}
    for protocol in (2, 3, 4):
        found = read_langchain_folder(written(tmp_path, (docstore, {0: "x"}), protocol))
        assert (found.texts, found.metadatas, found.ids) == (["old"], [{"n": 1}], ["x"])


def test_metadata_that_is_no_json_is_said_and_counted(tmp_path: Path) -> None:
    key = uuid.UUID(int=5)
    metadata: dict[Any, Any] = {
        "when": datetime.datetime(2024, 5, 6, 7, 8, tzinfo=datetime.UTC),
        "day": datetime.date(2024, 5, 6),
        "at": datetime.time(7, 8),
        "took": datetime.timedelta(minutes=1.5),
        "id": key,
        "path": Path("/docs/手册.md"),
        "windows": PureWindowsPath("C:\\a\\b"),
        "pure": PurePosixPath("a"),
        "price": decimal.Decimal("1.10"),
        "exact": decimal.Decimal("0.1234567890123456789012"),
        "np": [np.float32(0.5), np.int64(7), np.bool_(True), np.str_("字"), np.float64("nan")],
        "nan": float("nan"),
        "inf": float("-inf"),
        "tuple": (1, "a"),
        "set": frozenset({"b", "a"}),
        "utf8": "字".encode(),
        "more": collections.OrderedDict(a=1),
        "default": collections.defaultdict(list, a=[1]),
        3: "number",
        "plain": [None, True, {"deep": [1.5]}],
        "big": 2**80,
    }
    document = Document(page_content="x")
    document.metadata = metadata
    docstore = InMemoryDocstore({key: document})  # type: ignore[dict-item]
    found = read_langchain_folder(written(tmp_path, (docstore, {0: key})))
    assert found.ids == ["00000000-0000-0000-0000-000000000005"]
    (said,) = found.metadatas
    assert said == {
        "when": "2024-05-06T07:08:00+00:00",
        "day": "2024-05-06",
        "at": "07:08:00",
        "took": 90.0,
        "id": "00000000-0000-0000-0000-000000000005",
        "path": "/docs/手册.md",
        "windows": "C:\\a\\b",
        "pure": "a",
        "price": 1.1,
        "exact": "0.1234567890123456789012",
        "np": [0.5, 7, True, "字", None],
        "nan": None,
        "inf": "-inf",
        "tuple": [1, "a"],
        "set": ["a", "b"],
        "utf8": "字",
        "more": {"a": 1},
        "default": {"a": [1]},
        "3": "number",
        "plain": [None, True, {"deep": [1.5]}],
        "big": 2**80,
    }
    json.dumps(said, allow_nan=False)
    assert found.converted == {
        **{"datetime": 1, "date": 1, "time": 1, "timedelta": 1, "UUID": 2, "Path": 3},
        **{"Decimal": 2, "numpy": 5, "nan": 1, "-inf": 1, "tuple": 1, "frozenset": 1, "bytes": 1},
        "field name": 1,
    }
    with KnowledgeBase(tmp_path / "data", Seeded(), MODEL) as knowledge:
        knowledge.add_texts(found.texts, found.metadatas, ids=found.ids)
        assert knowledge.similarity_search("x", 1)[0].metadata == said


def test_documents_without_a_row_come_last_and_doubled_rows_once(tmp_path: Path) -> None:
    docstore, rows = stored(*(Document(page_content=text) for text in "abc"))
    del rows[0]
    found = read_langchain_folder(written(tmp_path, (docstore, {**rows, 3: "id1"})))
    assert (found.texts, found.rows) == (["b", "c", "a"], [1, 2, -1])


# What is refused


class Opcodes:
    """A pickle by hand."""

    def __init__(self) -> None:
        self.data = b"\x80\x04"

    def find(self, module: str, name: str) -> Opcodes:
        for text in (module, name):
            self.data += b"\x8c" + bytes([len(text)]) + text.encode()
        return self.add(b"\x93")

    def add(self, data: bytes) -> Opcodes:
        self.data += data
        return self

    def call(self, module: str, name: str, *arguments: str) -> Opcodes:
        self.find(module, name).add(b"(")
        for text in arguments:
            self.add(b"\x8c" + bytes([len(text)]) + text.encode())
        return self.add(b"tR")

    def end(self) -> bytes:
        return self.data + b"."


@pytest.mark.parametrize(
    ("data", "name"),
    [
        (Opcodes().call("os", "system", "touch ran").end(), "os.system"),
        (Opcodes().call("posix", "system", "touch ran").end(), "posix.system"),
        (b"cos\nsystem\n(S'touch ran'\ntR.", "os.system"),
        (b"(S'touch ran'\nios\nsystem\n.", "os.system"),
        (b"(cos\nsystem\nS'touch ran'\no.", "os.system"),
        (Opcodes().call("builtins", "eval", "open('ran','w')").end(), "builtins.eval"),
        (b'c__builtin__\neval\n(S\'open("ran","w")\'\ntR.', "__builtin__.eval"),
        (Opcodes().call("builtins", "getattr", "a", "b").end(), "builtins.getattr"),
        (Opcodes().call("subprocess", "Popen", "touch ran").end(), "subprocess.Popen"),
        (Opcodes().find("builtins", "bytearray").add(b"J\xff\xff\xff\x7f\x85R").end(), "bytearray"),
        (
            Opcodes().find("langchain_core.documents.base", "Document.__init__.__globals__").end(),
            "Document.__init__.__globals__",
        ),
        (Opcodes().find("assistant.knowledge.langchain_values", "Docstore").end(), "Docstore"),
        (Opcodes().find("numpy", "ndarray").end(), "numpy.ndarray"),
        (Opcodes().call("_codecs", "encode", "x", "zlib").end(), "_codecs.encode to 'zlib'"),
        (pickle.dumps(complex(1, 2)), "builtins.complex"),
    ],
)
def test_a_pickle_that_names_anything_else_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KnowledgeError) as error:
        read_langchain_folder(written(tmp_path, data))
    assert f"names {name}" in str(error.value) or f".{name}, which" in str(error.value)
    assert "nothing was run or imported" in str(error.value)
    assert not (tmp_path / "ran").exists()


def test_these_pickles_would_do_harm_elsewhere(tmp_path: Path) -> None:
    """The test above would pass with pickles that do nothing."""
    data = Opcodes().call("os", "system", "touch ran").end()
    script = f"import pickle; pickle.loads({data!r})"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "ran").exists()


def bomb() -> object:
    inner: object = ["x"] * 10
    for _ in range(40):
        inner = [inner] * 10
    return stored(with_metadata({"bomb": inner}))


def cycle() -> object:
    inner: list[object] = []
    inner.append(inner)
    return stored(with_metadata({"cycle": inner}))


def with_metadata(metadata: dict[Any, Any]) -> Document:
    document = Document(page_content="x")
    document.metadata = metadata
    return document


def no_text() -> object:
    document = Document(page_content="x")
    document.page_content = 3  # type: ignore[assignment]
    return stored(document)


def changed_stand_in(module: str, name: str) -> bytes:
    """Sets an attribute of what the name stands for."""
    state = pickle.dumps((None, {"__defaults__": ("x",), "_make": 1}))[2:-1]
    return Opcodes().find(module, name).add(state + b"b").end()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", ""),
        (b"no pickle", ""),
        (pickle.dumps(stored(Document(page_content="x")))[:-20], ""),
        (b"\x80\x04N\x94r\xff\xff\xff\xff.", "LONG_BINPUT 4294967295"),
        (b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7fN.", "FRAME"),
        (b"\x80\x04\x8e\xff\xff\xff\xff\xff\xff\x00\x00x.", "expected"),
        (b"\x80\x04Pabc\n.", "persistent"),
        (b"\x80\x02\x82\x01.", "extension"),
        (bomb, "multiplies"),
        (cycle, "too deep"),
        (no_text, "no text"),
        (lambda: stored(with_metadata({1: "a", "1": "b"})), "two fields '1'"),
        (lambda: stored("no document"), "is a str"),
        (lambda: (stored()[0], {0: "x"}), "row 0 is of document 'x', which isn't there"),
        (lambda: (stored()[0], {"a": "x"}), "rows are no numbers"),
        (lambda: (stored()[0], [1]), "no docstore and rows"),
        (lambda: {"a": 1}, "no docstore and rows"),
        (changed_stand_in("uuid", "UUID"), ""),
        (changed_stand_in("decimal", "Decimal"), "state can't be set"),
        (changed_stand_in("langchain_core.documents.base", "Document"), ""),
    ],
)
def test_a_damaged_or_hostile_file_is_one_error(
    tmp_path: Path, content: object, reason: str
) -> None:
    made = content() if callable(content) else content
    with pytest.raises(KnowledgeError, match=f"can't be read .*{reason}"):
        read_langchain_folder(written(tmp_path, made))


def test_every_cut_of_a_real_file_is_an_error(tmp_path: Path, folder: Path) -> None:
    data = (folder / "index.pkl").read_bytes()
    for size in range(len(data)):
        with pytest.raises(KnowledgeError):
            read_langchain_folder(written(tmp_path / "bad", data[:size]))


@pytest.mark.parametrize("byte", [b"\x00", b"\x93", b"R", b"b", b"\xff"])
def test_a_changed_byte_is_an_error_or_other_text(
    tmp_path: Path, folder: Path, byte: bytes
) -> None:
    data = (folder / "index.pkl").read_bytes()
    failed = 0
    for place in range(len(data)):
        bad = written(tmp_path / "bad", data[:place] + byte + data[place + 1 :])
        try:
            read_langchain_folder(bad)
        except KnowledgeError:
            failed += 1
    assert failed > len(data) / 4


def test_two_ids_that_become_one(tmp_path: Path) -> None:
    documents = {1: Document(page_content="a"), "1": Document(page_content="b")}
    docstore = InMemoryDocstore(documents)  # type: ignore[arg-type]
    with pytest.raises(KnowledgeError, match="the id '1' comes twice"):
        read_langchain_folder(written(tmp_path, (docstore, {0: 1, 1: "1"})))


def test_reading_needs_neither_langchain_community_nor_faiss(folder: Path) -> None:
    script = (
        "import sys\nfrom pathlib import Path\n"
        "from assistant.knowledge.langchain_folder import read_langchain_folder\n"
        f"print(len(read_langchain_folder(Path({str(folder)!r})).texts))\n"
        "print([name for name in ('langchain_community', 'faiss') if name in sys.modules])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert ran.stdout == "3\n[]\n"


# Vectors


@pytest.mark.parametrize(
    ("description", "error"),
    [("Flat", 0), ("HNSW16", 0), ("IVF4,Flat", 0), ("SQ8", 0.05), ("IVF4,SQ8", 0.05)],
)
def test_vectors_of_several_kinds(tmp_path: Path, description: str, error: float) -> None:
    vectors = np.random.default_rng(1).normal(size=(200, DIMENSION)).astype(np.float32)
    index = faiss.index_factory(DIMENSION, description)
    index.train(vectors)
    index.add(vectors)
    faiss.write_index(index, str(tmp_path / "x.faiss"))
    assert np.abs(vectors_in(tmp_path / "x.faiss") - vectors).max() <= error


@pytest.mark.parametrize("description", ["IDMap,Flat", "LSH", "PCA8,Flat", "IVF4,Flat"])
def test_kinds_that_keep_no_vectors_are_an_error(tmp_path: Path, description: str) -> None:
    vectors = np.random.default_rng(1).normal(size=(2000, DIMENSION)).astype(np.float32)
    index = faiss.index_factory(DIMENSION, description)
    index.train(vectors)
    if description.startswith("IDMap"):
        index.add_with_ids(vectors, np.arange(2000))
    else:
        index.add(vectors)
    if description.startswith("IVF"):
        index.remove_ids(np.array([5, 7]))
    faiss.write_index(index, str(tmp_path / "x.faiss"))
    with pytest.raises(KnowledgeError, match=r"doesn't give its vectors back.*--keep-vectors"):
        vectors_in(tmp_path / "x.faiss")


def test_an_index_that_is_not_there_or_damaged(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeError, match="There is no FAISS index"):
        vectors_in(tmp_path / "x.faiss")
    (tmp_path / "x.faiss").write_bytes(b"IxF2" + b"\xff" * 50)
    with pytest.raises(KnowledgeError, match="can't be read by FAISS"):
        vectors_in(tmp_path / "x.faiss")


def test_an_empty_index(tmp_path: Path) -> None:
    faiss.write_index(faiss.IndexFlatL2(DIMENSION), str(tmp_path / "x.faiss"))
    assert vectors_in(tmp_path / "x.faiss").shape == (0, DIMENSION)
