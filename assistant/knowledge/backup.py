"""A backup: one tar file with the database, the uploaded files and a manifest of their checksums.

The manifest comes last, so a file that was cut short has none. Nothing in it is pickled or
compressed; what is unpacked are regular files with plain names, verified before they are used.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import secrets
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from assistant.errors import KnowledgeError, KnowledgeLocked
from assistant.knowledge.disk import exclusive, make_folder, sync
from assistant.knowledge.folder import DATABASE_NAME, Folder
from assistant.knowledge.migrations import SCHEMA_VERSION

FORMAT = "conversational-rag-backup"
VERSION = 1
UPLOADS = "uploads"
_MANIFEST = "manifest.json"
_BLOCK = 1 << 20
_LARGEST_MANIFEST = 1 << 28


@dataclass(frozen=True)
class Member:
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a backup says of itself."""

    created: str  # ISO 8601, UTC
    schema: int
    counts: dict[str, int]  # collections, sources, chunks, uploads
    uploads_dir: str  # where the uploaded files were: sources are named by their paths
    members: dict[str, Member]

    def to_json(self) -> bytes:
        return json.dumps({"format": FORMAT, "version": VERSION, **asdict(self)}, indent=1).encode()


@contextmanager
def alone(folder: Folder) -> Iterator[None]:
    """Keeps backups and restores of a data folder apart. Raises KnowledgeLocked if one runs."""
    with exclusive(folder.data_dir / "backup.lock") as is_ours:
        if not is_ours:
            raise KnowledgeLocked(
                "A backup or restore of {folder} is running: wait for its end.",
                "正在备份或恢复 {folder}：请等待其完成。",
                folder=folder.data_dir,
            )
        yield


def backup(folder: Folder, path: Path) -> Manifest:
    """Write the knowledge base to ``path``, which must not exist, while others read and write.

    Raises:
        KnowledgeError: ``path`` exists or can't be written. Nothing is left there.
        KnowledgeLocked: a backup or restore of this folder is running.
    """
    _check_free(path)
    make_folder(path.parent)
    token = secrets.token_hex(4)
    database = path.with_name(f"{path.name}.{token}.db.tmp")
    beside = path.with_name(f"{path.name}.{token}.tmp")
    try:
        with alone(folder):
            folder.database.copy_to(database)
            manifest = _write(beside, folder, database)
        _place(beside, path)
    except OSError as error:
        raise KnowledgeError(
            "The backup {path} can't be written ({reason}): name another place, or make room.",
            "无法写入备份 {path}（{reason}）：请换一个位置，或清理磁盘空间。",
            path=path,
            reason=error.strerror or error,
        ) from error
    finally:
        database.unlink(missing_ok=True)
        beside.unlink(missing_ok=True)
    return manifest


def _check_free(path: Path) -> None:
    if path.exists():
        raise KnowledgeError(
            "{path} exists, and backups overwrite nothing: name a new file.",
            "{path} 已存在，备份不会覆盖任何文件：请换一个文件名。",
            path=path,
        )


def _place(beside: Path, path: Path) -> None:
    try:
        os.link(beside, path)  # unlike a rename, it fails where the name was taken meanwhile
    except FileExistsError:
        _check_free(path)
        raise
    except OSError:  # a file system without links
        _check_free(path)
        beside.rename(path)
    sync(path.parent)


def _write(beside: Path, folder: Folder, database: Path) -> Manifest:
    members: dict[str, Member] = {}
    uploads = uploads_of(folder)
    with beside.open("xb") as file:
        with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
            members[DATABASE_NAME] = _add(tar, DATABASE_NAME, database)
            for path in uploaded(uploads):
                name = f"{UPLOADS}/{path.relative_to(uploads).as_posix()}"
                try:
                    members[name] = _add(tar, name, path)
                except FileNotFoundError:  # its source was deleted just now
                    continue
            counts = {**_counts(folder), "uploads": len(members) - 1}
            created = datetime.now(UTC).isoformat(timespec="seconds")
            manifest = Manifest(created, SCHEMA_VERSION, counts, str(uploads), members)
            data = manifest.to_json()
            tar.addfile(_entry(_MANIFEST, len(data)), io.BytesIO(data))
        file.flush()
        os.fsync(file.fileno())
    return manifest


def uploads_of(folder: Folder) -> Path:
    """Where the uploaded files are, as their sources are named."""
    return folder.data_dir.resolve() / UPLOADS


def uploaded(uploads: Path) -> Iterator[Path]:
    """The regular files below a folder, in order; half-copied uploads begin with a dot."""
    for path in sorted(uploads.rglob("*")):
        if path.is_file() and not path.is_symlink() and not path.name.startswith("."):
            yield path


