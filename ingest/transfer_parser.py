"""Options of the commands that carry a collection elsewhere: what :mod:`ingest.transfer` does."""

from __future__ import annotations

import argparse
from typing import Any


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands to the subparsers of ``python -m ingest``."""
    export = commands.add_parser(
        "export", parents=[common], help="write a collection as JSON lines"
    )
    export.add_argument(
        "file",
        nargs="?",
        default="-",
        metavar="FILE",
        help="packed if it ends in .gz (default: standard output)",
    )
    export.add_argument("--no-vectors", action="store_true", help="texts only")
    bring_in = commands.add_parser(
        "import", parents=[common], help="add what export wrote, or a LangChain FAISS folder"
    )
    source = bring_in.add_mutually_exclusive_group(required=True)
    source.add_argument("file", nargs="?", metavar="FILE", help="-: standard input")
    source.add_argument("--langchain", metavar="DIR", help="that FAISS.save_local wrote")
    bring_in.add_argument(
        "--embed", action="store_true", help="make the vectors anew with EMBEDDING_MODEL"
    )
    bring_in.add_argument(
        "--index-name", metavar="NAME", help="of the files in DIR (default: index)"
    )
    bring_in.add_argument(
        "--keep-vectors",
        action="store_true",
        help="take the vectors of DIR: EMBEDDING_MODEL must be the model that made them",
    )
