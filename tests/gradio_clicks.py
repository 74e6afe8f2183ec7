"""Clicks on the pages as Gradio's browser part sends them, over plain HTTP."""

from __future__ import annotations

import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

API = "/gradio_api"
#: A handler that answers nothing within this time is left.
WAIT_SECONDS = 20.0


@dataclass
class Page:
    """A page of one visitor, with its session."""

    client: httpx.Client
    session: str = field(default_factory=lambda: secrets.token_hex(6))

    def config(self) -> dict[str, Any]:
        answer = self.client.get("/config")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def join(self, fn: int, data: list[Any], **more: Any) -> httpx.Response:
        """Only the click; what comes of it stays unread."""
        body = {"data": data, "fn_index": fn, "session_hash": self.session, "trigger_id": None}
        return self.client.post(f"{API}/queue/join", json=body | more)

    def click(self, fn: int, data: list[Any], **more: Any) -> str:
        """All that the server says of a click until it is done, as text."""
        joined = self.join(fn, data, **more)
        if joined.status_code != 200:
            return joined.text
        said: list[str] = []
        params = {"session_hash": self.session}
        with self.client.stream(
            "GET", f"{API}/queue/data", params=params, timeout=WAIT_SECONDS
        ) as stream:
            for line in stream.iter_lines():
                said.append(line)
                if '"process_completed"' in line or '"close_stream"' in line:
                    break
        return "\n".join(said)

    def click_all(self, clicks: Sequence[dict[str, Any]]) -> str:
        """All that the server says of many clicks at once, until all are done."""
        events = set()
        for click in clicks:
            joined = self.client.post(
                f"{API}/queue/join", json=click | {"session_hash": self.session}
            )
            if joined.status_code == 200:
                events.add(joined.json()["event_id"])
        said: list[str] = []
        params = {"session_hash": self.session}
        with self.client.stream(
            "GET", f"{API}/queue/data", params=params, timeout=WAIT_SECONDS
        ) as stream:
            for line in stream.iter_lines() if events else ():
                said.append(line)
                if '"process_completed"' in line:
                    events.discard(json.loads(line.removeprefix("data:"))["event_id"])
                if not events:
                    break
        return "\n".join(said)

    def upload(self, name: str, content: bytes) -> httpx.Response:
        return self.client.post(f"{API}/upload", files={"files": (name, content)})


def file_data(path: str, name: str = "a.txt") -> dict[str, Any]:
    """An uploaded file as a click brings it."""
    return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}


def clicks_on(handlers: Sequence[dict[str, Any]], filler: Any, **more: Any) -> list[dict[str, Any]]:
    """A click on each of ``handlers`` with ``filler`` for every input."""
    return [
        {"fn_index": each["id"], "data": [filler] * len(each["inputs"]), "trigger_id": None} | more
        for each in handlers
    ]
