"""Files for their owner's eyes alone: questions and results hold what somebody asked and reads."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from assistant.errors import AssistantError


class FileFault(AssistantError):
    """A file of questions or results can't be written."""

    kind = "file"


def write_private(path: Path, text: str) -> None:
    """Make ``text`` the content of ``path`` (0600, UTF-8), whole or not at all; folders that are
    missing are made (0700).

    Raises:
        FileFault: it can't be written.
    """
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        for folder in reversed(path.parents):
            folder.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
        beside.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):  # there may be no such folder
            beside.unlink()
        raise FileFault(
            "{path} can't be written: {why}", "无法写入 {path}：{why}", path=path, why=error
        ) from error
