"""``python -m assistant.models``: the embedded chat models and their files."""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from assistant.errors import AssistantError, SettingsError
from assistant.language import reader_language
from assistant.models.local import catalogue, files
from assistant.models.local.progress_bar import terminal_bar
from assistant.settings import Settings


def main(argv: Sequence[str] | None = None) -> int:
    """Exit code 0: done; 1: failed; 2: wrong use or settings."""
    arguments = _parser().parse_args(argv)
    language = reader_language("auto")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    try:
        settings = Settings.load()
        language = reader_language(settings.language)
        result = COMMANDS[arguments.command](settings, arguments)
    except AssistantError as error:
        if arguments.json:
            _print({"error": {"kind": error.kind, "message": error.text(language)}})
        else:
            print(error.text(language), file=sys.stderr)
        return 2 if isinstance(error, SettingsError) else 1
    if arguments.json:
        _print(result | {"error": None})
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m assistant.models", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    list_command = commands.add_parser("list", help="the models, and which are on this machine")
    pull = commands.add_parser("pull", help="fetch and verify a model's file")
    pull.add_argument(
        "name", nargs="?", metavar="NAME", help="as in list; default: what CHAT_MODEL names"
    )
    for command in (list_command, pull):
        command.add_argument(
            "--json", action="store_true", help="one JSON object on standard output"
        )
    return parser


def _list(settings: Settings, arguments: argparse.Namespace) -> dict[str, object]:
    rows = [
        {
            "name": f"local:{row.name}",
            "file": row.file,
            "bytes": row.size,
            "sha256": row.sha256,
            "path": str(row.path(settings)),
            "here": files.is_here(row, settings),
        }
        for row in catalogue.MODEL_FILES
    ]
    if not arguments.json:
        for model in catalogue.MODEL_FILES:
            where = model.path(settings) if files.is_here(model, settings) else "-"
            print(f"local:{model.name:<22}{model.size / 1e9:5.1f} GB  {where}")
    return {"models": rows}


def _pull(settings: Settings, arguments: argparse.Namespace) -> dict[str, object]:
    model = _named(settings, arguments.name)
    if model is None:
        print(f"CHAT_MODEL={settings.chat_model}: no file / 无需下载", file=sys.stderr)
        return {"path": None}
    with terminal_bar() as progress:
        path = files.obtain(model, settings, progress)
    if not arguments.json:
        print(path)
    return {"path": str(path)}


def _named(settings: Settings, name: str | None) -> catalogue.ModelFile | Path | None:
    """The model to fetch; None where CHAT_MODEL names a service and nothing else was asked for."""
    if name is not None:
        return catalogue.find(name.removeprefix("local:"))
    provider, _, model = settings.chat_model.partition(":")
    return catalogue.find(model) if provider == "local" else None


def _print(result: dict[str, object]) -> None:
    print(json.dumps(result, ensure_ascii=False))


COMMANDS: dict[str, Callable[[Settings, argparse.Namespace], dict[str, object]]] = {
    "list": _list,
    "pull": _pull,
}


if __name__ == "__main__":
    sys.exit(main())
