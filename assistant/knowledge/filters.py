"""Metadata filters as SQL: ``{"kind": "pdf", "page": {"$gte": 2}, "id": {"$in": [1, 2]}}``.

A field is looked up in the chunk's own metadata first, then among what the knowledge base knows of
every chunk (:data:`KNOWN_FIELDS`). Several fields, and several conditions on one, must all hold.
A chunk without the field doesn't match.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence

from assistant.errors import KnowledgeError

Where = Mapping[str, object]
Condition = tuple[str, list[object]]  # SQL over chunks JOIN sources, and its parameters

KNOWN_FIELDS = {
    "source": "sources.uri",
    "title": "sources.title",
    "kind": "sources.kind",
    "page": "chunks.page",
    "anchor": "chunks.anchor",
    "position": "chunks.position",
}
_RANGES = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}


def condition(where: Where | None) -> Condition:
    """SQL that is true for the rows that match; all rows for an empty filter.

    Raises:
        KnowledgeError: the filter is no mapping, or has an unknown operator or an unusable value.
    """
    if where is None:
        return "1", []
    if not isinstance(where, Mapping):
        raise _bad(where)
    parts: list[str] = []
    parameters: list[object] = []
    for field, wanted in where.items():
        expression, path = _field(field)
        tests = wanted if isinstance(wanted, Mapping) else {"$eq": wanted}
        for operator, value in tests.items():
            test, values = _test(operator, value)
            # The field may stand in the test twice, each time with its path.
            parts.append(test.replace("FIELD", expression))
            parameters += [path] * test.count("FIELD") + values
    return " AND ".join(parts) or "1", parameters


def _field(field: object) -> tuple[str, str]:
    if not isinstance(field, str) or '"' in field or not _is_value(field):
        raise _bad(field)
    own = "json_extract(chunks.metadata, ?)"
    known = KNOWN_FIELDS.get(field)
    return f"coalesce({own}, {known})" if known else own, f'$."{field}"'


def _test(operator: object, value: object) -> Condition:
    if operator == "$eq" and value is None:
        return "FIELD IS NULL", []
    if operator == "$eq" and _is_value(value):
        return "FIELD = ?", [value]
    if operator == "$in" and isinstance(value, Sequence) and not isinstance(value, str | bytes):
        if all(_is_value(one) for one in value):
            return "FIELD IN (SELECT value FROM json_each(?))", [json.dumps(list(value))]
    elif operator in _RANGES and _is_value(value):
        # SQLite orders every number before every text; a range means its own kind only.
        types = "('text')" if isinstance(value, str) else "('integer', 'real')"
        return f"typeof(FIELD) IN {types} AND FIELD {_RANGES[str(operator)]} ?", [value]
    raise _bad({operator: value})


def _is_value(value: object) -> bool:
    if isinstance(value, str):
        return value.isascii() or value.encode("utf-8", "ignore").decode() == value
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return isinstance(value, float) and math.isfinite(value)


def _bad(what: object) -> KnowledgeError:
    return KnowledgeError(
        "The filter can't be used at {what}: expected {plain} with a text, number or true/false, "
        "or {compared} with one of {operators}.",
        "过滤条件 {what} 无法使用：应为 {plain}（文本、数字或布尔值），或 {compared}，"
        "运算符为 {operators}。",
        what=repr(what),
        plain='{"field": value}',
        compared='{"field": {operator: value}}',
        operators=", ".join(["$eq", "$in", *_RANGES]),
    )
