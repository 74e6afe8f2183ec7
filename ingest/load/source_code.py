"""Source code: functions and classes become headings with their code below.

Python is parsed (:mod:`ingest.load.python_code`). Other languages are cut by one rule: a line that
begins a definition (``_DEFINITIONS``) opens a section, with the comments and attributes directly
above it, unless it stands inside a function; what a class, a module or an ``impl`` holds is named
after it, as in ``Shape.area``. A definition is inside another where it is indented more. What
comes before the first one (imports, constants) stands by itself. No parser, no wrong turn: at
worst a heading is missing, never a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ingest.load.document import Block, Document, RawDocument
from ingest.load.encoding import decode
from ingest.load.python_code import python_blocks
from ingest.load.wrapping import fenced

#: The language by suffix, as Markdown names it.
LANGUAGES = {
    ".py": "python", ".pyi": "python", ".pyw": "python",
    ".js": "javascript", ".mjs": "javascript", ".cjs": "javascript", ".jsx": "jsx",
    ".ts": "typescript", ".tsx": "tsx", ".vue": "vue",
    ".java": "java", ".kt": "kotlin", ".kts": "kotlin", ".scala": "scala", ".groovy": "groovy",
    ".gradle": "groovy", ".go": "go", ".rs": "rust", ".swift": "swift", ".dart": "dart",
    ".c": "c", ".h": "c", ".cpp": "cpp", ".cc": "cpp", ".cxx": "cpp", ".hpp": "cpp", ".hh": "cpp",
    ".cs": "csharp", ".m": "objectivec", ".mm": "objectivec",
    ".rb": "ruby", ".php": "php", ".pl": "perl", ".pm": "perl", ".lua": "lua", ".r": "r",
    ".jl": "julia", ".ex": "elixir", ".exs": "elixir", ".erl": "erlang", ".hs": "haskell",
    ".sh": "bash", ".bash": "bash", ".zsh": "bash", ".fish": "fish", ".ps1": "powershell",
    ".bat": "batch", ".cmd": "batch", ".sql": "sql", ".proto": "protobuf", ".graphql": "graphql",
    ".css": "css", ".scss": "scss", ".less": "less", ".tf": "terraform",
    ".yaml": "yaml", ".yml": "yaml", ".toml": "toml", ".ini": "ini", ".cfg": "ini",
    ".conf": "ini", ".properties": "ini", ".dockerfile": "dockerfile", ".mk": "makefile",
    ".cmake": "cmake",
}  # fmt: skip
#: The same for files that are known by their whole name, in lower case.
NAMED = {
    "dockerfile": "dockerfile", "containerfile": "dockerfile", "makefile": "makefile",
    "gnumakefile": "makefile", "cmakelists.txt": "cmake", "jenkinsfile": "groovy",
    "rakefile": "ruby", "gemfile": "ruby", "vagrantfile": "ruby", "procfile": "yaml",
}  # fmt: skip

_MODIFIERS = (
    r"(?:(?:export|default|declare|public|private|protected|internal|static|final|abstract|sealed"
    r"|open|override|async|inline|extern|unsafe|const|partial|data|case|virtual|readonly|suspend"
    r"|implicit|pub(?:\([^)]*\))?|local)\s+)*"
)
_NAME = r"[\w$.:]+[?!]?"
# What holds definitions of its own.
_HOLDER = (
    rf"(?:class|interface|trait|struct|enum(?: class| struct)?|record|object|module|mod|namespace"
    rf"|protocol|extension|impl(?:<[^>]*>)?(?: [\w:<>, ]+ for)?|@interface|@implementation"
    rf"|defmodule|service|message) +(?P<holder>{_NAME})"
)
_FUNCTION = (
    rf"(?:function\*?|func(?: \([^)]*\))?|fun(?: <[^>]*>)?|fn|def|sub|proc|macro_rules!|defp?"
    rf"|type|typealias|let rec) +(?P<function>{_NAME})"
)
_BOUND = (
    rf"(?:const|let|var|val) +(?P<bound>{_NAME}) *(?::[^=]+)?="
    r" *(?:async *)?(?:\(|function\b|\w+ *=>)"
)
_ASSIGNED = rf"(?P<assigned>{_NAME}) *(?:<-|=) *function\b"
_NO_NAME = (
    r"(?!(?:return|else|elif|new|throw|if|for|while|until|do|switch|catch|case|await|yield|using"
    r"|with|goto|typedef)\b)"
)
_METHOD = r"(?P<method>[\w#-]+) *\([^;()]*\)[^;=()]*\{\s*$"
# A return type, a name, brackets, and no semicolon: C, Java and their kin.
_TYPED = (
    rf"(?:[\w:<>,\[\]~?@.]+[ *&]+)+(?P<typed>~?{_NAME}) *(?:\([^;]*|\([^;{{}}]*\)[^;{{}}]*\{{.*)$"
)
_GENERAL = re.compile(
    rf"(?P<indent>[ \t]*){_MODIFIERS}(?:{_HOLDER}|{_FUNCTION}|{_BOUND}|{_ASSIGNED}"
    rf"|{_NO_NAME}(?:{_METHOD}|{_TYPED}))"
)
_SQL = (
    r"create (?:or replace )?(?:temp(?:orary)? |unique |materialized )*(?:table|view|function"
    r"|procedure|index|trigger|type|schema) (?:if not exists )?(?P<sql>[\w.\"`\[\]]+)"
)
_DEFINITIONS = {
    "sql": re.compile(rf"(?P<indent>\s*){_SQL}", re.I),
    "toml": re.compile(r"(?P<indent>)\[+(?P<section>[^\]]+)\]+"),
    "ini": re.compile(r"(?P<indent>)\[(?P<section>[^\]]+)\]"),
    "yaml": re.compile(r"(?P<indent>)(?P<key>[\w.$/-]+):\s*(?:#.*)?$"),
    "makefile": re.compile(r"(?P<indent>)(?P<target>[\w%/$()-][^:=#\t]*?) *:(?!=)"),
    "dockerfile": re.compile(r"(?P<indent>)(?P<stage>FROM .+)"),
    "cmake": re.compile(r"(?P<indent>)(?:function|macro) *\( *(?P<function>\w+)", re.I),
    "terraform": re.compile(r"(?P<indent>)(?P<resource>[a-z]+(?: +\"[^\"]+\")+) *\{"),
    "powershell": re.compile(r"(?P<indent>)function +(?P<function>[\w:-]+)", re.I),
    "css": None, "scss": None, "less": None, "batch": None, "vue": None,
}  # fmt: skip
# Comments and attributes.
_ABOVE = re.compile(r"\s*(?://|/\*|\*|#|--|;;|%|@\w|\[[\w<]|<!--|template *<)")
# Longer lines are no definitions, but what a program wrote.
LONGEST_LINE = 400
# Lines; shorter files stay whole.
SHORTEST = 12


@dataclass
class _Part:
    """A section from its first line; ``name`` is empty for what comes before all."""

    name: str
    level: int
    first: int


def load_code(raw: RawDocument) -> Document:
    """A file of source code or configuration; its title is the file's name. One that doesn't
    parse, or has no definitions, is one block."""
    name = raw.path.rpartition("/")[2]
    text = decode(raw.data, raw.charset).replace("\r\n", "\n").replace("\r", "\n").expandtabs(4)
    language = LANGUAGES.get(raw.suffix) or NAMED.get(name.lower(), "")
    blocks = python_blocks(text) if language == "python" else None
    if blocks is None:
        blocks = list(_blocks(text.split("\n"), language))
    return Document(name or raw.stem, "code", tuple(blocks))


def _blocks(lines: list[str], language: str) -> Iterator[Block]:
    parts = [_Part("", 0, 0)]
    if len(lines) >= SHORTEST:
        parts += _parts(lines, _DEFINITIONS.get(language, _GENERAL))
    ends = [part.first for part in parts[1:]] + [len(lines)]
    for part, end in zip(parts, ends, strict=True):
        code = "\n".join(lines[part.first : end]).strip("\n").rstrip()
        if part.name:
            yield Block(part.name, "heading", part.level)
        if code.strip():
            yield Block(fenced(code, language), "code")


def _parts(lines: list[str], definition: re.Pattern[str] | None) -> Iterator[_Part]:
    if definition is None:
        return
    around: list[tuple[int, str, bool]] = []  # open definitions: indentation, name, holds others
    last = 0
    for number, line in enumerate(lines):
        found = definition.match(line) if len(line) <= LONGEST_LINE else None
        if not found:
            continue
        indent = len(found["indent"])
        while around and around[-1][0] >= indent:
            around.pop()
        if indent > 0 and not (around and around[-1][2]):
            continue
        kind, name = next((k, v) for k, v in found.groupdict().items() if v and k != "indent")
        path = ".".join([*(each for _, each, _ in around), name.strip()])
        around.append((indent, name.strip(), kind == "holder"))
        first = number
        while first > last and lines[first - 1].strip() and _ABOVE.match(lines[first - 1]):
            first -= 1
        yield _Part(path, min(6, len(around)), first)
        last = number + 1
