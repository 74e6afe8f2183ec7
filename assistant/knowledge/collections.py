"""The collections of a data folder: which there are, whose they are, and their sources by pages.

Nothing here asks who may: that is ``sharing.py``, for whoever knows who asks.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from assistant.errors import KnowledgeError
from assistant.knowledge import catalogue
from assistant.knowledge.catalogue import SOURCE_COLUMNS, can_be_stored, source_of
from assistant.knowledge.database import Connection, Row
from assistant.knowledge.reading import hits_of_source
from assistant.knowledge.records import CollectionInfo, Hit, Source
from assistant.knowledge.sharing import checked_readers, checked_title
from assistant.knowledge.spaces import SERVING, make_space
from assistant.knowledge.store import DEFAULT_COLLECTION, KnowledgeBase
from assistant.knowledge.vectors import Form

#: Those of the library: what is attached to a conversation is in no list (``attached.py``).
_INFO = (
    "SELECT name, title, owner, readers, created_at, conversation FROM collections "
    "WHERE conversation = ''"
)
_UNNAMEABLE = re.compile(r"[^\w.-]+")
_LONGEST_NAME = 40
#: What sources can be ordered by; always by id in the end, so that pages don't overlap.
ORDERS = {
    "title": "title COLLATE NOCASE",
    "kind": "kind",
    "chunks": "chunks",
    "size": "size",
    "updated": "updated_at",
}


@dataclass(frozen=True)
class Look:
    """Which sources to see: those whose title or address holds ``text`` (any case of ASCII
    letters), of one ``kind``, from the ``first`` (0-based) on, ``count`` of them."""

    text: str = ""
    kind: str = ""
    order: str = "updated"
    is_descending: bool = True
    first: int = 0
    count: int = 50


@dataclass(frozen=True)
class SourcePage:
    """``total``: how many there are to be seen; ``sources``, ``chunks`` and ``kinds`` (with how
    many there are of each): of the whole collection; ``pages``: the last page of those shown that
    have pages, by id."""

    shown: tuple[Source, ...]
    total: int
    sources: int
    chunks: int
    kinds: tuple[tuple[str, int], ...]
    pages: Mapping[int, int] = field(default_factory=dict)


class Collections:
    """Of the folder that ``knowledge`` is in."""

    def __init__(self, knowledge: KnowledgeBase) -> None:
        self._knowledge = knowledge
        self._database = knowledge.folder.database

    def opened(self, name: str) -> KnowledgeBase:
        return self._knowledge.collection(name)

    def all(self) -> list[CollectionInfo]:
        """All, by name, the default one first; that is always there, if only to be filled."""
        with self._database.read() as connection:
            found = [_info(row) for row in connection.execute(f"{_INFO} ORDER BY name")]
        own = [info for info in found if info.name == DEFAULT_COLLECTION]
        rest = [info for info in found if info.name != DEFAULT_COLLECTION]
        return [*(own or [UNMADE]), *rest]

    def find(self, name: str) -> CollectionInfo | None:
        if not can_be_stored(name):
            return None
        with self._database.read() as connection:
            row = connection.execute(f"{_INFO} AND name = ?", (name,)).fetchone()
        if row is None:
            return UNMADE if name == DEFAULT_COLLECTION else None
        return _info(row)

    def find_source(self, source_id: int) -> tuple[Source, CollectionInfo] | None:
        """A source of any collection, attached ones among them; ids are the data folder's."""
        if not can_be_stored(source_id):
            return None
        with self._database.read() as connection:
            row = connection.execute(
                f"SELECT {SOURCE_COLUMNS}, name, collections.title AS shelf, owner, readers, "  # noqa: S608
                "created_at, conversation FROM sources "
                "JOIN collections ON collections.id = collection_id WHERE sources.id = ?",
                (source_id,),
            ).fetchone()
        if row is None:
            return None
        return source_of(row, row["name"]), _info(row, row["shelf"])

    def chunks(self, source: Source, first: int, count: int) -> list[Hit]:
        """Chunks of a source in order, from position ``first`` (0-based) on."""
        with self._database.read() as connection:
            collection = catalogue.find_collection(connection, source.collection)
            if collection is None:
                return []
            last = first + count - 1
            return hits_of_source(connection, collection, source.id, first, last)

    def by_uri(self, uris: Iterable[str]) -> list[Source]:
        """The sources of these URIs, of whichever collection."""
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {SOURCE_COLUMNS}, name FROM sources "  # noqa: S608
                "JOIN collections ON collections.id = collection_id "
                "WHERE uri IN (SELECT value FROM json_each(?)) ORDER BY uri",
                (json.dumps([uri for uri in uris if can_be_stored(uri)]),),
            )
            return [source_of(row, row["name"]) for row in rows]

    def make(self, title: str, owner: str, readers: Sequence[str]) -> CollectionInfo:
        """A new collection; its name is made from the title.

        Raises:
            KnowledgeError: the title or the readers can't be used.
            KnowledgeLocked: others wrote for the whole wait.
        """
        title, kept = checked_title(title), json.dumps(checked_readers(readers))
        form = self._unmade_form()
        with self._database.write() as connection:
            name = _free_name(connection, title)
            made = connection.execute(
                "INSERT INTO collections (name, title, owner, readers, created_at) "
                "VALUES (?, ?, ?, ?, ?)",
                (name, title, owner, kept, time.time()),
            )
            row_id = made.lastrowid or 0
            make_space(connection, row_id, SERVING, self._knowledge.fingerprint, form)
        found = self.find(name)
        assert found is not None  # noqa: S101 - written above
        return found

    def change(
        self,
        name: str,
        *,
        title: str | None = None,
        readers: Sequence[str] | None = None,
        owner: str | None = None,
    ) -> None:
        """Rename or share a collection, or give it to another user; None leaves it as it is.

        Raises:
            KnowledgeError: there is none, or the title or the readers can't be used.
        """
        values: dict[str, str] = {}
        if title is not None:
            values["title"] = checked_title(title)
        if readers is not None:
            values["readers"] = json.dumps(checked_readers(readers))
        if owner is not None:
            values["owner"] = owner
        form = self._unmade_form()
        with self._database.write() as connection:
            if name == DEFAULT_COLLECTION and catalogue.find_collection(connection, name) is None:
                fingerprint = self._knowledge.fingerprint
                catalogue.claim_collection(connection, name, fingerprint, form, is_empty=True)
            for column, value in values.items():
                done = connection.execute(
                    f"UPDATE collections SET {column} = ? WHERE name = ?",  # noqa: S608
                    (value, name),
                )
                if not done.rowcount:
                    raise catalogue.no_collection(name)

    def drop(self, name: str) -> None:
        """Delete a collection with all it holds; nothing where there is none.

        Raises:
            KnowledgeError: it is the default one.
            KnowledgeLocked: another process added to it meanwhile; what is left can be dropped.
        """
        self.check_droppable(name)
        self.opened(name).drop()

    def check_droppable(self, name: str) -> None:
        """Raises KnowledgeError if ``name`` is the default collection."""
        if name == DEFAULT_COLLECTION:
            raise KnowledgeError(
                "The default collection stays: delete its documents instead.",
                "默认知识库不能删除：可以删除其中的文档。",
            )

    def page(self, name: str, look: Look) -> SourcePage:
        """One page of a collection's sources; an empty one where there is none.

        Raises:
            KeyError: an order that is none of :data:`ORDERS`.
        """
        direction = "DESC" if look.is_descending else "ASC"
        order = f"{ORDERS[look.order]} {direction}, sources.id {direction}"
        test, values = _test(look)
        with self._database.read() as connection:
            collection = catalogue.find_collection(connection, name)
            if collection is None:
                return SourcePage((), 0, 0, 0, ())
            kinds = connection.execute(
                "SELECT kind, count(*) AS sources, sum(chunks) AS chunks FROM sources "
                "WHERE collection_id = ? GROUP BY kind ORDER BY sources DESC, kind",
                (collection.id,),
            ).fetchall()
            total = connection.execute(
                f"SELECT count(*) FROM sources WHERE collection_id = ? AND {test}",  # noqa: S608
                (collection.id, *values),
            ).fetchone()[0]
            rows = connection.execute(
                f"SELECT {SOURCE_COLUMNS} FROM sources WHERE collection_id = ? AND {test} "  # noqa: S608
                f"ORDER BY {order} LIMIT ? OFFSET ?",
                (collection.id, *values, look.count, look.first),
            ).fetchall()
            pages = _last_pages(connection, [row["source_id"] for row in rows])
        return SourcePage(
            tuple(source_of(row, name) for row in rows),
            total,
            sum(row["sources"] for row in kinds),
            sum(row["chunks"] for row in kinds),
            tuple((row["kind"], row["sources"]) for row in kinds),
            pages,
        )

    def stamp(self, name: str) -> tuple[int, int, float]:
        """Differs once a source of the collection has come, gone or changed."""
        with self._database.read() as connection:
            row = connection.execute(
                "SELECT count(*), coalesce(sum(sources.chunks), 0), "
                "coalesce(max(updated_at), 0.0) FROM sources "
                "JOIN collections ON collections.id = collection_id WHERE name = ?",
                (name,),
            ).fetchone()
        return int(row[0]), int(row[1]), float(row[2])

    def _unmade_form(self) -> Form:
        """Of a collection without vectors: the first ones make it anew."""
        known = self._knowledge.form
        return Form(0, known.metric, known.precision)


