"""Reads the folder of LangChain's FAISS wrapper: the texts of its pickle, and none of its code.

A pickle is a program that may name anything in Python. Here it may name only what such a folder
needs, and each of these is a stand-in that takes values and does nothing; before it runs, its
opcodes are read through for those that ask for memory which the file has nothing to put into.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.errors import KnowledgeError
from assistant.knowledge.langchain_values import (
    STAND_INS,
    Docstore,
    LangChainDocument,
    Plain,
    Refused,
)

#: What a damaged or hostile pickle makes the standard library raise.
_FAULTS = (
    *(pickle.UnpicklingError, EOFError, ArithmeticError, AttributeError, LookupError),
    *(TypeError, ValueError, RecursionError, MemoryError),
)
#: Python 2's names, which old protocols still write.
_RENAMED = {"copy_reg": "copyreg", "__builtin__": "builtins"}


@dataclass(frozen=True)
class LangChainFolder:
    """The documents of a folder, in the order of their vectors; those without one come last."""

    texts: list[str]
    metadatas: list[dict[str, object]]
    ids: list[str]
    rows: list[int]  # of the vector in index.faiss; -1 where it has none
    converted: dict[str, int]  # metadata values that JSON doesn't have, said otherwise; by type


def read_langchain_folder(folder: Path, index_name: str = "index") -> LangChainFolder:
    """The documents that ``FAISS.save_local(folder, index_name)`` wrote.

    Raises:
        KnowledgeError: the pickle isn't there, is damaged, names what no such folder needs, or
            holds metadata that can't be said in JSON.
    """
    path = folder / f"{index_name}.pkl"
    try:
        loaded, size = _load(path)
        return _documents(loaded, Plain(size))
    except Refused as error:
        raise KnowledgeError(
            "{path} names {name}, which the documents of a LangChain folder don't need: nothing "
            "was run or imported. If you trust the file, open it with LangChain, give its metadata "
            "plain texts and numbers, and save it again.",
            "{path} 引用了 {name}，LangChain 文件夹中的文档不需要它：未执行、未导入任何内容。"
            "如果信任该文件，请用 LangChain 打开，把元数据改为普通文本和数字后重新保存。",
            path=path,
            name=error,
        ) from error
    except FileNotFoundError as error:
        raise KnowledgeError(
            "There is no {path}: name the folder that FAISS.save_local wrote, and --index-name if "
            "it has another name than index.",
            "没有 {path}：请指定 FAISS.save_local 写出的目录；若索引名不是 index，请加 "
            "--index-name。",
            path=path,
        ) from error
    except _FAULTS as error:
        raise _unreadable(path, str(error) or type(error).__name__) from error
    except OSError as error:
        raise _unreadable(path, error.strerror or str(error)) from error


def _load(path: Path) -> tuple[object, int]:
    """What the pickle holds, and its size in bytes."""
    data = path.read_bytes()
    _check_opcodes(data)
    return _Unpickler(io.BytesIO(data)).load(), len(data)


def _check_opcodes(data: bytes) -> None:
    """Raises ValueError where a length or a place in the memo is beyond the file's own size: ten
    bytes could ask for gigabytes."""
    for opcode, argument, _ in pickletools.genops(data):
        if opcode.name in _SIZED and isinstance(argument, int) and argument > len(data):
            raise ValueError(f"{opcode.name} {argument} in a file of {len(data)} bytes")


_SIZED = ("PUT", "BINPUT", "LONG_BINPUT", "FRAME")


class _Unpickler(pickle.Unpickler):
    """Finds the stand-ins and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        known = STAND_INS.get((_RENAMED.get(module, module), name))
        if known is None:
            raise Refused(f"{module}.{name}")
        return known


def _documents(loaded: object, plain: Plain) -> LangChainFolder:
    docstore, rows = _pair(loaded)
    made = LangChainFolder([], [], [], [], {})
    converted: Counter[str] = Counter()
    for row, key in _in_order(docstore, rows):
        document = docstore[key]
        if not isinstance(document, LangChainDocument):
            raise ValueError(f"document {key!r} is a {type(document).__name__}")
        fields = document.fields
        text, metadata = fields.get("page_content"), fields.get("metadata") or {}
        if not isinstance(text, str) or not isinstance(metadata, dict):
            raise ValueError(f"document {key!r} has no text, or its metadata is no mapping")
        made.texts.append(text)
        made.metadatas.append(plain.mapping(metadata, converted))
        made.ids.append(str(plain.of(key, converted)))
        made.rows.append(row)
    doubled = [one for one, count in Counter(made.ids).items() if count > 1]
    if doubled:
        raise ValueError(f"the id {doubled[0]!r} comes twice")
    made.converted.update(converted)
    return made


def _pair(loaded: object) -> tuple[dict[Any, object], dict[Any, Any]]:
    """The documents by their ids, and the ids by the rows of their vectors."""
    if not isinstance(loaded, tuple) or len(loaded) != 2:
        raise ValueError("it holds no docstore and rows")
    docstore, rows = loaded
    if not isinstance(docstore, Docstore) or not isinstance(rows, dict):
        raise ValueError("it holds no docstore and rows")
    documents = docstore.fields.get("_dict")
    if not isinstance(documents, dict):
        raise ValueError("its docstore holds no documents")
    if not all(isinstance(row, int) and row >= 0 for row in rows):
        raise ValueError("its rows are no numbers")
    return documents, rows


def _in_order(docstore: dict[Any, object], rows: dict[Any, Any]) -> Iterator[tuple[int, Any]]:
    """(row, key) of each document once."""
    seen = set()
    for row in sorted(rows):
        key = rows[row]
        if key not in docstore:
            raise ValueError(f"row {row} is of document {key!r}, which isn't there")
        if key not in seen:
            yield row, key
        seen.add(key)
    yield from ((-1, key) for key in docstore if key not in seen)


def _unreadable(path: Path, reason: str) -> KnowledgeError:
    return KnowledgeError(
        "{path} can't be read ({reason}): it isn't what FAISS.save_local writes, or it is damaged; "
        "bring it back from a backup.",
        "无法读取 {path}（{reason}）：它不是 FAISS.save_local 写出的文件，或已损坏；请从备份恢复。",
        path=path,
        reason=reason,
    )
