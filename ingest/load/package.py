"""Zip files that are one document (DOCX, PPTX, XLSX, EPUB): looked into without trusting them."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import PurePosixPath
from typing import Any

from ingest.load.document import RawDocument
from ingest.load.faults import bomb

LARGEST_UNPACKED = 200 * 1024 * 1024  # bytes of one package, pictures and the like not counted
LARGEST_RATIO = 100  # of unpacked to packed, where it is large at all
LARGE = 20 * 1024 * 1024
MOST_MEMBERS = 20_000

_CHUNK = 64 * 1024
_ENTRY = b"PK\x01\x02"  # begins each entry of a zip file's directory
_MEDIA = re.compile(
    r"/(?:media|embeddings|fonts|activeX|printerSettings)/|\.(?:png|jpe?g|gif|bmp|tiff?|emf|wmf"
    r"|svg|webp|bin|odttf|ttf|otf|woff2?|mp[34]|m4[av]|wav|avi|mov|wmv)$",
    re.I,
)


def open_zip(data: bytes) -> zipfile.ZipFile:
    """The archive in ``data``. The directory is counted before it is read into memory.

    Raises:
        zipfile.BadZipFile: it is none, is cut off, or has too many members.
    """
    # Nothing but a directory's entry counts double here: archives stored in the archive.
    if data.count(_ENTRY) > 2 * MOST_MEMBERS:
        raise zipfile.BadZipFile("too many members")
    return zipfile.ZipFile(io.BytesIO(data))


def member_names(data: bytes) -> list[str]:
    """The names of an archive's members; none where it can't be read."""
    try:
        with open_zip(data) as archive:
            return archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, LookupError):
        return []


def unpack(archive: zipfile.ZipFile, member: zipfile.ZipInfo, most: int) -> bytes | None:
    """The content of a member; None as soon as it proves longer than ``most`` bytes.

    Bytes are counted as they come: a declared size may lie. Never asks zlib for more than a
    little at a time, which a plain ``read()`` does.
    """
    parts: list[bytes] = []
    size = 0
    with archive.open(member) as file:
        while part := file.read(_CHUNK):
            size += len(part)
            if size > most:
                return None
            parts.append(part)
    return b"".join(parts)


def allowed_size(packed: int) -> int:
    """How many bytes may come out of ``packed`` ones before it is a bomb."""
    return min(LARGEST_UNPACKED, max(LARGE, LARGEST_RATIO * packed))


def read_package(raw: RawDocument) -> dict[str, bytes]:
    """The members of a package by name; pictures, fonts and other media are left empty, so that
    a parser finds them where it looks.

    Raises:
        DocumentError: it unpacks to too much (a zip bomb).
        the errors of :data:`ingest.load.faults.DAMAGE`: it is broken.
    """
    members: dict[str, bytes] = {}
    left = allowed = allowed_size(len(raw.data))
    with open_zip(raw.data) as archive:
        for member in archive.infolist():
            name = str(PurePosixPath(member.filename.replace("\\", "/")))
            if member.is_dir():
                continue
            if _MEDIA.search(name):
                members[name] = b""
                continue
            content = unpack(archive, member, left)
            if content is None:
                raise bomb(raw, allowed)
            left -= len(content)
            members[name] = content
    return members


def slim_package(raw: RawDocument) -> io.BytesIO:
    """The package without its media and not packed, for parsers that would trust it.

    Raises:
        as :func:`read_package`.
    """
    slim = io.BytesIO()
    with zipfile.ZipFile(slim, "w", zipfile.ZIP_STORED) as archive:
        for name, content in read_package(raw).items():
            archive.writestr(zipfile.ZipInfo(name), content)
    slim.seek(0)
    return slim


def parse_xml(content: bytes, *, recover: bool = False) -> Any:
    """The tree of a package's XML file, without anything from outside and without entities.

    Raises:
        SyntaxError, ValueError: it is no XML; with ``recover`` only where nothing is.
    """
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, recover=recover)
    tree = etree.fromstring(content, parser)
    if tree is None:
        raise ValueError("no XML")
    return tree
