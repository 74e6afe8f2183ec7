"""Put a backup in the place of a data folder's content, while apps use it.

1. The backup is unpacked and verified in ``DATA_DIR/restore.tmp``; an older one is migrated.
2. Its vector spaces get numbers that this folder never used, each with a log that begins anew: no
   index that is in memory, being built or in a file can be taken for one of theirs. (The log alone
   can't tell: an index built while rows were deleted, after the backup, has the backup's cursor and
   lacks these rows.)
3. It is copied over the live database in one transaction (``overwriting``).
4. The uploaded files are moved in; files that no source names any more are removed.

Killed before the third step's end, nothing has changed; after it, the next doctor or restore does
the fourth.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

from assistant.errors import KnowledgeError, KnowledgeLocked
from assistant.knowledge.backup import (
    UPLOADS,
    Manifest,
    alone,
    damaged,
    unpack,
    uploaded,
    uploads_of,
)
from assistant.knowledge.changes import ChangeLog
from assistant.knowledge.checks import Fault
from assistant.knowledge.database import Database
from assistant.knowledge.file_checks import remove_strays
from assistant.knowledge.folder import DATABASE_NAME, Folder
from assistant.knowledge.overwriting import open_unsafe, overwrite, raise_sequence

_STAGING = "restore.tmp"
_PLAN = "plan.json"


class _Outrun(Exception):
    """Another process made a vector space meanwhile; the numbers are to be given anew."""


def restore(folder: Folder, path: Path, *, replace: bool = False) -> Manifest:
    """Make the backup at ``path`` the content of ``folder``.

    Args:
        replace: also where there are sources already; these are gone then.

    Raises:
        KnowledgeError: there are sources and ``replace`` is False, or the backup is not whole or of
            a newer version. Nothing was changed.
        KnowledgeLocked: others wrote for the whole wait, or a backup or restore is running.
    """
    with alone(folder):
        finish(folder)
        if not replace:
            _check_empty(folder)
        staging = folder.data_dir / _STAGING
        try:
            staging.mkdir()
            manifest = _staged(folder, path, staging)
        except OSError as error:
            raise _no_room(staging, error) from error
        finally:
            # Once switched, what is staged belongs in its place, whatever happens.
            if not _is_switched(folder, staging):
                shutil.rmtree(staging, ignore_errors=True)
        finish(folder)
        return manifest


def _staged(folder: Folder, path: Path, staging: Path) -> Manifest:
    """Unpack, prepare and switch."""
    manifest = unpack(path, staging)
    _migrate(staging / DATABASE_NAME, path)
    _move_uris(staging / DATABASE_NAME, manifest.uploads_dir, folder)
    while not _switch(folder, staging, manifest):
        pass
    return manifest


def _no_room(place: Path, error: OSError) -> KnowledgeError:
    return KnowledgeError(
        "{place} can't be written ({reason}): make room on the disk and run the command again.",
        "无法写入 {place}（{reason}）：请清理磁盘空间后重试。",
        place=place,
        reason=error.strerror or error,
    )


def unfinished(folder: Folder, _: bool) -> Iterator[Fault]:
    """A restore that was killed, for the doctor."""
    if not (folder.data_dir / _STAGING).exists():
        return
    try:
        with alone(folder):
            pass
    except KnowledgeLocked:
        return  # it is running
    message = KnowledgeError(
        "A restore was killed before its end.", "有一次恢复在完成前被强制结束。"
    )
    yield Fault("restore", message, partial(_finish_alone, folder))


def _finish_alone(folder: Folder) -> None:
    with alone(folder):
        finish(folder)


def finish(folder: Folder) -> None:
    """The end of a restore that got as far as the switch, or no trace of one that didn't. The
    caller is :func:`alone`."""
    staging = folder.data_dir / _STAGING
    if not staging.exists():
        return
    try:
        if _is_switched(folder, staging):
            plan = json.loads((staging / _PLAN).read_text("utf-8"))
            _place_uploads(folder, staging / UPLOADS, set(plan["uploads"]), plan["begun"])
            remove_strays(folder)
        shutil.rmtree(staging)
    except OSError as error:
        raise _no_room(uploads_of(folder), error) from error


def _check_empty(folder: Folder) -> None:
    with folder.database.read() as connection:
        count = connection.execute("SELECT count(*) FROM sources").fetchone()[0]
    if count:
        raise KnowledgeError(
            "The knowledge base holds {count} sources, which a restore would delete: back it up "
            "and run the restore with --replace.",
            "知识库中已有 {count} 个来源，恢复会将其删除：请先备份，再加 --replace 运行恢复。",
            count=count,
        )


def _migrate(staged: Path, path: Path) -> None:
    """Bring the staged database to this version, and look at every page of it."""
    try:
        database = Database(staged)
        with closing(database), database.read() as connection:
            found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except KnowledgeError as error:
        raise damaged(path, str(error), error.text("zh")) from error
    if found != "ok":
        raise damaged(path, found, found)


def _move_uris(staged: Path, before: str, folder: Folder) -> None:
    """Uploaded files are named by their paths: those of another data folder become this one's."""
    now = str(uploads_of(folder))
    if before == now or not before:
        return
    with closing(open_unsafe(staged)) as connection:
        connection.execute(
            "UPDATE OR IGNORE sources SET uri = ?1 || substr(uri, length(?2) + 1) "
            "WHERE substr(uri, 1, length(?2) + 1) = ?2 || '/'",
            (now, before),
        )


