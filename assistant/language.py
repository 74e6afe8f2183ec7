"""The language of messages for whoever reads a terminal."""

from __future__ import annotations

import os


def reader_language(setting: str) -> str:
    """ "zh" or "en": ``LANGUAGE`` where it is set, else what the terminal's locale says.

    >>> reader_language("zh")
    'zh'
    """
    if setting != "auto":
        return setting
    locale = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG")
    return "zh" if (locale or "").lower().startswith("zh") else "en"
