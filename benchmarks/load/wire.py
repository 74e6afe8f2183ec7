"""HTTP as far as the askers need it, for little: one thread stands for hundreds of people."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit


class Failed(Exception):
    """An answer that is none: its status, or what the stream said."""


@asynccontextmanager
async def requested(url: str, body: Any = None) -> AsyncIterator[asyncio.StreamReader]:
    """Send a GET, or a POST of ``body``; what follows the response's head, to be read.

    Raises:
        Failed: the status is not 200.
    """
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=2**24)
    try:
        data = b"" if body is None else json.dumps(body).encode()
        path = parts.path + (f"?{parts.query}" if parts.query else "")
        head = (
            f"{'GET' if body is None else 'POST'} {path} HTTP/1.1\r\nHost: {parts.netloc}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n"
            "Accept: text/event-stream, application/json\r\nConnection: close\r\n\r\n"
        )
        writer.write(head.encode() + data)
        status = await reader.readuntil(b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in status:
            raise Failed(f"{status.decode().strip()} {(await reader.read(500)).decode()}")
        yield reader
    finally:
        writer.close()


async def events(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """The data of each server-sent event. Frames of the chunked encoding stand on lines of their
    own, which are no events."""
    while line := await reader.readline():
        if line.startswith(b"data: "):
            yield line[6:].strip()
