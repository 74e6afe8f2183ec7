"""Options of the commands that look after the knowledge base: what :mod:`ingest.upkeep` does."""

from __future__ import annotations

import argparse
from typing import Any


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands to the subparsers of ``python -m ingest``."""
    commands.add_parser("stats", parents=[common], help="collections, their sources and chunks")
