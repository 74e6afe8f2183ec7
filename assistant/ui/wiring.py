"""How every event of the pages is registered."""

from __future__ import annotations

from typing import Any

#: Handlers are for the page only: nothing of them is offered to programs.
PRIVATE: dict[str, Any] = {
    "api_visibility": "private",
    "show_progress": "hidden",
    "concurrency_limit": None,
}
#: A handler that shows a turn as it runs; one that waits for a turn which the page has left must
#: not hold up the next.
STREAMING: dict[str, Any] = {**PRIVATE, "trigger_mode": "multiple"}
