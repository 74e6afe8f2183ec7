"""Python source, parsed: a section for each function and class, named as it is imported."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from itertools import pairwise

from ingest.load.document import Block
from ingest.load.wrapping import fenced

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def python_blocks(text: str) -> list[Block] | None:
    """The module's docstring, its own code, and every function, class and method under the
    heading of its name (``Class.method``); None where it doesn't parse. Every line is in one."""
    try:
        with warnings.catch_warnings():  # of what the source does wrong
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return list(_module(tree, text.split("\n")))


def _module(tree: ast.Module, lines: list[str]) -> Iterator[Block]:
    start = 1
    if said := ast.get_docstring(tree):
        yield Block(said)
        start = (tree.body[0].end_lineno or 0) + 1
    yield from _body(tree.body, lines, start, len(lines), ())


def _body(
    body: list[ast.stmt], lines: list[str], first: int, last: int, path: tuple[str, ...]
) -> Iterator[Block]:
    """The lines ``first`` to ``last`` (1-based) of a module or a class."""
    defined = [node for node in body if isinstance(node, _Definition)]
    starts = []
    least = first
    for node in defined:
        starts.append(_start(node, lines, least))
        least = (node.end_lineno or node.lineno) + 1
    bounds = [*starts, last + 1]
    yield from _code(lines, first, bounds[0] - 1)
    for node, (start, after) in zip(defined, pairwise(bounds), strict=True):
        end = node.end_lineno or node.lineno
        name = (*path, node.name)
        yield Block(".".join(name), "heading", min(6, len(name)))
        if isinstance(node, ast.ClassDef) and any(
            isinstance(each, _Definition) for each in node.body
        ):
            yield from _body(node.body, lines, start, end, name)
        else:
            yield from _code(lines, start, end)
        yield from _code(lines, end + 1, after - 1)


def _start(node: _Definition, lines: list[str], least: int) -> int:
    """The first line of a definition: its decorators and the comments directly above included."""
    start = min([node.lineno, *(each.lineno for each in node.decorator_list)])
    while start > least and lines[start - 2].lstrip().startswith("#"):
        start -= 1
    return max(start, least)


def _code(lines: list[str], first: int, last: int) -> Iterator[Block]:
    code = "\n".join(lines[first - 1 : last]).strip("\n").rstrip()
    if code.strip():
        yield Block(fenced(code, "python"), "code")
