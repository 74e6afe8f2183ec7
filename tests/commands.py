"""``python -m ingest`` run in this process, for the tests of its commands."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from ingest import __main__ as command_line


def prepare(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> None:
    """A data folder of the test's own, English messages, and no ``.env``."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "LANGUAGE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATA_DIR", str(data_dir))
    monkeypatch.setattr(command_line.Settings.load.__func__, "__defaults__", (None, None))


def exit_code(arguments: Sequence[str]) -> int:
    try:
        return command_line.main(arguments)
    except SystemExit as end:  # argparse
        return int(end.code or 0)
