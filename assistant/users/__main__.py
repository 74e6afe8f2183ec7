"""``python -m assistant.users``: who may use the app.

A password is asked for without being shown; where the input is not a terminal, its first line is
the password. Exit codes: 0 done, 1 failed, 2 wrong use or settings, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence

from assistant.errors import AssistantError, SettingsError
from assistant.language import reader_language
from assistant.settings import Settings
from assistant.users.commands import COMMANDS, Call
from assistant.users.identity import Role

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130
ROLES = [role.word for role in Role]


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON object on standard output")
    named = argparse.ArgumentParser(add_help=False, parents=[common])
    named.add_argument("name", metavar="NAME")
    top = argparse.ArgumentParser(prog="python -m assistant.users", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    add = commands.add_parser("add", parents=[named], help="add a user")
    add.add_argument("--role", choices=ROLES, default=ROLES[0], help="default: reader")
    add.add_argument(
        "--no-password", action="store_true", help="comes by a proxy, a login service or a key"
    )
    commands.add_parser("list", parents=[common], help="names, roles and keys")
    commands.add_parser("remove", parents=[named], help="remove a user; what is theirs stays")
    commands.add_parser("password", parents=[named], help="give a user another password")
    role = commands.add_parser("role", parents=[named], help="give a user another role")
    role.add_argument("role", choices=ROLES)
    commands.add_parser("disable", parents=[named], help="keep a user out")
    commands.add_parser("enable", parents=[named], help="let a user in again")
    _add_key_commands(commands, named)
    return top


def _add_key_commands(commands: argparse._SubParsersAction, named: argparse.ArgumentParser) -> None:  # type: ignore[type-arg]
    keys = commands.add_parser("key", help="API keys of a user").add_subparsers(
        dest="key_command", required=True, metavar="COMMAND"
    )
    add = keys.add_parser("add", parents=[named], help="a new key; it is shown this once")
    add.add_argument("--label", default="", help="what it is for")
    keys.add_parser("list", parents=[named], help="the keys of a user")
    revoke = keys.add_parser("revoke", parents=[named], help="end a key")
    revoke.add_argument("key", metavar="ID")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = parser().parse_args(arguments)
    language = reader_language("auto")
    command = options.command
    if command == "key":
        command = f"key {options.key_command}"
    try:
        settings = Settings.load()
        language = reader_language(settings.language)
        outcome = COMMANDS[command](Call(options, settings, language))
    except AssistantError as error:
        print(error.text(language), file=sys.stderr)
        if options.json:
            _print_json({"error": {"kind": error.kind, "message": error.text(language)}})
        return WRONG_USE if isinstance(error, SettingsError) else FAILED
    except (KeyboardInterrupt, EOFError):
        return INTERRUPTED
    if options.json:
        _print_json(outcome.data)
    else:
        print("\n".join(outcome.lines))
    return 0


def _print_json(data: object) -> None:
    print(json.dumps(data, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())
