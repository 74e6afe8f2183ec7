"""``python -m assistant.models``: models listed, fetched, served and tried.

Exit codes: 0 done, 1 failed, 2 wrong use or settings, 130 interrupted; of serve: the server's.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Sequence

from assistant.errors import AssistantError, SettingsError
from assistant.language import reader_language
from assistant.models.commands import listing, pull, serve
from assistant.models.commands.outcome import FAILED, INTERRUPTED, WRONG_USE, Call, Outcome
from assistant.models.commands.parser import parsed
from assistant.settings import Settings


def _check(call: Call) -> Outcome:
    from assistant.models.commands import check  # a second of imports

    return check.run(call)


COMMANDS: dict[str, Callable[[Call], Outcome]] = {
    "list": listing.run,
    "pull": pull.run,
    "serve": serve.run,
    "check": _check,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = parsed(__doc__, sys.argv[1:] if argv is None else argv)
    language = reader_language("auto")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    try:
        settings = Settings.load()
        language = reader_language(settings.language)
        outcome = COMMANDS[options.command](Call(options, settings, language))
    except AssistantError as error:
        print(error.text(language), file=sys.stderr)
        if options.json:
            _print({"error": {"kind": error.kind, "message": error.text(language)}})
        return WRONG_USE if isinstance(error, SettingsError) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    if options.json:
        _print({**outcome.data, "error": None})
    else:
        for line in outcome.lines:
            print(line)
    return outcome.code


def _print(result: object) -> None:
    print(json.dumps(result, ensure_ascii=False), flush=True)


if __name__ == "__main__":
    code = main()
    if code == INTERRUPTED:
        os._exit(code)  # the hub's client waits for its threads to download to the end
    sys.exit(code)
