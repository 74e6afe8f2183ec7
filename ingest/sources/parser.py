"""Options of ``sync`` and ``sources``."""

from __future__ import annotations

import argparse
from typing import Any

from ingest.option_types import at_least, positive
from ingest.sources.entry import KINDS


def add_commands(commands: Any) -> None:
    """Add the commands to those of ``python -m ingest``."""
    _sync(commands)
    _sources(commands)


def _json() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return common


def _sync(commands: Any) -> None:
    sync = commands.add_parser(
        "sync",
        parents=[_json()],
        help="bring the sources of sources.toml up to date; made for cron",
    )
    sync.add_argument("--only", action="append", default=[], metavar="NAME", help="due or not")
    sync.add_argument("--all", action="store_true", help="those that are not due, too")
    sync.add_argument("--dry-run", action="store_true", help="say what would be done")
    sync.add_argument("--minutes", type=positive, metavar="N", help="stop in good order after N")
    sync.add_argument("--pages", type=at_least(1), metavar="N", help="at most N pages and files")
    sync.add_argument(
        "--wait",
        type=float,
        default=0.0,
        metavar="SECONDS",
        help="wait so long for another sync to end (default: 0, leave with exit code 75)",
    )
    sync.add_argument(
        "--quiet", action="store_true", help="print nothing unless something failed: for cron mail"
    )


def _sources(commands: Any) -> None:
    common = _json()
    sources = commands.add_parser("sources", help="show and change sources.toml")
    verbs = sources.add_subparsers(dest="verb", required=True, metavar="VERB")
    verbs.add_parser("list", parents=[common], help="each with its last run")
    add = verbs.add_parser("add", parents=[common], help="add a source")
    add.add_argument("name", metavar="NAME")
    kind = add.add_mutually_exclusive_group(required=True)
    for each in KINDS:
        kind.add_argument(f"--{each}", metavar="URL" if each in ("site", "page") else "PATH")
    add.add_argument("--collection", metavar="NAME")
    add.add_argument("--schedule", metavar="WHEN", help='such as "daily 03:00" or "every 6h"')
    add.add_argument("--include", action="append", metavar="GLOB")
    add.add_argument("--exclude", action="append", metavar="GLOB")
    add.add_argument("--depth", type=int)
    add.add_argument("--pages", type=int)
    add.add_argument("--allow-private", action="store_true", default=None)
    for verb, words in (
        ("pause", "leave a source out of sync"),
        ("resume", "take it in again"),
    ):
        verbs.add_parser(verb, parents=[common], help=words).add_argument("name", metavar="NAME")
    schedule = verbs.add_parser("schedule", parents=[common], help="when a source is due")
    schedule.add_argument("name", metavar="NAME")
    schedule.add_argument("when", metavar="WHEN")
    remove = verbs.add_parser("remove", parents=[common], help="take a source out of the list")
    remove.add_argument("name", metavar="NAME")
    remove.add_argument(
        "--with-documents", action="store_true", help="delete what it brought in, too"
    )
