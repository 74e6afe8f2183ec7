"""``python -m ingest``: documents in, out, found and counted, on the command line.

Exit codes: 0 all done, 1 something failed (the rest is done), 2 wrong use, 75 locked by another
process (try again), 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence

from assistant.errors import AssistantError, KnowledgeLocked, SettingsError
from assistant.language import reader_language
from assistant.settings import Settings
from ingest import crawl_parser, transfer_parser, upkeep_parser
from ingest.option_types import at_least, json_object
from ingest.priority import step_back
from ingest.sources import parser as sources_parser

FAILED, WRONG_USE, LOCKED, INTERRUPTED = 1, 2, 75, 130

#: What may take long: chat comes first, and a stop from outside ends it in good order.
WORKING = ("add", "crawl", "sync", "reindex", "import")

logger = logging.getLogger("ingest")


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--collection", default="default", metavar="NAME", help="default: default")
    common.add_argument("--json", action="store_true", help="one JSON object on standard output")
    private = argparse.ArgumentParser(add_help=False)
    private.add_argument(
        "--allow-private",
        action="store_true",
        help="also fetch from loopback and private addresses",
    )
    top = argparse.ArgumentParser(prog="python -m ingest", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    add = commands.add_parser(
        "add", parents=[common, private], help="add files, folders and single web pages"
    )
    add.add_argument("paths", nargs="+", metavar="PATH|URL")
    crawl_parser.add_options(
        commands.add_parser(
            "crawl",
            parents=[common, private],
            help="add the pages of a site, or what changed of them since the last crawl",
        )
    )
    commands.add_parser("list", parents=[common], help="id, type, chunks, title, address")
    delete = commands.add_parser("delete", parents=[common], help="delete sources")
    delete.add_argument("sources", nargs="+", metavar="ID|URI")
    drop = commands.add_parser("drop", parents=[common], help="delete a collection")
    drop.add_argument("--yes", action="store_true", help="without asking back")
    _search_options(commands.add_parser("search", parents=[common], help="find chunks"))
    preview = commands.add_parser(
        "preview", parents=[common], help="the chunks of a file as they would be stored"
    )
    preview.add_argument("file", metavar="FILE")
    _reindex_options(
        commands.add_parser(
            "reindex", parents=[common], help="embed a collection with another model"
        )
    )
    upkeep_parser.add_commands(commands, common)
    transfer_parser.add_commands(commands, common)
    sources_parser.add_commands(commands)
    return top


def _search_options(search: argparse.ArgumentParser) -> None:
    search.add_argument("query", metavar="QUERY")
    search.add_argument("-k", "--k", type=at_least(1), default=5, help="how many (default: 5)")
    search.add_argument(
        "--filter",
        type=json_object,
        metavar="JSON",
        help='only chunks that match, such as {"kind": "pdf", "page": {"$gte": 2}}',
    )
    search.add_argument("--explain", action="store_true", help="how each hit got its score")


def _reindex_options(reindex: argparse.ArgumentParser) -> None:
    reindex.add_argument(
        "--embedding", metavar="PROVIDER:MODEL", help="default: EMBEDDING_MODEL of .env"
    )
    reindex.add_argument("--metric", choices=("cosine", "ip", "l2"), help="default: as it is")
    reindex.add_argument(
        "--precision", choices=("float32", "int8", "binary"), help="default: as it is"
    )
    reindex.add_argument(
        "--abandon", action="store_true", help="drop a reindex that was not finished"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = parser().parse_args(arguments)
    language = reader_language("auto")
    try:
        settings = Settings.load()
        language = reader_language(settings.language)
        _start_logging(settings.log_level)
        if options.command in WORKING:
            step_back()
            signal.signal(signal.SIGTERM, _interrupted)
        return _run(options, settings, language)
    except AssistantError as error:
        _print_error(error.text(language))
        if options.json:
            _print_json({"error": {"kind": error.kind, "message": error.text(language)}})
        return _code(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # the reader of our output left, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED


def _interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def _run(options: argparse.Namespace, settings: Settings, language: str) -> int:
    from ingest.commands import COMMANDS
    from ingest.outcome import Call

    outcome = COMMANDS[options.command](Call(options, settings, language))
    for error in outcome.errors:
        _print_error(error.text(language))
    if options.json:
        _print_json(outcome.data)
    else:
        for line in outcome.lines:
            sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return outcome.code


def _code(error: AssistantError) -> int:
    if isinstance(error, KnowledgeLocked):
        return LOCKED
    return WRONG_USE if isinstance(error, SettingsError) else FAILED


def _print_json(data: object) -> None:
    sys.stdout.write(json.dumps(data, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _print_error(text: str) -> None:
    sys.stderr.write(text + "\n")


def _start_logging(level: str) -> None:
    # The loaders note each failure; the report prints it for people.
    shown = level if level == "DEBUG" else "WARNING"
    logging.basicConfig(level=shown, format="%(asctime)s %(name)s %(levelname)s %(message)s")


if __name__ == "__main__":
    sys.exit(main())
