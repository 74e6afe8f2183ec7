"""An OpenAI-compatible endpoint that answers at once, or at a fixed pace.

``python -m benchmarks.load.endpoint --first 0.3 --pace 0.05 --tokens 160`` prints its address.
Written against the socket: it must cost little beside what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

#: The answer begins with a word that neither the question nor the document has.
FIRST_WORD = "Briefly"
MODEL = "load"
DOCUMENT = Path(__file__).with_name("manual.md")


@dataclass(frozen=True)
class Pace:
    """Seconds until the first token, seconds between two, tokens of an answer."""

    first: float
    between: float
    tokens: int


def answer(tokens: int) -> list[str]:
    """So many pieces: the document's own words, which never repeat themselves. Fewer where the
    document ends."""
    words = DOCUMENT.read_text("utf-8").partition("## Warranty")[2].split()
    return [f"{FIRST_WORD}:", *(f" {word}" for word in words)][:tokens]


def _chunk(**choice: object) -> bytes:
    body = {
        "id": "x",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": MODEL,
        "choices": [{"index": 0, "finish_reason": None, "delta": {}, **choice}],
    }
    return _framed(f"data: {json.dumps(body)}\n\n".encode())


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Endpoint:
    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._pieces = [_chunk(delta={"content": piece}) for piece in answer(pace.tokens)]
        usage = {"prompt_tokens": 100, "completion_tokens": pace.tokens, "total_tokens": 0}
        last = json.dumps({"id": "x", "object": "chat.completion.chunk", "created": 0,
                           "model": MODEL, "choices": [], "usage": usage})  # fmt: skip
        self._end = (
            _chunk(finish_reason="stop")
            + _framed(f"data: {last}\n\n".encode())
            + _framed(b"data: [DONE]\n\n")
            + b"0\r\n\r\n"
        )

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, as many requests as come."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n")
                     if line.startswith(b"content-length:")), 0,
                )  # fmt: skip
                body = await reader.readexactly(length)
                if head.startswith(b"GET"):
                    self._list(writer)
                else:
                    await self._answer(
                        writer, is_stream=b'"stream":true' in body.replace(b" ", b"")
                    )
                await writer.drain()
        writer.close()

    def _list(self, writer: asyncio.StreamWriter) -> None:
        row = {"id": MODEL, "object": "model", "max_model_len": 8192}
        body = json.dumps({"object": "list", "data": [row]}).encode()
        self._head(writer, f"application/json\r\nContent-Length: {len(body)}")
        writer.write(body)

    async def _answer(self, writer: asyncio.StreamWriter, *, is_stream: bool) -> None:
        if not is_stream:  # what asks for no stream is read ahead, and no part of a turn here
            self._list(writer)
            return
        self._head(writer, "text/event-stream\r\nTransfer-Encoding: chunked")
        loop = asyncio.get_running_loop()
        due = loop.time() + self._pace.first
        for piece in self._pieces:
            if due > loop.time():
                await asyncio.sleep(due - loop.time())
            writer.write(piece)
            due += self._pace.between
        writer.write(self._end)

    def _head(self, writer: asyncio.StreamWriter, kind: str) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\n\r\n".encode())


async def run(pace: Pace) -> None:
    server = await asyncio.start_server(Endpoint(pace).serve, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    async with server:
        await server.serve_forever()


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load.endpoint")
    parser.add_argument("--first", type=float, default=0.3)
    parser.add_argument("--pace", type=float, default=0.05)
    parser.add_argument("--tokens", type=int, default=160)
    arguments = parser.parse_args(argv)
    with suppress(KeyboardInterrupt):
        asyncio.run(run(Pace(arguments.first, arguments.pace, arguments.tokens)))


if __name__ == "__main__":
    main(sys.argv[1:])
