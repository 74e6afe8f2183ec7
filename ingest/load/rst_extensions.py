"""What reStructuredText files use beyond docutils: Sphinx's directives and roles, and any other,
so that their text is kept. Docutils keeps a register for each process; it is filled as names come.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_DIRECTIVE = re.compile(r"^[^\S\n]*\.\.[^\S\n]+(?:\|[^|\n]+\|[^\S\n]+)?([^\W_][\w.+:-]*?)::", re.M)
_ROLE = re.compile(r":([^\W_](?:[\w.+:-]*\w)?):`|`:([^\W_](?:[\w.+:-]*\w)?):")
_CODE = {
    "code", "math", "code-block", "sourcecode", "prompt", "ipython", "testcode", "testoutput",
    "testsetup", "testcleanup", "doctest", "productionlist", "mermaid", "graphviz", "digraph",
    "plantuml", "code-cell", "jupyter-execute", "plot",
}  # fmt: skip
# Their argument names the language.
_NAMED_CODE = {"code", "code-block", "sourcecode", "code-cell", "prompt"}
_LANGUAGES = {"math": ["latex"], "mermaid": ["mermaid"], "doctest": ["python"]}
# They say nothing by themselves, or name other files.
_SILENT = {
    "toctree", "index", "highlight", "currentmodule", "module", "py:currentmodule", "py:module",
    "tabularcolumns", "sectionauthor", "moduleauthor", "codeauthor", "literalinclude", "automodule",
    "autoclass", "autofunction", "automethod", "autosummary", "autodata", "bibliography", "include",
    "contents", "raw", "meta", "sectnum", "title", "role", "default-role", "default-domain",
    "program", "cssclass", "rst-class", "target-notes", "header", "footer",
}  # fmt: skip
# Their argument is a condition or a number, not text.
_UNTITLED = {"only", "ifconfig", "tabs", "tab-set", "grid", "hlist", "glossary"}
_VERSIONS = {
    "versionadded": "New in version",
    "versionchanged": "Changed in version",
    "deprecated": "Deprecated since version",
    "versionremoved": "Removed in version",
    "deprecated-removed": "Deprecated since version",
    "soft-deprecated": "Soft deprecated since version",
}
_TITLED = re.compile(r"^(.+?)\s*<[^<>]+>$", re.S)
# Roles of code show it as code.
_PLAIN_ROLES = {"ref", "doc", "term", "numref", "abbr", "guilabel", "menuselection", "dfn", "any"}


def register(text: str) -> None:
    """Make the directives and roles of ``text`` known to docutils, where they are not."""
    from docutils.parsers.rst import directives, roles
    from docutils.parsers.rst.languages import en

    for name in {found.lower() for found in _DIRECTIVE.findall(text)}:
        # To docutils a class is one of CSS; those of code are far more common.
        is_known = name in en.directives and name not in _SILENT | _CODE | {"class"}
        if not is_known and name not in directives._directives:
            directives.register_directive(name, _directive(name))
    for found in set(_ROLE.findall(text)):
        name = (found[0] or found[1]).lower()
        if name not in en.roles and name not in roles._roles:
            roles.register_local_role(name, _role(name))


class _AnyOption(dict[str, Callable[[Any], Any]]):
    """Takes every option as it is written."""

    def __bool__(self) -> bool:
        return True

    def __missing__(self, key: str) -> Callable[[Any], Any]:
        return str


def _directive(name: str) -> Any:
    from docutils.parsers.rst import Directive

    run = _silent if name in _SILENT else _code if name in _CODE else _open
    return type(
        name,
        (Directive,),
        {
            "optional_arguments": 1,
            "final_argument_whitespace": True,
            "has_content": True,
            "option_spec": _AnyOption(),
            "run": run,
        },
    )


def _silent(directive: Any) -> list[Any]:
    return []


def _code(directive: Any) -> list[Any]:
    from docutils import nodes

    name = directive.name.lower()
    is_named = name in _NAMED_CODE
    said = [] if is_named else directive.arguments
    text = "\n".join([*said, *directive.content])
    caption = directive.options.get("caption")
    block = nodes.literal_block(text, text)
    block["classes"] += [
        "code",
        *(directive.arguments[:1] if is_named else _LANGUAGES.get(name, [])),
    ]
    return [nodes.paragraph(caption, caption), block] if caption else [block]


def _open(directive: Any) -> list[Any]:
    """Of an unknown one: its argument (a signature, a title), then what is in it."""
    from docutils import nodes

    name = directive.name.lower()
    said = "" if name in _UNTITLED else " ".join(" ".join(directive.arguments).split())
    if name == "class" and not directive.content and "(" not in said:
        return []
    found: list[Any] = []
    if version := _VERSIONS.get(name):
        number, _, rest = said.partition(" ")
        said = f"{version} {number}: {rest}".rstrip(": ")
    if said:
        written, _ = directive.state.inline_text(said, directive.lineno)
        found.append(nodes.paragraph(said, "", *written))
    content = nodes.container()
    directive.state.nested_parse(
        directive.content, directive.content_offset, content, match_titles=True
    )
    return [*found, *content.children]


def _role(name: str) -> Any:
    def run(role: str, rawtext: str, text: str, *others: Any) -> tuple[list[Any], list[Any]]:
        from docutils import nodes, utils

        said = utils.unescape(text)
        titled = _TITLED.match(said)
        said = titled[1] if titled else said.lstrip("!")
        if said.startswith("~"):
            said = said[1:].rpartition(".")[2]
        is_plain = titled or name.rpartition(":")[2] in _PLAIN_ROLES
        return [nodes.inline(said, said) if is_plain else nodes.literal(said, said)], []

    return run
