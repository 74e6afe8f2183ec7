"""The files of edited prompts: ``DATA_DIR/prompts/NAME.LANGUAGE.json``.

Each has the edit in use, the shipped text that it was made from, who made it and when, and the
versions before it. It is written beside and renamed.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from assistant.errors import PromptError
from assistant.whole_files import write_json

VERSION = 1
LARGEST = 1_000_000  # bytes of a file


@dataclass(frozen=True)
class Edit:
    """Args:
    shipped: the shipped text that was there when ``text`` was made, or was last compared with it.
    by: user id.
    at: ISO 8601, UTC.
    """

    text: str
    shipped: str
    by: str
    at: str


def read_edits(path: Path) -> tuple[Edit | None, tuple[Edit, ...]]:
    """The edit in use, and those before it, the newest first.

    Raises:
        PromptError: the file can't be read as what :func:`write_edits` writes.
    """
    try:
        with path.open("rb") as file:
            row = json.loads(file.read(LARGEST))
        now = row["now"] and _edit(row["now"])
        return now, tuple(_edit(one) for one in row["earlier"])
    except FileNotFoundError:
        return None, ()
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise PromptError(
            "{path} can't be read ({why}). Save the prompt anew on the page, or put the file back "
            "from a backup.",
            "无法读取 {path}（{why}）。请在页面上重新保存该提示词，或从备份恢复文件。",
            path=path,
            why=f"{type(error).__name__}: {error}",
        ) from error


def _edit(row: dict[str, str]) -> Edit:
    edit = Edit(**row)
    if not all(isinstance(value, str) for value in asdict(edit).values()):
        raise TypeError("texts were expected")
    return edit


def write_edits(path: Path, now: Edit | None, earlier: tuple[Edit, ...]) -> None:
    """
    Raises:
        OSError: the folder can't be written.
    """
    row = {
        "version": VERSION,
        "now": asdict(now) if now else None,
        "earlier": [asdict(edit) for edit in earlier],
    }
    write_json(path, row)
