"""The keyword leg: BM25 over the segmented words, with a bound on the rows that are scored.

FTS5 scores every row that holds any term, some 1.4 us each: a common word in a million chunks takes
over a second. So beyond :data:`SCORED` rows the rare terms choose the rows, and the common ones
only add to their scores. What that leaves out are rows with no rare term of the question at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from assistant.knowledge.catalogue import Collection, own_fields
from assistant.knowledge.database import Connection
from assistant.knowledge.filters import Condition, Where, condition
from assistant.knowledge.keywords import term_expressions
from assistant.knowledge.reading import hits_by_row
from assistant.knowledge.records import Hit

#: Rows that one search may score for its rare terms, and again for its common ones. At 100,000
#: chunks of Chinese and English text .995 of the ten best are those of scoring all rows.
SCORED = 12_000


def keyword_hits(
    connection: Connection, collection: Collection, text: str, k: int, where: Where | None
) -> list[Hit]:
    """The ``k`` best chunks by BM25; higher is better. Any text is a valid query."""
    terms = term_expressions(text, collection.id)
    test = condition(where, own_fields(connection, collection.id))
    if not terms or k < 1:
        return []
    found = _found(connection, terms, k, test)
    best = sorted(found.items(), key=lambda pair: (-pair[1], pair[0]))[:k]
    hits = hits_by_row(connection, collection, best)
    return [
        replace(hit, keyword_rank=rank, keyword_score=hit.score) for rank, hit in enumerate(hits, 1)
    ]


def _found(
    connection: Connection, terms: Sequence[str], k: int, test: Condition
) -> dict[int, float]:
    """Row ids and scores of at least the ``k`` best."""
    if not _is_wide(connection):
        return _scored(connection, " OR ".join(terms), k, test)
    rare, common = _split(connection, terms)
    chosen = " OR ".join(rare)
    found = _scored(connection, chosen, k, test)
    if common:
        # Rows with terms of both sorts, by the sum of both; the others' sum is what they have.
        both = f"({chosen}) AND ({' OR '.join(common)})"
        found.update(_scored(connection, both, k, test))
    for term in common:
        if len(found) >= k:
            break
        found = {**_scored(connection, term, k, test), **found}
    return found


def _is_wide(connection: Connection) -> bool:
    """Whether there may be more rows than are scored at once."""
    row = connection.execute("SELECT max(id) FROM chunks").fetchone()
    return (row[0] or 0) > SCORED


def _split(connection: Connection, terms: Sequence[str]) -> tuple[list[str], list[str]]:
    """The rarest terms whose rows may all be scored, at least one, and the other terms."""
    counts = sorted((_count(connection, term), term) for term in terms)
    rare: list[str] = []
    rows = 0
    for count, term in counts:
        rows += count
        if rare and rows > SCORED:
            break
        rare.append(term)
    return rare, [term for _, term in counts[len(rare) :]]


def _count(connection: Connection, term: str) -> int:
    """Rows with a term, counted up to one more than are scored."""
    row = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM chunk_words WHERE chunk_words MATCH ? LIMIT ?)",
        (term, SCORED + 1),
    ).fetchone()
    return int(row[0])


def _scored(connection: Connection, expression: str, k: int, where: Condition) -> dict[int, float]:
    test, parameters = where
    join = ""
    if parameters or test != "1":
        join = "JOIN chunks ON chunks.id = chunk_words.rowid JOIN sources ON sources.id = source_id"
    # The newest rows, where not all may be scored.
    rows = connection.execute(
        "SELECT row_id, score FROM (SELECT chunk_words.rowid AS row_id, "  # noqa: S608
        f"-bm25(chunk_words) AS score FROM chunk_words {join} "
        f"WHERE chunk_words MATCH ? AND {test} ORDER BY chunk_words.rowid DESC LIMIT ?) "
        "ORDER BY score DESC, row_id LIMIT ?",
        (expression, *parameters, SCORED, min(k, SCORED)),
    )
    return {row[0]: row[1] for row in rows}