def _switch(folder: Folder, staging: Path, manifest: Manifest) -> bool:
    """False where another process made a space before the switch."""
    last = _last_numbers(folder)
    plan = {
        "spaces": _renumber(staging / DATABASE_NAME, last),
        "uploads": [name for name in manifest.members if name.startswith(UPLOADS + "/")],
        "begun": time.time(),
    }
    (staging / _PLAN).write_text(json.dumps(plan), "utf-8")

    def check() -> None:
        if _last_numbers(folder).get("spaces") != last.get("spaces"):
            raise _Outrun

    try:
        with closing(folder.database.connect()) as live:
            overwrite(staging / DATABASE_NAME, live, check)
    except _Outrun:
        return False
    folder.wrote()
    return True


def _last_numbers(folder: Folder) -> dict[str, int]:
    """The highest number that a row of each table has had."""
    with folder.database.read() as connection:
        return dict(connection.execute("SELECT name, seq FROM sqlite_sequence").fetchall())


def _renumber(staged: Path, numbers: dict[str, int]) -> list[list[int]]:
    """Give all spaces new numbers and logs: (number, stamp) of each. New rows of the other tables
    will have new numbers, too: a link to a source never leads to another."""
    last = numbers.get("spaces", 0)
    with closing(open_unsafe(staged)) as connection:
        connection.execute("BEGIN")
        ids = [row[0] for row in connection.execute("SELECT id FROM spaces ORDER BY id DESC")]
        for space_id in ids:  # from the highest: no number is taken yet
            for table, column in (("spaces", "id"), ("vectors", "space_id")):
                connection.execute(
                    f"UPDATE {table} SET {column} = {column} + ? WHERE {column} = ?",  # noqa: S608
                    (last, space_id),
                )
        connection.execute("DELETE FROM vectors WHERE space_id NOT IN (SELECT id FROM spaces)")
        connection.execute("DELETE FROM changes")
        log = ChangeLog(connection)
        for space_id in ids:
            log.delete(space_id + last, [0])
        for table, least in {**numbers, "spaces": last + max(ids, default=0)}.items():
            raise_sequence(connection, table, least)
        rows = connection.execute("SELECT space_id, stamp FROM changes").fetchall()
        connection.execute("COMMIT")
    return [list(row) for row in rows]


def _is_switched(folder: Folder, staging: Path) -> bool:
    """Whether the live database is the staged one."""
    try:
        plan: dict[str, Any] = json.loads((staging / _PLAN).read_text("utf-8"))
        spaces = {tuple(one) for one in plan["spaces"]}
    except (OSError, ValueError, KeyError):
        return False  # killed before it was ready
    with folder.database.read() as connection:
        live = {tuple(row) for row in connection.execute("SELECT space_id, stamp FROM changes")}
        is_empty = connection.execute("SELECT 1 FROM spaces").fetchone() is None
    return spaces <= live if spaces else is_empty


def _place_uploads(folder: Folder, staged: Path, names: set[str], begun: float) -> None:
    """Move the files in, one by one; then remove those from before that no source names."""
    uploads = uploads_of(folder)
    for path in uploaded(staged):
        target = uploads / path.relative_to(staged)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    with folder.database.read() as connection:
        named = {row[0] for row in connection.execute("SELECT uri FROM sources")}
    for path in list(uploaded(uploads)):
        name = f"{UPLOADS}/{path.relative_to(uploads).as_posix()}"
        if name in names or str(path) in named:
            continue
        with suppress(FileNotFoundError):  # deleted by the app
            if path.stat().st_mtime < begun:
                path.unlink()
                if not any(path.parent.iterdir()):
                    path.parent.rmdir()