def _last_pages(connection: Connection, source_ids: Sequence[int]) -> dict[int, int]:
    rows = connection.execute(
        "SELECT source_id, max(page) AS last FROM chunks "
        "WHERE source_id IN (SELECT value FROM json_each(?)) GROUP BY source_id",
        (json.dumps(source_ids),),
    )
    return {row["source_id"]: row["last"] for row in rows if row["last"] is not None}


def _test(look: Look) -> tuple[str, list[object]]:
    tests, values = ["1"], list[object]()
    if text := look.text.strip():
        if not can_be_stored(text):
            return "0", []
        escaped = re.sub(r"([\\%_])", r"\\\1", text)
        tests.append(r"(title LIKE ? ESCAPE '\' OR uri LIKE ? ESCAPE '\')")
        values += [f"%{escaped}%"] * 2
    if look.kind:
        tests.append("kind = ?")
        values.append(look.kind)
    return " AND ".join(tests), values


def _free_name(connection: Connection, title: str) -> str:
    """Made of ``title``, and no other collection's.

    The rules are those of :func:`catalogue.check_name`.
    """
    base = _UNNAMEABLE.sub("-", title.casefold()).strip("-._")[:_LONGEST_NAME].strip("-._")
    base = base or "collection"
    taken = {row[0] for row in connection.execute("SELECT name FROM collections")}
    taken.add(DEFAULT_COLLECTION)
    name, number = base, 2
    while name in taken:
        name, number = f"{base}-{number}", number + 1
    return catalogue.check_name(name)


def _info(row: Row, title: str | None = None) -> CollectionInfo:
    try:
        readers = tuple(str(one) for one in json.loads(row["readers"]))
    except (ValueError, TypeError):  # damaged: closed until an administrator shares it again
        readers = ()
    return CollectionInfo(
        row["name"],
        row["title"] if title is None else title,
        row["owner"],
        readers,
        row["created_at"],
        row["conversation"],
    )


#: The default collection before its first document.
UNMADE = CollectionInfo(DEFAULT_COLLECTION, "", "local", ("*",))
