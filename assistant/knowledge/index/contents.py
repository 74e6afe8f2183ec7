"""What the file of an index holds, for whoever checks it against the database."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from assistant.knowledge.changes import Cursor
from assistant.knowledge.index import files
from assistant.knowledge.index.engine import faiss
from assistant.knowledge.spaces import Space
from assistant.knowledge.vectors import Ids


def held_by(path: Path, space: Space) -> tuple[Ids, Cursor]:
    """The row ids in a verified file, and its place in the change log.

    Raises:
        OSError, SnapshotError: as :func:`files.read`.
    """
    base = files.read(path, space)
    if not isinstance(base.index, faiss.IndexIVF):
        return faiss.vector_to_array(base.index.id_map), base.cursor
    lists = base.index.invlists
    parts = [np.empty(0, dtype=np.int64)]
    for number in range(lists.nlist):
        size = lists.list_size(number)
        if size:
            parts.append(faiss.rev_swig_ptr(lists.get_ids(number), size).copy())
    return np.concatenate(parts), base.cursor
