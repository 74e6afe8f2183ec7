"""The commands of ``python -m assistant.evaluate`` and their options."""

from __future__ import annotations

import argparse
from pathlib import Path


def parser(description: str | None) -> argparse.ArgumentParser:
    shared = argparse.ArgumentParser(add_help=False)
    shared.add_argument(
        "--data", type=Path, required=True, metavar="DIR", help="the folder of one set, BEIR layout"
    )
    shared.add_argument("--split", default="dev", metavar="NAME", help="default: dev")
    shared.add_argument("--json", action="store_true", help="one JSON object on standard output")
    shared.add_argument(
        "--sample", type=_positive, metavar="N", help="only N questions, the same ones each time"
    )
    top = argparse.ArgumentParser(
        prog="python -m assistant.evaluate",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    rewrite = commands.add_parser(
        "rewrite", parents=[shared], help="follow-up questions: as typed, joined, rewritten"
    )
    rewrite.add_argument(
        "--model",
        nargs="+",
        default=[],
        metavar="PROVIDER:MODEL",
        help="the models that rewrite; default: REWRITE_MODEL, else CHAT_MODEL",
    )
    commands.add_parser(
        "memory",
        parents=[shared],
        help="long-term memory: are the turns found that a question needs",
    )
    return top


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number
