"""The kinds of messages that a turn knows, and what was found out about one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    LOOKUP = "lookup"  # all that is searched for: what nothing else claims
    SMALLTALK = "smalltalk"  # a greeting, thanks, praise, complaint: neither searched nor refused
    LIBRARY = "library"  # which documents there are
    SUMMARY = "summary"  # of a document, or of all
    COMPARE = "compare"  # of two things or more
    UNCLEAR = "unclear"  # may be about anything: to be asked back if what is found says so too


@dataclass(frozen=True)
class Asking:
    """``subjects``: what the documents are about that are looked for (LIBRARY), the names of what
    is summarised (SUMMARY; none: nothing was named), the things that are compared (COMPARE)."""

    kind: Kind
    subjects: tuple[str, ...] = ()
