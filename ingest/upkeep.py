"""The commands that look after the knowledge base: doctor, backup, restore and stats. All of them
are for the whole data folder, with all its collections."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import KnowledgeError
from assistant.knowledge.folder import Folder
from assistant.knowledge.index import snapshot
from assistant.knowledge.index.snapshot import SnapshotError
from assistant.knowledge.spaces import SERVING, Space, list_spaces
from ingest.outcome import DONE, FAILED, Call, Outcome

if TYPE_CHECKING:
    from assistant.knowledge.backup import Manifest
    from assistant.knowledge.vector_checks import Embedder

_TEXTS = {
    "en": {
        "repaired": "repaired",
        "left": "not repaired",
        "found": "found",
        "note": "note",
        "healthy": "Nothing is wrong: {sources} sources and {chunks} chunks in {collections} "
        "collections.",
        "nothing": "There is no knowledge base yet.",
        "written": "{path}: {sources} sources, {chunks} chunks and {uploads} uploaded files.",
        "restored": "Restored as of {created}: {sources} sources, {chunks} chunks and {uploads} "
        "uploaded files.",
        "columns": "collection sources chunks model dim metric precision index recall vectors",
        "bytes": "database {database}, index {index}, uploads {uploads}; {per_chunk} a chunk",
    },
    "zh": {
        "repaired": "已修复",
        "left": "未修复",
        "found": "发现",
        "note": "提示",
        "healthy": "未发现问题：{collections} 个知识库，{sources} 个来源，{chunks} 个片段。",
        "nothing": "尚无知识库。",
        "written": "{path}：{sources} 个来源，{chunks} 个片段，{uploads} 个上传的文件。",
        "restored": "已恢复到 {created}：{sources} 个来源，{chunks} 个片段，"
        "{uploads} 个上传的文件。",
        "columns": "知识库 来源 片段 模型 维度 度量 精度 索引 召回率 向量",
        "bytes": "数据库 {database}，索引 {index}，上传文件 {uploads}；每个片段 {per_chunk}",
    },
}


def doctor(call: Call) -> Outcome:
    from assistant.knowledge.doctor import checkup

    def embedder() -> Embedder:
        from assistant.models.embedding.choice import open_embeddings

        return open_embeddings(call.settings)

    is_check = bool(call.arguments.check)
    done = checkup(
        call.settings.data_dir,
        repair=not is_check,
        deep=call.arguments.deep,
        embedder=embedder,
        index_kind=call.settings.vector_index,
    )
    words = _TEXTS[call.language]
    lines = []
    for one in done.findings:
        state = "repaired" if one.repaired else "left" if one.is_fault else "note"
        state = "found" if state == "left" and is_check else state
        lines.append(f"[{words[state]}] {one.message.text(call.language)}")
    if not any(one.is_fault for one in done.findings):
        lines.append(words["healthy" if done.checked else "nothing"].format(**done.checked))
    rows = [
        {
            "check": one.check,
            "message": one.message.text(call.language),
            "repaired": one.repaired,
            "fault": one.is_fault,
        }
        for one in done.findings
    ]
    code = DONE if done.is_healthy else FAILED
    return Outcome({"findings": rows, "checked": done.checked}, lines, code=code)


def backup(call: Call) -> Outcome:
    from assistant.knowledge.backup import backup as write

    path = Path(call.arguments.file).expanduser().absolute()
    with call.knowledge() as knowledge:
        manifest = write(knowledge.folder, path)
    told = {"path": str(path), **manifest.counts}
    data = {"file": str(path), "bytes": path.stat().st_size, **_manifest(manifest)}
    return Outcome(data, [_TEXTS[call.language]["written"].format(**told)])


def restore(call: Call) -> Outcome:
    from assistant.knowledge.restore import restore as bring_back

    path = Path(call.arguments.file).expanduser().absolute()
    if not path.is_file():
        raise KnowledgeError(
            "There is no file {path}: name one that backup wrote.",
            "没有文件 {path}：请指定由 backup 生成的文件。",
            path=path,
        )
    with call.knowledge() as knowledge:
        manifest = bring_back(knowledge.folder, path, replace=call.arguments.replace)
    line = _TEXTS[call.language]["restored"]
    told = {"created": manifest.created, **manifest.counts}
    return Outcome({"file": str(path), **_manifest(manifest)}, [line.format(**told)])


def _manifest(manifest: Manifest) -> dict[str, object]:
    return {"created": manifest.created, "schema": manifest.schema, "counts": manifest.counts}


def stats(call: Call) -> Outcome:
    with call.knowledge() as knowledge:
        folder = knowledge.folder
        counts = knowledge.stats()
        with folder.database.read() as connection:
            spaces = list_spaces(connection, state=SERVING)
        database = folder.database.path
        sizes = {
            "database": _size([database, database.with_name(f"{database.name}-wal")]),
            "index": _size(folder.index_dir.glob("*")),
            "uploads": _size(call.settings.upload_dir.rglob("*")),
        }
    collections = {
        space.collection: {**counts[space.collection], **_of_space(folder, space)}
        for space in sorted(spaces, key=lambda one: one.collection)
        if space.collection in counts
    }
    chunks = sum(int(one["chunks"]) for one in counts.values())
    per_chunk = round((sizes["database"] + sizes["index"]) / chunks) if chunks else None
    data = {"collections": collections, "bytes": {**sizes, "per_chunk": per_chunk}}
    return Outcome(data, _stats_lines(collections, sizes, per_chunk, _TEXTS[call.language]))


def _of_space(folder: Folder, space: Space) -> dict[str, object]:
    """Its form, and what its index file says of itself."""
    index = None
    try:
        path = folder.index_path(space.id)
        about = snapshot.glance(path)
        index = {
            "kind": about.kind,
            "recall": about.recall,
            "vectors": about.count,
            "bytes": path.stat().st_size,
        }
    except (OSError, SnapshotError):
        pass  # none yet, or doctor's matter
    return {
        "fingerprint": space.fingerprint,
        "dimension": space.form.dimension,
        "metric": space.form.metric,
        "precision": space.form.precision,
        "index": index,
    }


def _size(paths: Iterable[Path]) -> int:
    total = 0
    for path in paths:
        try:
            total += path.stat().st_size if path.is_file() else 0
        except FileNotFoundError:  # removed meanwhile
            continue
    return total


def _stats_lines(
    collections: Mapping[str, Mapping[str, object]],
    sizes: Mapping[str, int],
    per_chunk: int | None,
    words: Mapping[str, str],
) -> list[str]:
    rows = [words["columns"].split()]
    for name, one in collections.items():
        index = one["index"] if isinstance(one["index"], dict) else {}
        recall = index.get("recall")
        rows.append(
            [
                *(name, str(one["sources"]), str(one["chunks"]), str(one["fingerprint"])),
                *(str(one["dimension"]), str(one["metric"]), str(one["precision"])),
                *(str(index.get("kind", "-")), "-" if recall is None else f"{recall:.3f}"),
                str(index.get("vectors", "-")),
            ]
        )
    shown = {name: _readable(size) for name, size in sizes.items()}
    shown["per_chunk"] = "-" if per_chunk is None else _readable(per_chunk)
    return [*_table(rows), words["bytes"].format(**shown)]


def _table(rows: Sequence[Sequence[str]]) -> list[str]:
    widths = [max(_width(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in rows
    ]


def _width(text: str) -> int:
    """Columns on a terminal: Chinese characters take two."""
    return sum(2 if ord(char) > 0x2E7F else 1 for char in text)


def _readable(size: float) -> str:
    for unit in ("B", "KB", "MB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GB"


COMMANDS: Mapping[str, Callable[[Call], Outcome]] = {
    "stats": stats,
    "doctor": doctor,
    "backup": backup,
    "restore": restore,
}
