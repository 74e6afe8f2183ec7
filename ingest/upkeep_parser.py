"""Options of the commands that look after the knowledge base: what :mod:`ingest.upkeep` does."""

from __future__ import annotations

import argparse
from typing import Any


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands to the subparsers of ``python -m ingest``."""
    commands.add_parser("stats", parents=[common], help="collections, their vectors and their size")
    doctor = commands.add_parser(
        "doctor", parents=[common], help="check the whole knowledge base and repair it"
    )
    doctor.add_argument("--check", action="store_true", help="only say what is wrong")
    doctor.add_argument(
        "--deep", action="store_true", help="also compare every text, word and index entry"
    )
    backup = commands.add_parser(
        "backup", parents=[common], help="write all collections and uploads to one file"
    )
    backup.add_argument("file", metavar="FILE", help="a new .tar file")
    restore = commands.add_parser("restore", parents=[common], help="bring a backup back")
    restore.add_argument("file", metavar="FILE", help="that backup wrote")
    restore.add_argument(
        "--replace", action="store_true", help="delete what the knowledge base holds now"
    )
