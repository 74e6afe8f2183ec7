"""``python -m assistant.evaluate``: measures the product on public sets.

A set is a folder in BEIR layout; ``--json`` prints one object, else a table is printed. Progress
goes to standard error. What the models said is kept in DATA_DIR/evaluate, so that an interrupted
run goes on where it was.

Exit codes: 0 done, 1 failed, 2 wrong use, settings or set, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any

from assistant.errors import AssistantError, SettingsError
from assistant.evaluate import report
from assistant.evaluate.dataset import Dataset, DatasetError, load, sampled
from assistant.evaluate.options import parser
from assistant.language import reader_language
from assistant.settings import Settings

FAILED, WRONG_USE, INTERRUPTED = 1, 2, 130


def _rewrite(options: argparse.Namespace, dataset: Dataset, settings: Settings) -> dict[str, Any]:
    from assistant.evaluate import rewriting

    models = options.model or [settings.rewrite_model or settings.chat_model]
    return rewriting.run(dataset, settings, models)


def _memory(options: argparse.Namespace, dataset: Dataset, settings: Settings) -> dict[str, Any]:
    from assistant.evaluate import memory

    return memory.run(dataset, settings)


COMMANDS: dict[str, Callable[[argparse.Namespace, Dataset, Settings], dict[str, Any]]] = {
    "rewrite": _rewrite,
    "memory": _memory,
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = parser(__doc__).parse_args(argv)
    language = reader_language("auto")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    try:
        settings = Settings.load()
        language = reader_language(settings.language)
        dataset = sampled(load(options.data, options.split), options.sample)
        result = COMMANDS[options.command](options, dataset, settings)
    except AssistantError as error:
        print(error.text(language), file=sys.stderr)
        return WRONG_USE if isinstance(error, SettingsError | DatasetError) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED
    if options.json:
        print(json.dumps(result, ensure_ascii=False), flush=True)
    else:
        print("\n".join(report.table(result)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
