"""Metadata filters as SQL.

>>> where = {"kind": "pdf", "page": {"$gte": 2}, "source": {"$prefix": "/docs/"}}
>>> either = {"$or": [{"lang": "zh"}, {"lang": {"$in": ["en", "de"]}}]}

A field is looked up in the chunk's own metadata first, then among what the knowledge base knows of
every chunk (:data:`KNOWN_FIELDS`); ``source`` is always the source's URI. Several fields, and
several conditions on one, must all hold. A chunk without the field doesn't match, whatever the
condition, but for ``None`` (the field is missing or null), ``$ne``, ``$nin`` and ``$not``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from reprlib import repr as short_repr

from assistant.errors import KnowledgeError
from assistant.knowledge.records import storable

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
_JOINED = {"$and": " AND ", "$or": " OR "}
_OPERATORS = ("$eq", "$ne", "$in", "$nin", *_RANGES, "$prefix")
#: SQLite parses no expression of a thousand parts, nor one of some fifty levels.
_MOST_CONDITIONS = 500
_DEEPEST = 20
#: Names that every SQLite finds by a path; before 3.45 it compares others with the JSON as it is
#: written, where they are escaped.
_PLAIN = re.compile(r"[ !#-\[\]-~]+")
_TOLD = 30  # fields in a message, and letters of their names


def condition(where: Where | None, own: Collection[str] | None = None) -> Condition:
    """SQL that is true for the rows that match; all rows for an empty filter.

    Args:
        own: names in the metadata of the collection's chunks.

    Raises:
        KnowledgeError: the filter is no mapping, or has an unknown field or operator or an
            unusable value.
    """
    if where is None:
        return "1", []
    if not isinstance(where, Mapping):
        raise _bad(where)
    if _size(where) > _MOST_CONDITIONS:
        raise _too_large()
    return _condition(where, own or ())


def _size(where: object, depth: int = 0) -> int:
    """How many conditions there are in a filter. Raises KnowledgeError if it is too deep."""
    if depth > _DEEPEST:
        raise _too_large()
    if isinstance(where, Mapping):
        return sum(_size(one, depth + 1) for one in where.values())
    if isinstance(where, list | tuple) and any(isinstance(one, Mapping) for one in where):
        return sum(_size(one, depth) for one in where)
    return 1


def _condition(where: Where, own: Collection[str]) -> Condition:
    parts: list[str] = []
    parameters: list[object] = []
    for field, wanted in where.items():
        for test, values in _tests(field, wanted, own):
            parts.append(test)
            parameters += values
    return " AND ".join(parts) or "1", parameters


def _tests(field: object, wanted: object, own: Collection[str]) -> Sequence[Condition]:
    if field in _JOINED and isinstance(wanted, Sequence) and not isinstance(wanted, str | bytes):
        inner = [_condition(_mapping(one), own) for one in wanted]
        joined = _JOINED[str(field)].join(f"({test})" for test, _ in inner)
        return [(f"({joined})" if inner else "0", [v for _, values in inner for v in values])]
    if field == "$not":
        test, values = _condition(_mapping(wanted), own)
        return [(f"coalesce(NOT ({test}), 1)", values)]
    expression, path = _field(field, own)
    tests = wanted if isinstance(wanted, Mapping) else {"$eq": wanted}
    if not tests:
        raise _bad({field: wanted})
    made = [_test(operator, value) for operator, value in tests.items()]
    # The field may stand in a test twice, each time with its path.
    return [
        (test.replace("FIELD", expression), path * test.count("FIELD") + values)
        for test, values in made
    ]


def _field(field: object, own: Collection[str]) -> tuple[str, list[object]]:
    if not isinstance(field, str) or not _is_value(field):
        raise _bad(field)
    known = KNOWN_FIELDS.get(field)
    if known and (field == "source" or field not in own):
        return known, []  # a plain column, so that its index can be used
    if not known and field not in own:
        raise _unknown(field, own)
    if not _PLAIN.fullmatch(field):
        return "(SELECT value FROM json_each(chunks.metadata) WHERE key = ?)", [field]
    value = "json_extract(chunks.metadata, ?)"
    return (f"coalesce({value}, {known})" if known else value), [f'$."{field}"']


def _test(operator: object, value: object) -> Condition:
    if operator in ("$eq", "$ne") and value is None:
        return f"FIELD IS {'NOT ' if operator == '$ne' else ''}NULL", []
    if operator == "$eq" and _is_value(value):
        return "FIELD = ?", [value]
    if operator == "$ne" and _is_value(value):
        return "FIELD IS NOT ?", [value]
    if operator in ("$in", "$nin"):
        return _membership(operator == "$nin", value)
    if operator == "$prefix" and isinstance(value, str) and _is_value(value):
        # By comparing and not by LIKE: it may use an index, and no character is special.
        return "FIELD BETWEEN ? AND ?", [value, value + "\U0010ffff"]
    if operator in _RANGES and _is_value(value):
        # SQLite orders every number before every text; a range means its own kind only.
        types = "('text')" if isinstance(value, str) else "('integer', 'real')"
        return f"typeof(FIELD) IN {types} AND FIELD {_RANGES[str(operator)]} ?", [value]
    raise _bad({operator: value})


def _membership(is_negated: bool, values: object) -> Condition:
    if not isinstance(values, Sequence) or isinstance(values, str | bytes):
        raise _bad(values)
    if not all(_is_value(one) for one in values):
        raise _bad(values)
    test = "FIELD IN (SELECT value FROM json_each(?))"
    return (f"coalesce(NOT {test}, 1)" if is_negated else test), [json.dumps(list(values))]


def _mapping(where: object) -> Where:
    if not isinstance(where, Mapping):
        raise _bad(where)
    return where


def _is_value(value: object) -> bool:
    if isinstance(value, str):
        return storable(value) == value
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return isinstance(value, float) and math.isfinite(value)


def _bad(what: object) -> KnowledgeError:
    return KnowledgeError(
        "The filter can't be used at {what}: expected {plain} with a text, number or true/false, "
        "or {compared} with one of {operators}.",
        "过滤条件 {what} 无法使用：应为 {plain}（文本、数字或布尔值），或 {compared}，"
        "运算符为 {operators}。",
        what=short_repr(what),
        plain='{"field": value}',
        compared='{"field": {operator: value}}',
        operators=", ".join(_OPERATORS),
    )


def _unknown(field: str, own: Collection[str]) -> KnowledgeError:
    return KnowledgeError(
        "The filter asks for {field}, which no document of this collection has: use one of "
        "{known}.",
        "过滤条件使用了字段 {field}，但该知识库的文档都没有此字段：请使用 {known} 之一。",
        field=short_repr(field),
        known=", ".join(name[:_TOLD] for name in sorted({*KNOWN_FIELDS, *own})[:_TOLD]),
    )


def _too_large() -> KnowledgeError:
    return KnowledgeError(
        "The filter is too large: use up to {most} conditions, {deepest} levels deep; many values "
        "of one field go into one $in.",
        "过滤条件过大：最多 {most} 个条件、{deepest} 层嵌套；同一字段的多个值请合并为一个 $in。",
        most=_MOST_CONDITIONS,
        deepest=_DEEPEST,
    )
