"""Options of ``crawl``."""

from __future__ import annotations

import argparse
from typing import Any

from ingest.option_types import at_least, positive

#: Options that are fields of the crawl under the same name.
FIELDS = (
    "depth", "pages", "prefix", "include", "exclude", "sitemap", "subdomains", "delay",
    "concurrency", "timeout", "languages", "misses",
)  # fmt: skip


def add_options(crawl: argparse.ArgumentParser) -> None:
    """Those of ``python -m ingest crawl``; None stands for the crawl's own default."""
    crawl.add_argument("url", metavar="URL")
    crawl.add_argument("--depth", type=at_least(0), help="links away (default: 3)")
    crawl.add_argument("--pages", type=at_least(1), help="at most (default: 500)")
    crawl.add_argument("--prefix", metavar="PATH", help="only paths that begin so")
    crawl.add_argument("--include", action="append", metavar="GLOB", help="only paths like this")
    crawl.add_argument("--exclude", action="append", metavar="GLOB", help="no paths like this")
    crawl.add_argument(
        "--no-sitemap", dest="sitemap", action="store_false", default=None, help="follow links only"
    )
    crawl.add_argument(
        "--subdomains", action="store_true", default=None, help="those of the host, too"
    )
    crawl.add_argument(
        "--delay", type=float, metavar="SECONDS", help="between pages (default: 0.2)"
    )
    crawl.add_argument("--concurrency", type=at_least(1), help="pages at a time (default: 4)")
    crawl.add_argument("--timeout", type=float, metavar="SECONDS", help="for a page (default: 30)")
    crawl.add_argument(
        "--language", dest="languages", action="append", metavar="LANG", help="such as zh"
    )
    crawl.add_argument(
        "--misses",
        type=at_least(1),
        help="crawls that must miss a page before it goes (default: 2)",
    )
    crawl.add_argument("--minutes", type=positive, help="stop in good order after so long")


def fields_of(options: argparse.Namespace) -> dict[str, Any]:
    """The fields of the crawl that were given."""
    given = {name: getattr(options, name) for name in FIELDS}
    found = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in given.items()
        if value is not None
    }
    if options.minutes is not None:
        found["seconds"] = options.minutes * 60
    return found
