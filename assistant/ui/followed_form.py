"""What is typed into the form of a new source, as a row of the list of sources."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from assistant.errors import SettingsError
from assistant.ui.texts import TEXTS

KINDS = ("page", "site", "folder")  # to choose from; a folder may turn out to be a file
DEPTH, DEEPEST = 3, 10
PAGES = 500
BY_HAND = "manual"
LONGEST_NAME = 40

_HOST_FIRST = re.compile(r"[\w-]+(\.[\w-]+)+([:/]\S*)?$")  # an address without its scheme
_UNNAMEABLE = re.compile(r"[^\w.]+")
_DULL = re.compile(r"^(www\.|docs\.)|\.(html?|php|aspx?)$")


class SourceForm(NamedTuple):
    """The fields in the order of the components; what does not apply to ``kind`` is ignored."""

    kind: str
    address: str
    schedule: str | None = BY_HAND
    depth: float | None = DEPTH
    pages: float | None = PAGES
    include: str = ""
    exclude: str = ""
    languages: str = ""
    allow_private: bool = False


def source_row(form: SourceForm) -> dict[str, Any]:
    """The keys of the source as they stand in the list, but for its name.

    Raises:
        SettingsError: there is no address, or no such file or folder.
    """
    address = form.address.strip()
    if not address:
        raise _refusal("no_address")
    kind = form.kind
    if address.startswith(("/", "~")) or kind == "folder":
        row = _on_disk(address)
        kind = next(iter(row))
    else:
        if _HOST_FIRST.match(address):
            address = f"https://{address}"
        row = {kind: address}
    row["schedule"] = (form.schedule or BY_HAND).strip()
    if kind == "site":
        row["depth"] = DEPTH if form.depth is None else int(form.depth)
        row["pages"] = PAGES if form.pages is None else int(form.pages)
        row["languages"] = _parts(form.languages)
    if kind in ("site", "folder"):
        row["include"] = _parts(form.include)
        row["exclude"] = _parts(form.exclude)
    if kind in ("site", "page"):
        row["allow_private"] = form.allow_private
    return {key: value for key, value in row.items() if value != [] and value is not False}


def source_name(row: Mapping[str, Any], taken: Iterable[str]) -> str:
    """A name for people that none of ``taken`` is: the host with the last part of the path, or the
    folder's.

    >>> source_name({"site": "https://docs.python.org/zh-cn/3/library/"}, ["python.org-library"])
    'python.org-library-2'
    """
    address = _address(row)
    parts = urlsplit(address)
    if parts.netloc:
        last = unquote(parts.path).rstrip("/").rpartition("/")[2]
        words = [_DULL.sub("", parts.netloc), _DULL.sub("", last)]
    else:
        words = [Path(address).name]
    name = _UNNAMEABLE.sub("-", "-".join(filter(None, words))).strip("-.")
    name = name[:LONGEST_NAME].rstrip("-.") or "source"
    known, number, found = set(taken), 2, name
    while found in known:
        mark = f"-{number}"
        found, number = name[: LONGEST_NAME - len(mark)] + mark, number + 1
    return found


def is_same_address(known: Any, row: Mapping[str, Any]) -> bool:
    """Whether the source ``known`` (with ``kind`` and ``address``) is what ``row`` would add."""
    return known.kind in row and _canonical(known.address) == _canonical(_address(row))


def _on_disk(address: str) -> dict[str, Any]:
    path = Path(address).expanduser()
    if not path.is_absolute():
        raise _refusal("not_absolute", path=address)
    try:
        if path.is_dir():
            return {"folder": str(path)}
        if path.is_file():
            return {"file": str(path)}
    except OSError:
        pass  # a name that no file can have
    raise _refusal("no_such_path", path=address)


def _address(row: Mapping[str, Any]) -> str:
    return str(next(row[kind] for kind in ("page", "site", "folder", "file") if kind in row))


def _canonical(address: str) -> str:
    parts = urlsplit(address.strip())
    if not parts.netloc:
        return str(Path(address).expanduser())
    path = parts.path.rstrip("/")
    return f"{parts.scheme.lower()}://{parts.netloc.lower()}{path}?{parts.query}"


def _parts(text: str) -> list[str]:
    """What stands between commas and line ends."""
    return [part.strip() for part in re.split(r"[,，、\n]", text) if part.strip()]


def _refusal(key: str, **fields: object) -> SettingsError:
    zh, en = TEXTS[key]
    return SettingsError(en, zh, **fields)
