"""Archives (ZIP, GZ): their members one at a time, in memory, with every size counted.

Nothing is written to disk, so no name leads anywhere; names that try to are refused all the same.
In memory at a time: the archive, and one member of it (two where archives are nested).
"""

from __future__ import annotations

import gzip
import io
import stat
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from assistant.errors import DocumentError
from ingest.load.document import INSIDE, Loaded, RawDocument
from ingest.load.encoding import decode
from ingest.load.faults import bomb, damage_said, encrypted
from ingest.load.package import LARGE, LARGEST_RATIO, open_zip, unpack

#: So many archives around a document are opened, mails counted as archives.
MOST_NESTED = 2
LARGEST_MEMBER = 100 * 1024 * 1024  # bytes

_LEFT_OUT = {"__macosx", "thumbs.db", "desktop.ini"}
_CHUNK = 64 * 1024
_UTF8_NAME = 0x800  # flags of a member
_ENCRYPTED = 0x1


@dataclass
class Budget:
    """What one file may still unfold to, whatever is nested in it."""

    members: int = 2_000
    unpacked: int = 500 * 1024 * 1024  # bytes


def zip_members(raw: RawDocument, budget: Budget) -> Iterator[RawDocument | Loaded]:
    """The files of an archive in their order, or why one of them can't be read. Hidden files and
    what systems add for themselves are left out.

    Raises:
        DocumentError: it is broken, or holds more than ``budget`` allows.
    """
    with damage_said(raw, "zip file", "zip 文件"):
        archive = open_zip(raw.data)
        entries = archive.infolist()
    # Of two members with one name the later counts, as unpacking programs have it.
    members = {
        PurePosixPath(name.replace("\\", "/")): member
        for member, name in zip(entries, _names(entries), strict=True)
        if not member.is_dir()
    }
    with archive:
        for path, member in members.items():
            if _is_left_out(path):
                continue
            if budget.members < 1 or budget.unpacked < 1:
                raise too_many(raw)
            budget.members -= 1
            yield _member(raw, archive, member, path, budget)


def gzip_members(raw: RawDocument, budget: Budget) -> Iterator[RawDocument | Loaded]:
    """The one file that was packed: its name is that of the archive without ``.gz``.

    Raises:
        DocumentError: it is broken, or larger than ``budget`` allows.
    """
    most = _allowed(len(raw.data), budget)
    parts: list[bytes] = []
    size = 0
    with (
        damage_said(raw, "gzip file", "gzip 文件"),
        gzip.GzipFile(fileobj=io.BytesIO(raw.data)) as file,
    ):
        while part := file.read(_CHUNK):
            size += len(part)
            if size > most:
                raise _unpacks_to_more(raw, most, budget)
            parts.append(part)
    budget.unpacked -= size
    yield RawDocument(f"{raw.name}{INSIDE}{_unzipped_name(raw)}", b"".join(parts))


def _unzipped_name(raw: RawDocument) -> str:
    if raw.suffix == ".tgz":
        return f"{raw.stem}.tar"
    return raw.stem if raw.suffix == ".gz" else f"{raw.stem}{raw.suffix}"


def _member(
    raw: RawDocument,
    archive: zipfile.ZipFile,
    member: zipfile.ZipInfo,
    path: PurePosixPath,
    budget: Budget,
) -> RawDocument | Loaded:
    inner = RawDocument(f"{raw.name}{INSIDE}{path}", b"")
    try:
        if fault := _refused(inner, member, path):
            raise fault
        most = _allowed(member.compress_size, budget)
        with damage_said(inner, "member of its archive", "压缩包成员"):
            content = unpack(archive, member, most)
        if content is None:
            raise _unpacks_to_more(inner, most, budget)
    except DocumentError as error:
        return Loaded(inner.name, error=error, asked=False)
    budget.unpacked -= len(content)
    return replace(inner, data=content)


def _refused(
    inner: RawDocument, member: zipfile.ZipInfo, path: PurePosixPath
) -> DocumentError | None:
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        return DocumentError(
            "{name} leads out of its archive: not read. Pack the archive anew, with plain names.",
            "{name} 的路径指向压缩包之外：未读取。请用普通文件名重新打包。",
            name=inner.label,
        )
    if stat.S_ISLNK(member.external_attr >> 16):
        return DocumentError(
            "{name} is a link, not a file: not read. Pack the file that it leads to.",
            "{name} 是链接而不是文件：未读取。请打包它所指向的文件。",
            name=inner.label,
        )
    return encrypted(inner) if member.flag_bits & _ENCRYPTED else None


def _allowed(packed: int, budget: Budget) -> int:
    return min(LARGEST_MEMBER, budget.unpacked, max(LARGE, LARGEST_RATIO * packed))


def _is_left_out(path: PurePosixPath) -> bool:
    parts = [part.lower() for part in path.parts]
    return any(
        part in _LEFT_OUT or (part.startswith(".") and part not in (".", "..")) for part in parts
    )


def _names(entries: list[zipfile.ZipInfo]) -> list[str]:
    """The members' names. Those without the mark of UTF-8 come as code page 437, but are in
    whatever the packing system used; all are looked at together, as one name tells too little."""
    names = [entry.filename for entry in entries]
    unmarked = [
        number
        for number, entry in enumerate(entries)
        if not entry.flag_bits & _UTF8_NAME and not entry.filename.isascii()
    ]
    try:
        packed = [names[number].encode("cp437") for number in unmarked]
    except UnicodeEncodeError:  # an extra field gave the name already
        return names
    repaired = decode(b"\n".join(packed)).split("\n")
    if len(repaired) == len(unmarked):
        for number, name in zip(unmarked, repaired, strict=True):
            names[number] = name
    return names


def _unpacks_to_more(raw: RawDocument, most: int, budget: Budget) -> DocumentError:
    """Its own fault, or that of all together: then nothing more is unpacked."""
    if most < budget.unpacked:
        return bomb(raw, most)
    budget.unpacked = 0
    return too_many(raw)


def too_many(raw: RawDocument) -> DocumentError:
    """The budget is spent."""
    return DocumentError(
        "{name}: an archive may hold {most} files and {size} MB; this one holds more, which is "
        "not read: split it.",
        "{name}：压缩包最多包含 {most} 个文件、解压后 {size} MB；超出的部分未读取：请拆分。",
        name=raw.label,
        most=f"{Budget.members:,}",
        size=Budget.unpacked // 1024 // 1024,
    )
