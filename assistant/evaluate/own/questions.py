"""The folder of a user's own questions to one collection.

``set.json``: ``{"knowledge": COLLECTION}``; ``queries.jsonl`` as in every set, with ``evidence``,
``origin`` (one of :data:`ORIGINS`), and, of what was rated, ``rating``, ``reason``, ``said`` and
``conversation_id`` in the metadata; ``qrels/dev.tsv`` follows from the evidence. All files are
0600 and lie in DATA_DIR/evaluate/own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from assistant.evaluate.dataset import DatasetError
from assistant.evaluate.journal import digest
from assistant.evaluate.ours import folder
from assistant.evaluate.private_files import write_private
from assistant.settings import Settings

MARKER = "set.json"
SPLIT = "dev"
WRITTEN, IMPORTED, RATED = "written", "imported", "rated"
ORIGINS = (WRITTEN, IMPORTED, RATED)
LOCAL = "local"  # the user of the command line
_PLAIN = re.compile(r"[a-z0-9_@][a-z0-9_@.-]{0,63}")

Row = dict[str, Any]


def own_folder(settings: Settings, user: str = LOCAL, collection: str = "default") -> Path:
    """Where a user's questions to a collection are. A name that can't be a folder's in every file
    system is a digest there, so that no two users share one."""
    return folder(settings) / "own" / _as_name(user) / _as_name(collection)


def _as_name(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else f"-{digest(text)}"


def collection_of(path: Path) -> str:
    """The collection that the set in ``path`` is asked of; empty where it has passages itself.

    Raises:
        DatasetError: its ``set.json`` can't be read.
    """
    marker = path / MARKER
    if not marker.is_file():
        return ""
    try:
        return str(json.loads(marker.read_text("utf-8"))["knowledge"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            '{path} can\'t be read; {{"knowledge": "default"}} is expected.',
            '{path} 无法读取；应为 {{"knowledge": "default"}}。',
            path=marker,
        ) from error


def question_row(
    text: str,
    *,
    origin: str,
    evidence: Sequence[Mapping[str, Any]] = (),
    answerable: bool = True,
    answer: str = "",
    rewrite: str = "",
    turns: Sequence[Mapping[str, str]] = (),
    **more: Any,
) -> Row:
    """A question as ``queries.jsonl`` has it. Its id is made of the question and the messages
    before it, so that the same one is kept once.

    Args:
        answerable: False: the knowledge base holds no answer, and should say so. Without evidence
            and answerable it waits to be judged, and is not measured.
    """
    metadata: Row = {"origin": origin, "answerable": answerable, **more}
    given = {"evidence": list(evidence), "gold_rewrite": rewrite, "turns": list(turns)}
    metadata |= {name: value for name, value in given.items() if value}
    if answer:
        metadata["answers"] = [answer]
    return {"_id": digest(text, [dict(turn) for turn in turns]), "text": text, "metadata": metadata}


def is_pending(row: Mapping[str, Any]) -> bool:
    """Whether nobody has said yet what answers it."""
    metadata = row.get("metadata") or {}
    return metadata.get("answerable") is not False and not metadata.get("evidence")


class OwnQuestions:
    """Reads and writes the folder; each write is whole on the disk when its call returns.

    Raises:
        DatasetError: what is there can't be read.
        FileFault: it can't be written.
    """

    def __init__(self, path: Path, collection: str = "default") -> None:
        self.path = path
        self.collection = collection_of(path) or collection

    def rows(self) -> list[Row]:
        """All questions, the oldest first."""
        path = self.path / "queries.jsonl"
        if not path.exists():
            return []
        try:
            lines = [line for line in path.read_text("utf-8").split("\n") if line.strip()]
            rows = [json.loads(line) for line in lines]
            return [row for row in rows if isinstance(row["_id"], str) and row["text"]]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise DatasetError(
                "{path} can't be read: {why}. Mend the line, or remove the file.",
                "{path} 无法读取：{why}。请修正该行，或删除此文件。",
                path=path,
                why=error,
            ) from error

    def put(self, rows: Iterable[Row]) -> int:
        """Add questions; one that is there is replaced. How many there are now."""
        known = {row["_id"]: row for row in self.rows()}
        known |= {row["_id"]: row for row in rows}
        return self._write(known.values())

    def replace_all(self, rows: Iterable[Row]) -> int:
        """Make ``rows`` all there is. How many there are now."""
        return self._write(rows)

    def remove(self, ids: Iterable[str]) -> int:
        """Remove questions by id. How many were there."""
        gone = set(ids)
        rows = self.rows()
        kept = [row for row in rows if row["_id"] not in gone]
        if len(kept) < len(rows):
            self._write(kept)
        return len(rows) - len(kept)

    def _write(self, rows: Iterable[Row]) -> int:
        kept = list(rows)
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in kept]
        pairs = [
            f"{row['_id']}\t{_one_line(evidence['source'])}\t1\n"
            for row in kept
            for evidence in row["metadata"].get("evidence") or ()
        ]
        marker = json.dumps({"knowledge": self.collection}, ensure_ascii=False) + "\n"
        write_private(self.path / MARKER, marker)
        write_private(self.path / "queries.jsonl", "".join(lines))
        judged = "".join(dict.fromkeys(pairs))
        write_private(self.path / "qrels" / f"{SPLIT}.tsv", f"query-id\tcorpus-id\tscore\n{judged}")
        return len(kept)


def forget_conversation(settings: Settings, user: str, conversation_id: str | None) -> int:
    """Remove the user's questions that came from a conversation, judged since or not; from any
    conversation where it is None. How many there were.

    Raises:
        DatasetError, FileFault: a folder of theirs can't be used.
    """
    removed = 0
    for path in own_folder(settings, user).parent.glob(f"*/{MARKER}"):
        own = OwnQuestions(path.parent)
        came = [(row["_id"], row["metadata"].get("conversation_id")) for row in own.rows()]
        wanted = (
            {conversation_id} if conversation_id is not None else {one for _, one in came if one}
        )
        removed += own.remove(id for id, one in came if one in wanted)
    return removed


def _one_line(text: str) -> str:
    return re.sub(r"[\t\r\n]", " ", text)
