"""``python -m ingest doctor``: every invariant of a data folder, checked and made to hold again.

Each check looks in a transaction of its own and repairs what it found in others, so that a live app
goes on beside it. A damaged database file is another matter: what can be read of it is carried into
a new one (``salvage``), for which no other process may have it open.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from assistant.errors import AssistantError, KnowledgeError, KnowledgeLocked
from assistant.knowledge import checks, file_checks, keyword_checks, reference_checks, vector_checks
from assistant.knowledge.checks import Fault, is_damage
from assistant.knowledge.folder import DATABASE_NAME, Folder
from assistant.knowledge.restore import unfinished
from assistant.knowledge.salvage import Salvaged, salvage
from assistant.knowledge.vector_checks import OpenEmbedder

logger = logging.getLogger(__name__)

Check = Callable[[Folder, bool], Iterable[Fault]]

#: In the order that repairs build on each other.
CHECKS: tuple[Check, ...] = (
    unfinished,
    checks.pages,
    checks.tables,
    checks.content,
    reference_checks.references,
    reference_checks.spaces,
    checks.counts,
    checks.fields,
    keyword_checks.keywords,
    vector_checks.vectors,
    file_checks.index_files,
    file_checks.leftovers,
)
#: What must be in order before anything else can be looked at.
_BASE = ("database", "tables")


@dataclass(frozen=True)
class Finding:
    """``is_fault`` is False for what is only worth knowing."""

    check: str
    message: KnowledgeError
    repaired: bool
    is_fault: bool = True


@dataclass(frozen=True)
class Checkup:
    findings: list[Finding] = field(default_factory=list)
    checked: dict[str, int] = field(default_factory=dict)

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is left to repair."""
        return all(one.repaired or not one.is_fault for one in self.findings)


def checkup(
    data_dir: Path,
    *,
    repair: bool,
    deep: bool = False,
    embedder: OpenEmbedder | None = None,
    index_kind: str = "auto",
) -> Checkup:
    """Examine a data folder that this process doesn't have open; salvage its database if that is
    damaged.

    Raises:
        KnowledgeLocked: others write, or have a damaged database open.
        KnowledgeError: nothing can be read of a damaged database, or it is of a newer version.
    """
    if not (data_dir / DATABASE_NAME).exists():
        return Checkup()
    look = partial(_look, data_dir, index_kind, repair=repair, deep=deep, embedder=embedder)
    first = look()
    if not repair or all(one.check != "database" or one.repaired for one in first.findings):
        return first
    saved = _told(salvage(data_dir))
    second = look()
    before = [one for one in first.findings if one.check != "database"]
    return Checkup([*before, *saved, *second.findings], second.checked)


def _look(
    data_dir: Path, index_kind: str, *, repair: bool, deep: bool, embedder: OpenEmbedder | None
) -> Checkup:
    try:
        folder = Folder(data_dir, index_kind=index_kind)
    except KnowledgeError as error:
        if not is_damage(error):
            raise
        return Checkup([Finding("database", error, repaired=False)])
    with closing(folder):
        findings = examine(folder, repair=repair, deep=deep, embedder=embedder)
        is_readable = all(one.check not in _BASE or one.repaired for one in findings)
        return Checkup(findings, count(folder) if is_readable else {})


def examine(
    folder: Folder, *, repair: bool, deep: bool = False, embedder: OpenEmbedder | None = None
) -> list[Finding]:
    """What is wrong in a data folder; safe beside live apps and writers.

    Args:
        repair: also repair it. A damaged database file is not: that is :func:`checkup`'s.
        deep: also compare every text, word and index entry; FTS5's own check keeps others from
            writing for some seconds.
        embedder: opens the embedding model, called only if vectors are missing.

    Raises:
        KnowledgeLocked: others wrote for the whole wait of a repair.
    """
    findings: list[Finding] = []
    for check in CHECKS:
        look: Check = check
        if check is vector_checks.vectors:
            look = partial(vector_checks.vectors, embedder=embedder)
        try:
            findings += _run(look, folder, repair, deep)
        except KnowledgeError as error:
            if not is_damage(error):
                raise
            findings.append(Finding("database", error, repaired=False))
        if any(one.check in _BASE and not one.repaired for one in findings):
            break  # the others would stumble
    return findings


def _run(check: Check, folder: Folder, repair: bool, deep: bool) -> list[Finding]:
    faults = list(check(folder, deep))
    if not repair or not any(fault.repair for fault in faults):
        return [Finding(one.check, one.message, False, one.is_wrong) for one in faults]
    failed = [error for fault in faults if (error := _repair(fault)) is not None]
    left = {fault.key: fault for fault in check(folder, deep)}
    done = [one for one in faults if one.key not in left]
    return [
        *(Finding(one.check, one.message, True, one.is_wrong) for one in done),
        *(Finding(one.check, one.message, False, one.is_wrong) for one in left.values()),
        *(Finding(one.check, error, False) for one, error in failed if one.key in left),
    ]


def _repair(fault: Fault) -> tuple[Fault, KnowledgeError] | None:
    """Why the repair failed, if it did."""
    try:
        if fault.repair is not None:
            fault.repair()
    except KnowledgeLocked:
        raise
    except (AssistantError, sqlite3.Error, OSError) as error:
        if is_damage(error):
            raise
        logger.warning("A repair failed.", exc_info=error)
        return fault, KnowledgeError(
            "That can't be repaired now: {reason}",
            "目前无法修复：{reason_zh}",
            reason=error,
            reason_zh=error.text("zh") if isinstance(error, AssistantError) else error,
        )
    return None


def _told(saved: Salvaged) -> list[Finding]:
    message = KnowledgeError(
        "The database file was damaged: {chunks} chunks of {sources} sources were carried into a "
        "new one; the damaged one is kept as {aside}.",
        "数据库文件已损坏：已将 {sources} 个来源的 {chunks} 个片段转入新数据库；"
        "损坏的文件保留为 {aside}。",
        chunks=saved.chunks,
        sources=saved.sources,
        aside=saved.aside.name,
    )
    lost = [
        KnowledgeError(
            "{lost} of {count} chunks of {uri} are lost: add it again.",
            "{uri} 的 {count} 个片段中有 {lost} 个丢失：请重新添加。",
            lost=one.lost,
            count=one.of,
            uri=one.uri,
        )
        for one in saved.losses
    ]
    return [
        Finding("database", message, repaired=True),
        *(Finding("lost", one, repaired=False) for one in lost),
    ]


def count(folder: Folder) -> dict[str, int]:
    """How much there is of what was checked."""
    with folder.database.read() as connection:
        found = {
            name: int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608
            for name, table in _COUNTED.items()
        }
    return {**found, "index_files": len(list(folder.index_dir.glob("*.faiss")))}


_COUNTED = {
    "collections": "collections",
    "spaces": "spaces",
    "sources": "sources",
    "chunks": "chunks",
    "keyword_rows": "chunk_words_docsize",
    "vectors": "vectors",
}
