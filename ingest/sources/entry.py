"""One source: a site, a page, a folder or a file, and how it is kept up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from assistant.errors import AssistantError, SettingsError
from assistant.knowledge.catalogue import check_name
from assistant.settings import ROOT
from ingest.crawl import CrawlRequest
from ingest.sources.schedule import Schedule

KINDS = ("site", "page", "folder", "file")
DEFAULT_SCHEDULE = "daily 03:00"
#: What only sites have; the names and defaults are the crawl's.
SITE_OPTIONS = (
    "more_urls", "depth", "pages", "prefix", "sitemap", "subdomains", "allow_private", "delay",
    "concurrency", "timeout", "languages", "misses",
)  # fmt: skip
_FOR_PAGES = ("allow_private", "timeout", "misses")
_PATTERNS = ("include", "exclude")
_DEFAULTS = {each.name: each.default for each in fields(CrawlRequest)}


@dataclass(frozen=True)
class SourceEntry:
    """A row of ``sources.toml``, checked.

    Args:
        name: unique in the file; for people, ``--only`` and reports.
        kind: one of :data:`KINDS`.
        address: a URL, or an absolute path.
        minutes: the longest run; 0 for no limit.
        include, exclude: globs, of URL paths for sites, of paths below the folder for folders.
        options: those of :data:`SITE_OPTIONS` that differ from the defaults.
    """

    name: str
    kind: str
    address: str
    collection: str = "default"
    schedule: Schedule = field(default_factory=lambda: Schedule(DEFAULT_SCHEDULE))
    paused: bool = False
    minutes: float = 0.0
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_web(self) -> bool:
        return self.kind in ("site", "page")

    def crawl_request(self, seconds: float | None = None) -> CrawlRequest:
        """What to crawl, at most for ``seconds``.

        Raises:
            PageError: the address is none of the web.
        """
        single = {"depth": 0, "pages": 1, "sitemap": False} if self.kind == "page" else {}
        return CrawlRequest(
            self.address,
            include=self.include,
            exclude=self.exclude,
            seconds=seconds,
            **{**self.options, **single},
        )


def read_entry(row: Mapping[str, Any], number: int) -> SourceEntry:
    """The ``number``-th table ``[[source]]`` of the file.

    Raises:
        SettingsError: says which source, which key, what was expected and what came.
    """
    given = dict(row)
    where = str(given.get("name") or f"#{number}")
    kinds = [kind for kind in KINDS if kind in given]
    if len(kinds) != 1:
        raise _wrong(
            where, "one of site, page, folder, file", "site、page、folder、file 之一", kinds
        )
    kind = kinds[0]
    values: dict[str, Any] = {"kind": kind, "address": _address(where, kind, given.pop(kind))}
    values["name"] = _typed(where, "name", given.pop("name", None), str)
    options: dict[str, Any] = {}
    for key, value in given.items():
        if key in _READERS:
            values[key] = _READERS[key](where, key, value)
        elif key in _options_of(kind):
            options[key] = _like(where, key, value, _DEFAULTS[key])
        else:
            known = sorted({*_READERS, *_options_of(kind), "name", kind} - _left_out(kind))
            raise _wrong(f"{where}: {key}", ", ".join(known), "、".join(known), value)
    entry = SourceEntry(**values, options=options)
    if entry.is_web:
        _checked(where, entry.crawl_request)
    return entry


def _options_of(kind: str) -> tuple[str, ...]:
    return {"site": SITE_OPTIONS, "page": _FOR_PAGES}.get(kind, ())


def _left_out(kind: str) -> set[str]:
    return set() if kind in ("site", "folder") else set(_PATTERNS)


def _address(where: str, kind: str, value: object) -> str:
    text = str(_typed(where, kind, value, str)).strip()
    if kind in ("site", "page"):
        return text
    path = Path(text).expanduser()
    return str(path if path.is_absolute() else ROOT / path)


def _collection(where: str, key: str, value: object) -> str:
    return str(_checked(where, lambda: check_name(_typed(where, key, value, str))))


def _schedule(where: str, key: str, value: object) -> Schedule:
    schedule: Schedule = _checked(where, lambda: Schedule(_typed(where, key, value, str)))
    return schedule


def _texts(where: str, key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise _wrong(
            f"{where}: {key}", 'a list such as ["**/*.md"]', '形如 ["**/*.md"] 的列表', value
        )
    return tuple(map(str, value))


def _minutes(where: str, key: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
        raise _wrong(f"{where}: {key}", "minutes, 0 for no limit", "分钟数，0 表示不限", value)
    return float(value)


def _paused(where: str, key: str, value: object) -> bool:
    return bool(_typed(where, key, value, bool))


_READERS: Mapping[str, Callable[[str, str, object], Any]] = {
    "collection": _collection,
    "schedule": _schedule,
    "paused": _paused,
    "minutes": _minutes,
    "include": _texts,
    "exclude": _texts,
}


def _like(where: str, key: str, value: object, default: object) -> Any:
    """``value`` as the crawl's field ``key`` takes it."""
    if isinstance(default, tuple):
        return _texts(where, key, value)
    if isinstance(default, float) and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if type(value) is not type(default):
        kind = type(default).__name__
        raise _wrong(
            f"{where}: {key}", f"a value like {default!r} ({kind})", f"形如 {default!r} 的值", value
        )
    if isinstance(value, int | float) and value < 0:
        raise _wrong(f"{where}: {key}", "a number from 0", "不小于 0 的数", value)
    return value


def _typed(where: str, key: str, value: object, kind: type) -> Any:
    if not isinstance(value, kind) or value == "":
        words = {str: ("a text", "文本"), bool: ("true or false", "true 或 false")}[kind]
        raise _wrong(f"{where}: {key}", *words, value)
    return value


def _checked(where: str, make: Callable[[], Any]) -> Any:
    """What ``make`` gives; its error says which source it is about."""
    try:
        return make()
    except AssistantError as error:
        raise SettingsError(
            "{where}: {en}",
            "来源 {where}：{zh}",
            where=where,
            en=error.text("en"),
            zh=error.text("zh"),
        ) from error


def _wrong(where: str, expected: str, expected_zh: str, came: object) -> SettingsError:
    return SettingsError(
        "{where}: expected {expected}; came {came}.",
        "{where}：应为 {expected_zh}；实际为 {came}。",
        where=where,
        expected=expected,
        expected_zh=expected_zh,
        came=repr(came) if came != [] else "none of them",
    )
