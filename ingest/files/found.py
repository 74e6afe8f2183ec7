"""The files that paths on a command line or in the list of sources mean."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import DocumentError
from ingest.reasons import os_reason


@dataclass(frozen=True)
class FoundFile:
    """A file to read, by its absolute path without links. ``asked``: it was named itself, not
    come upon in a folder. ``fault``: why it can't be read."""

    path: Path
    asked: bool
    fault: DocumentError | None = None


def find_files(paths: Iterable[Path], left_out: Path) -> Iterator[FoundFile]:
    """Files and, in folders, their files at any depth in the order of their names; each once.

    Hidden files and folders, loops of links and the folder ``left_out`` are passed over, unless
    they are named themselves.
    """
    seen: set[Path] = set()
    for path in paths:
        resolved, fault = _resolve(path)
        found = [FoundFile(resolved, True, fault)]
        if fault is None and resolved.is_dir():
            found = list(_walk(resolved, {resolved, left_out} - set(resolved.parents)))
        for file in found:
            if file.path not in seen:
                seen.add(file.path)
                yield file


def _walk(folder: Path, passed: set[Path]) -> Iterator[FoundFile]:
    """``passed`` holds the folders that are not to be entered (again)."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield FoundFile(folder, True, _unreadable(folder, error))
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path, fault = _resolve(Path(entry.path))
        if fault is not None or not path.is_dir():
            yield FoundFile(path, False, fault)
        elif path not in passed:
            passed.add(path)
            yield from _walk(path, passed)


def _resolve(path: Path) -> tuple[Path, DocumentError | None]:
    """The absolute path without links, and what is wrong with it."""
    try:
        resolved = path.expanduser().resolve(strict=True)
        str(resolved).encode()
    except UnicodeEncodeError:
        shown = os.fsencode(path).decode("utf-8", "replace")
        return Path(shown).absolute(), DocumentError(
            "The name of {path} is not UTF-8: rename it.",
            "{path} 的文件名不是 UTF-8 编码：请重命名。",
            path=shown,
        )
    except RuntimeError as error:  # what Python before 3.13 raises
        return path.absolute(), _unreadable(path, OSError(errno.ELOOP, str(error)))
    except OSError as error:
        return path.absolute(), _unreadable(path, error)
    if not resolved.is_file() and not resolved.is_dir():
        return resolved, DocumentError(
            "{path} is neither a file nor a folder.", "{path} 既不是文件也不是文件夹。", path=path
        )
    return resolved, None


def _unreadable(path: Path, error: OSError) -> DocumentError:
    return DocumentError(
        "{path} can't be read: {reason}.",
        "{path} 无法读取：{reason_zh}。",
        path=path,
        **os_reason(error),
    )
