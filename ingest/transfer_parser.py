"""Options of the commands that carry a knowledge base elsewhere: what :mod:`ingest.transfer` does."""

from __future__ import annotations

import argparse
from typing import Any


def add_commands(commands: Any, common: argparse.ArgumentParser) -> None:
    """Add the commands to the subparsers of ``python -m ingest``."""
