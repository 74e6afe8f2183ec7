"""The order of the tests: what takes longest comes first, so that no process ends alone."""

from __future__ import annotations

import re

import pytest

LONG = re.compile(r"test_(\w*browser\w*|pages|quality|ask|access_app|ingest_sync)\.py$")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: LONG.search(item.path.name) is None)
