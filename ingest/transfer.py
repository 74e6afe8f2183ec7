"""``python -m ingest export`` and ``import``: a collection as JSON lines; LangChain's folders."""

from __future__ import annotations

import gzip
import io
import os
import secrets
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from assistant.errors import KnowledgeError
from assistant.knowledge.transfer import (
    BATCH,
    Imported,
    export_lines,
    import_lines,
    lines_of,
)
from ingest.outcome import Call, Outcome
from ingest.reasons import os_reason

if TYPE_CHECKING:
    from assistant.knowledge.langchain_folder import LangChainFolder
    from ingest.pipeline import Pipeline

STANDARD = "-"  # input or output
WRONG_USE = 2

_TEXTS = {
    "en": {
        "exported": "{sources} sources, {chunks} chunks: {file}",
        "imported": "{sources} sources: {added} chunks added, {kept} there already, {removed} "
        "removed",
        "texts": "{texts} texts from {folder}",
        "converted": "Metadata said as text or number: {types}",
        "bar": "importing",
    },
    "zh": {
        "exported": "{sources} 个来源，{chunks} 个片段：{file}",
        "imported": "{sources} 个来源：新增 {added} 个片段，已有 {kept} 个，删除 {removed} 个",
        "texts": "从 {folder} 导入 {texts} 段文本",
        "converted": "已转换为文本或数字的元数据：{types}",
        "bar": "导入",
    },
}


def export(call: Call) -> Outcome:
    """Write the collection to a file, whole or not at all, or to standard output."""
    name = call.arguments.file
    if name == STANDARD and call.arguments.json:
        return _wrong_use(
            "--json prints a report on standard output, where the collection would be: name a "
            "FILE, or leave --json out.",
            "--json 会向标准输出打印报告，与导出内容冲突：请指定 FILE，或去掉 --json。",
        )
    counts = {"sources": 0, "chunks": 0}
    with (
        call.knowledge() as knowledge,
        closing(export_lines(knowledge, vectors=not call.arguments.no_vectors)) as lines,
        _written(name) as file,
    ):
        for line in lines:
            file.write(line)
            counts["sources"] += line.startswith(b'{"source"')
            counts["chunks"] += line.startswith(b'{"chunk"')
    if name == STANDARD:
        return Outcome({})
    told = _TEXTS[call.language]["exported"].format(**counts, file=name)
    return Outcome({"file": str(Path(name).absolute()), **counts}, [told])


def bring_in(call: Call) -> Outcome:
    """``import``: what export wrote, or a LangChain folder."""
    arguments = call.arguments
    if arguments.langchain is None:
        if arguments.keep_vectors or arguments.index_name is not None:
            return _wrong_use(
                "--keep-vectors and --index-name are for --langchain DIR.",
                "--keep-vectors 和 --index-name 只能与 --langchain DIR 一起使用。",
            )
        return _import_file(call)
    if arguments.embed:
        return _wrong_use(
            "--embed is for a FILE: the texts of --langchain DIR are embedded unless "
            "--keep-vectors is given.",
            "--embed 只用于 FILE：--langchain DIR 的文本默认会重新生成向量，除非指定 "
            "--keep-vectors。",
        )
    return _import_langchain(call)


def _import_file(call: Call) -> Outcome:
    done = Imported()
    with (
        call.pipeline() as pipeline,
        _opened(call.arguments.file) as file,
        _bar(call.language) as bar,
    ):
        embed = pipeline.embeddings.embed_passages if call.arguments.embed else None
        for done in import_lines(pipeline.knowledge, lines_of(file), embed):
            bar.total = max(done.total, done.chunks)
            bar.update(done.chunks + done.embedded - bar.n)
    counts = {name: getattr(done, name) for name in ("sources", "added", "kept", "removed")}
    return Outcome(counts, [_TEXTS[call.language]["imported"].format(**counts)])


def _import_langchain(call: Call) -> Outcome:
    from assistant.knowledge.langchain_folder import read_langchain_folder

    folder, index_name = Path(call.arguments.langchain), call.arguments.index_name or "index"
    found = read_langchain_folder(folder, index_name)
    with call.pipeline() as pipeline, _bar(call.language) as bar:
        bar.total = len(found.texts)
        if call.arguments.keep_vectors:
            steps = _with_vectors(pipeline, found, folder / f"{index_name}.faiss")
        else:
            steps = _embedded(pipeline, found)
        for step in steps:
            bar.update(step)
    words = _TEXTS[call.language]
    lines = [words["texts"].format(texts=len(found.texts), folder=folder)]
    if found.converted:
        types = ", ".join(f"{name} {count}" for name, count in sorted(found.converted.items()))
        lines.append(words["converted"].format(types=types))
    return Outcome({"texts": len(found.texts), "converted": found.converted}, lines)


