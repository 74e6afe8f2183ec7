"""The commands of ``python -m assistant.evaluate`` and their options."""

from __future__ import annotations

import argparse
from pathlib import Path


def parser(description: str | None) -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="python -m assistant.evaluate",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    shared = [_set(), _shown(), _whose()]
    retrieval = commands.add_parser(
        "retrieval", parents=shared, help="every form of the questions on every way of searching"
    )
    retrieval.add_argument(
        "--ours", action="store_true", help="also the product's own rewriting (asks the model)"
    )
    rewrite = commands.add_parser(
        "rewrite", parents=shared, help="follow-up questions: as typed, joined, rewritten"
    )
    rewrite.add_argument(
        "--model",
        nargs="+",
        default=[],
        metavar="PROVIDER:MODEL",
        help="the models that rewrite; default: REWRITE_MODEL, else CHAT_MODEL",
    )
    commands.add_parser(
        "answers", parents=shared, help="answers: citations, refusals, time (asks the chat model)"
    )
    calibrate = commands.add_parser(
        "calibrate",
        parents=[_set(several=True), _shown(), _whose()],
        help="when to say that the documents hold no answer: the curve and its threshold",
    )
    calibrate.add_argument(
        "--write", action="store_true", help="use what was found, from now on, with this DATA_DIR"
    )
    commands.add_parser(
        "memory", parents=shared, help="long-term memory: are the turns found that a question needs"
    )
    compare = commands.add_parser(
        "compare", parents=[_shown()], help="two results that --out kept, side by side"
    )
    compare.add_argument("a", type=Path, metavar="A.json")
    compare.add_argument("b", type=Path, metavar="B.json")
    compare.add_argument(
        "--fail-if-worse", action="store_true", help="exit code 1 where B is surely worse than A"
    )
    _add_own(commands.add_parser("own", help="one's own questions to one's own documents"))
    return top


def _set(*, several: bool = False) -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    which = options.add_mutually_exclusive_group(required=True)
    which.add_argument(
        "--data",
        type=Path,
        nargs="+" if several else None,
        metavar="DIR",
        help="the folder of one set, BEIR layout" + ("; several may be named" if several else ""),
    )
    which.add_argument("--own", action="store_true", help="your own questions (see: own)")
    options.add_argument("--split", default="dev", metavar="NAME", help="default: dev")
    options.add_argument(
        "--sample", type=_positive, metavar="N", help="only N questions, the same ones each time"
    )
    return options


def _shown() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--json", action="store_true", help="one JSON object on standard output")
    options.add_argument(
        "--out", type=Path, metavar="FILE.json", help="keep the result, with each question's own"
    )
    options.add_argument("--html", type=Path, metavar="FILE.html", help="a report with plots")
    return options


def _whose() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(add_help=False)
    options.add_argument("--user", default="local", metavar="NAME", help="of own questions")
    options.add_argument("--collection", default="default", metavar="NAME", help="of own questions")
    return options


def _add_own(own: argparse.ArgumentParser) -> None:
    actions = own.add_subparsers(dest="action", required=True, metavar="ACTION")
    shared = [_whose()]
    add = actions.add_parser("add", parents=shared, help="write a question")
    add.add_argument("question")
    add.add_argument(
        "--after",
        nargs="+",
        default=[],
        metavar="MESSAGE",
        help="the conversation before it: your message, the answer, your next one, ...",
    )
    judge = actions.add_parser("judge", parents=shared, help="say what answers a question")
    judge.add_argument("id")
    for options in (add, judge):
        _add_evidence(options)
    table = actions.add_parser("import", parents=shared, help="from a CSV file or JSON lines")
    table.add_argument("file", type=Path)
    collect = actions.add_parser("collect", parents=shared, help="what was rated in the chat")
    listed = actions.add_parser("list", parents=shared, help="all of them")
    listed.add_argument("--pending", action="store_true", help="only those that wait to be judged")
    remove = actions.add_parser("remove", parents=shared, help="remove questions")
    remove.add_argument("ids", nargs="+", metavar="ID")
    for options in (add, judge, table, collect, listed, remove):
        options.add_argument("--json", action="store_true", help="one JSON object")


def _add_evidence(options: argparse.ArgumentParser) -> None:
    options.add_argument(
        "--source", default="", metavar="NAME", help="what answers it: a file's name, URL or title"
    )
    options.add_argument("--page", type=_positive, metavar="N", help="the page in it")
    options.add_argument("--text", default="", metavar="WORDS", help="words of the passage in it")
    options.add_argument("--answer", default="", metavar="TEXT", help="a right answer")
    options.add_argument("--rewrite", default="", metavar="TEXT", help="the question by itself")
    options.add_argument("--unanswerable", action="store_true", help="the documents don't hold it")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