def _add(tar: tarfile.TarFile, name: str, path: Path) -> Member:
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        hashing = _Hashing(file)
        tar.addfile(_entry(name, size), hashing)
    return Member(size, hashing.digest.hexdigest())


class _Hashing:
    """A file to read from that keeps the checksum."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.digest.update(data)
        return data


def _entry(name: str, size: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o600
    return entry


def _counts(folder: Folder) -> dict[str, int]:
    with folder.database.read() as connection:
        return {
            name: int(connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0])  # noqa: S608
            for name in ("collections", "sources", "chunks")
        }


def unpack(path: Path, target: Path) -> Manifest:
    """Unpack a backup into the empty folder ``target``, verified.

    Raises:
        KnowledgeError: it can't be read, isn't a whole backup or is of a newer version.
    """
    try:
        with tarfile.open(path, "r:") as tar:
            entries = {_safe(entry, path): entry for entry in tar}
            if len(entries) != len(tar.getmembers()):
                raise damaged(path, "a name comes twice", "有重复的文件名")
            manifest = _read_manifest(tar, entries, path)
            found = {name: _extract(tar, entries[name], target / name) for name in manifest.members}
            if found != manifest.members:
                raise damaged(path, "its checksums are wrong", "校验和不符")
    except (tarfile.TarError, EOFError, KeyError) as error:
        raise damaged(path, str(error), str(error)) from error
    except OSError as error:
        raise KnowledgeError(
            "The backup {path} can't be read or unpacked ({reason}): check the file and the room "
            "on the disk; nothing was changed.",
            "无法读取或解包备份 {path}（{reason}）：请检查文件与磁盘空间；未做任何更改。",
            path=path,
            reason=error.strerror or error,
        ) from error
    return manifest


def damaged(path: Path, en: str, zh: str) -> KnowledgeError:
    return KnowledgeError(
        "{path} is no whole backup of a knowledge base ({en}): nothing was changed; take another.",
        "{path} 不是完整的知识库备份（{zh}）：未做任何更改，请使用其他备份。",
        path=path,
        en=en,
        zh=zh,
    )


def _safe(entry: tarfile.TarInfo, path: Path) -> str:
    """The name of a regular file of a backup."""
    parts = PurePosixPath(entry.name).parts
    is_plain = entry.name == "/".join(parts) and not {"..", "/"} & set(parts)
    is_ours = entry.name in (DATABASE_NAME, _MANIFEST) or (parts[:1] == (UPLOADS,) and parts[1:])
    is_regular = entry.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not entry.issparse()
    if not (is_plain and is_ours and is_regular):
        name = ascii(entry.name)
        raise damaged(path, f"{name} doesn't belong in it", f"包含不应有的 {name}")
    return entry.name


def _read_manifest(
    tar: tarfile.TarFile, entries: dict[str, tarfile.TarInfo], path: Path
) -> Manifest:
    entry = entries.pop(_MANIFEST, None)
    if entry is None or entry.size > _LARGEST_MANIFEST:
        raise damaged(path, "it has no manifest: it may be cut short", "缺少清单，可能不完整")
    file = tar.extractfile(entry)
    try:
        given = json.loads(file.read() if file else b"")
        is_known = (given["format"], given["version"] <= VERSION) == (FORMAT, True)
        schema = int(given["schema"])
        members = {name: Member(**one) for name, one in given["members"].items()}
        manifest = Manifest(
            str(given["created"]), schema, given["counts"], str(given["uploads_dir"]), members
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise damaged(path, "its manifest can't be read", "清单无法读取") from error
    if not is_known or schema > SCHEMA_VERSION:
        raise KnowledgeError(
            "{path} was made by a newer version of this program (schema {found}; this one knows "
            "up to {known}): update the program. Nothing was changed.",
            "{path} 由更新版本的程序生成（数据库版本 {found}，当前程序最高支持 {known}）："
            "请升级程序。未做任何更改。",
            path=path,
            found=schema,
            known=SCHEMA_VERSION,
        )
    if members.keys() != entries.keys():
        raise damaged(path, "its files are not those of its manifest", "文件与清单不符")
    return manifest


def _extract(tar: tarfile.TarFile, entry: tarfile.TarInfo, target: Path) -> Member:
    target.parent.mkdir(parents=True, exist_ok=True)
    source: Any = tar.extractfile(entry)
    digest, size = hashlib.sha256(), 0
    with target.open("xb") as file:
        while block := source.read(_BLOCK):
            digest.update(block)
            size += file.write(block)
        file.flush()
        os.fsync(file.fileno())
    return Member(size, digest.hexdigest())
