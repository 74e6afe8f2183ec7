"""A real web site on 127.0.0.1 for tests: pages from a dictionary, and what was asked of it.

>>> with serve({"/": "<h1>Home</h1>"}) as site:
...     site.url("/")  # doctest: +SKIP
'http://127.0.0.1:41213/'
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What the site answers. ``wait`` holds the answer back until it is set (or the site ends)."""

    body: str | bytes = ""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: threading.Event | None = None

    @property
    def data(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body


def redirect(location: str, status: int = 302) -> Answer:
    return Answer(status=status, headers={"Location": location})


@dataclass
class Site:
    """A running site. ``pages`` may be changed while it runs; ``asked`` are the paths that came,
    with their queries, in order."""

    pages: dict[str, str | Answer]
    port: int = 0
    asked: list[str] = field(default_factory=list)

    def url(self, path: str = "/") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def serve(pages: Mapping[str, str | Answer]) -> Iterator[Site]:
    """A site of these pages by path; a plain text is an HTML page, others are 404."""
    site = Site(dict(pages))

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.path)
            answer = site.pages.get(urlsplit(self.path).path, Answer("gone", 404))
            if isinstance(answer, str):
                answer = Answer(answer)
            if answer.wait is not None:
                waits.add(answer.wait)
                answer.wait.wait(60)
            self.send_response(answer.status)
            headers = {"Content-Type": answer.content_type, **answer.headers}
            headers.setdefault("Content-Length", str(len(answer.data)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(answer.data)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, *_: object) -> None:
            """A client that left early is no fault of the site."""

    waits: set[threading.Event] = set()
    server = Server(("127.0.0.1", 0), Handler)
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield site
    finally:
        for wait in waits:
            wait.set()
        server.shutdown()
        thread.join()
        server.server_close()
