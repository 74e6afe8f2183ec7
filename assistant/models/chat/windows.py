"""How many tokens a service's model can be given: what its list of models says, or assumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from assistant.models.names import Target
from assistant.models.web import get_json

ASSUMED = 8192  # tokens that every current service takes at least
LIST_SECONDS = 5.0
#: Fields by which servers tell the length in their list of models.
FIELDS = ("max_model_len", "context_length", "context_window", "max_context_length")


def listed_models(target: Target) -> list[dict[str, Any]]:
    """The rows of the service's list of models: a call that costs nothing and needs the key.

    Raises:
        ModelError: the service is away, or refuses the key, or has no such list.
    """
    listed = get_json(target, "/models", seconds=min(LIST_SECONDS, target.timeout))
    rows = listed.get("data") if isinstance(listed, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def context_window(target: Target, listed: Sequence[dict[str, Any]]) -> int:
    """Tokens of prompt and answer together: CONTEXT_WINDOW, or what the list says, or 8,192."""
    known = target.options.get("context_window")
    if known is not None:
        return int(known)
    for row in listed:
        if row.get("id") == target.model:
            for name in FIELDS:
                if isinstance(row.get(name), int) and row[name] > 0:
                    return int(row[name])
    return ASSUMED