def _embedded(pipeline: Pipeline, found: LangChainFolder) -> Iterator[int]:
    for start in range(0, len(found.texts), BATCH):
        part = slice(start, start + BATCH)
        yield len(
            pipeline.knowledge.add_texts(
                found.texts[part], found.metadatas[part], ids=found.ids[part]
            )
        )


def _with_vectors(pipeline: Pipeline, found: LangChainFolder, path: Path) -> Iterator[int]:
    from assistant.knowledge.index.foreign import vectors_in
    from assistant.knowledge.texts import new_texts

    vectors = vectors_in(path)
    if not all(0 <= row < len(vectors) for row in found.rows):
        raise KnowledgeError(
            "Some of the {texts} documents have no vector among the {vectors} of {path}: import "
            "without --keep-vectors.",
            "{texts} 个文档中有一部分在 {path} 的 {vectors} 个向量中没有对应的向量：请去掉 "
            "--keep-vectors 重新导入。",
            texts=len(found.texts),
            vectors=len(vectors),
            path=path,
        )
    dimension = pipeline.embeddings.dimension
    if vectors.shape[1] != dimension:
        raise KnowledgeError(
            "The vectors of {path} have {theirs} numbers, those of the embedding model {ours}: "
            "they are another model's; import without --keep-vectors, or set EMBEDDING_MODEL.",
            "{path} 的向量为 {theirs} 维，而嵌入模型为 {ours} 维：它们来自另一个模型；请去掉 "
            "--keep-vectors 重新导入，或修改 EMBEDDING_MODEL。",
            path=path,
            theirs=vectors.shape[1],
            ours=dimension,
        )
    for start in range(0, len(found.texts), BATCH):
        part = slice(start, start + BATCH)
        texts = new_texts(found.texts[part], found.metadatas[part], found.ids[part])
        pipeline.knowledge.upsert_embedded(texts, vectors[found.rows[part]])
        yield len(texts)


def _bar(language: str) -> Any:
    """On standard error, for terminals only."""
    from tqdm import tqdm

    return tqdm(desc=_TEXTS[language]["bar"], disable=None, delay=0.5, dynamic_ncols=True)


@contextmanager
def _opened(name: str) -> Iterator[BinaryIO]:
    """A file or standard input, unpacked where it is gzip's.

    Raises:
        KnowledgeError: it can't be read.
    """
    try:
        with _raw(name) as raw:
            is_packed = raw.peek(2)[:2] == b"\x1f\x8b"
            yield cast(BinaryIO, gzip.GzipFile(fileobj=raw)) if is_packed else raw
    except OSError as error:
        raise KnowledgeError(
            "{name} can't be read: {reason}.",
            "{name} 无法读取：{reason_zh}。",
            name=name,
            **os_reason(error),
        ) from error


@contextmanager
def _raw(name: str) -> Iterator[io.BufferedReader]:
    if name == STANDARD:
        yield cast(io.BufferedReader, sys.stdin.buffer)
        return
    with Path(name).expanduser().open("rb") as file:
        yield file


@contextmanager
def _written(name: str) -> Iterator[BinaryIO]:
    """Standard output, or a file that is there when it is whole; packed if it is a .gz.

    Raises:
        KnowledgeError: it can't be written. Nothing is left, and an older file stays.
    """
    if name == STANDARD:
        yield sys.stdout.buffer
        return
    path = Path(name).expanduser().resolve()
    if path.exists() and not path.is_file():
        raise KnowledgeError(
            "{path} is no file: name one, or leave FILE out and lead standard output there.",
            "{path} 不是普通文件：请指定文件，或省略 FILE 并重定向标准输出。",
            path=path,
        )
    beside = path.with_name(f"{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with beside.open("xb") as file:
            if path.suffix == ".gz":
                with gzip.GzipFile(filename="", fileobj=file, mode="wb") as packed:
                    yield cast(BinaryIO, packed)
            else:
                yield file
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError as error:
        raise KnowledgeError(
            "{path} can't be written: {reason}. Nothing was left there.",
            "{path} 无法写入：{reason_zh}。未留下任何文件。",
            path=path,
            **os_reason(error),
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def _wrong_use(english: str, chinese: str) -> Outcome:
    return Outcome({}, errors=[KnowledgeError(english, chinese)], code=WRONG_USE)


COMMANDS: Mapping[str, Callable[[Call], Outcome]] = {"export": export, "import": bring_in}
