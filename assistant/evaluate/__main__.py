"""``python -m assistant.evaluate``: measures the product, on public sets and on own questions.

A set is a folder in BEIR layout, or with ``--own`` the questions that ``own`` keeps. ``--json``
prints one object, else a table is printed; ``--out`` keeps the result with each question's own
measures, ``--html`` a report with plots. Progress goes to standard error. What the models said is
kept in DATA_DIR/evaluate, so that an interrupted run goes on where it was.

Exit codes: 0 done, 1 failed (of an import: some rows; with --fail-if-worse: B is worse), 2 wrong
use, settings or set, 130 interrupted.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assistant.errors import AssistantError, SettingsError
from assistant.evaluate import report
from assistant.evaluate.dataset import Dataset, DatasetError, load, sampled
from assistant.evaluate.details import without_details
from assistant.evaluate.options import parser
from assistant.evaluate.private_files import write_private
from assistant.language import reader_language
from assistant.settings import Settings

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130
MODELS = ("chat_model", "rewrite_model", "embedding_model", "rerank_model")

Result = dict[str, Any]


def _retrieval(options: argparse.Namespace, settings: Settings) -> Result:
    from assistant.evaluate import retrieval

    return retrieval.run(_dataset(options, settings), settings, ours=options.ours)


def _rewrite(options: argparse.Namespace, settings: Settings) -> Result:
    from assistant.evaluate import rewriting

    models = options.model or [settings.rewrite_model or settings.chat_model]
    return rewriting.run(_dataset(options, settings), settings, models)


def _answers(options: argparse.Namespace, settings: Settings) -> Result:
    from assistant.evaluate import answers

    dataset = _read(options.data or _own(options, settings), options, settings)
    return answers.run(dataset, settings, count=options.sample)


def _calibrate(options: argparse.Namespace, settings: Settings) -> Result:
    from assistant.evaluate import calibrate

    folders = options.data or [_own(options, settings)]
    datasets = [sampled(_read(folder, options, settings), options.sample) for folder in folders]
    return calibrate.run(datasets, settings, write=options.write)


def _memory(options: argparse.Namespace, settings: Settings) -> Result:
    from assistant.evaluate import memory

    return memory.run(_dataset(options, settings), settings)


def _compare(options: argparse.Namespace, settings: Settings) -> Result:
    from assistant.evaluate import compare

    return compare.run(options.a, options.b)


MEASURES: dict[str, Callable[[argparse.Namespace, Settings], Result]] = {
    "retrieval": _retrieval,
    "rewrite": _rewrite,
    "answers": _answers,
    "calibrate": _calibrate,
    "memory": _memory,
    "compare": _compare,
}


def _dataset(options: argparse.Namespace, settings: Settings) -> Dataset:
    """The one set that the command line names, or the sample of it."""
    folder = options.data or _own(options, settings)
    return sampled(_read(folder, options, settings), options.sample)


def _own(options: argparse.Namespace, settings: Settings) -> Path:
    from assistant.evaluate.own.questions import own_folder

    return own_folder(settings, options.user, options.collection)


def _read(folder: Path, options: argparse.Namespace, settings: Settings) -> Dataset:
    from assistant.evaluate.own.live import load_live
    from assistant.evaluate.own.questions import collection_of

    if collection_of(folder):
        return load_live(folder, options.split, settings).dataset
    if options.own:
        raise DatasetError(
            "There are no questions of your own in {path} yet: python -m assistant.evaluate own "
            "add, import or collect.",
            "{path} 中还没有自己的问题：请用 python -m assistant.evaluate own 的 add、import 或 "
            "collect。",
            path=folder,
        )
    return load(folder, options.split)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; its exit code."""
    options = parser(__doc__).parse_args(argv)
    language = reader_language("auto")
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(message)s")
    try:
        settings = Settings.load()
        language = reader_language(settings.language)
        if options.command == "own":
            return _keep_questions(options, settings, language)
        return _measure(options, settings, language)
    except AssistantError as error:
        print(error.text(language), file=sys.stderr)
        return WRONG_USE if isinstance(error, SettingsError | DatasetError) else FAILED
    except KeyboardInterrupt:
        return INTERRUPTED


def _measure(options: argparse.Namespace, settings: Settings, language: str) -> int:
    result = MEASURES[options.command](options, settings)
    result.setdefault("command", options.command)
    if options.json:
        print(json.dumps(without_details(result), ensure_ascii=False), flush=True)
    else:
        print("\n".join(report.table(result)))
    _keep(result, options, settings, language)  # what took long is seen even where this fails
    is_worse = options.command == "compare" and options.fail_if_worse and result["worse"]
    return FAILED if is_worse else DONE


def _keep(result: Result, options: argparse.Namespace, settings: Settings, language: str) -> None:
    """Write the files that the command line asks for."""
    made = time.strftime("%Y-%m-%d %H:%M:%S%z")
    kept = result | {"run": {"made": made} | {name: getattr(settings, name) for name in MODELS}}
    if options.out:
        write_private(options.out, json.dumps(kept, ensure_ascii=False, indent=1) + "\n")
    if options.html:
        from assistant.evaluate.page.document import html_page

        write_private(options.html, html_page(kept, language))


def _keep_questions(options: argparse.Namespace, settings: Settings, language: str) -> int:
    from assistant.evaluate.own import commands

    outcome = commands.run(options, settings, language)
    for fault in outcome.faults:
        print(fault, file=sys.stderr)
    if options.json:
        print(json.dumps(outcome.result, ensure_ascii=False), flush=True)
    else:
        print("\n".join(outcome.lines))
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
