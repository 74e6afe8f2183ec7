"""A real web site on 127.0.0.1 for tests: pages from a dictionary, and what was asked of it.

>>> with serve({"/": "<h1>Home</h1>"}) as site:
...     site.url("/")  # doctest: +SKIP
'http://127.0.0.1:41213/'
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What the site answers.

    ``wait`` holds the answer back until it is set (or the site ends). ``pieces`` come one by one
    after ``body``, for ever where they are endless. An answer with an ``ETag`` or
    ``Last-Modified`` is 304 to who has it already.
    """

    body: str | bytes = ""
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    wait: threading.Event | None = None
    pieces: Callable[[threading.Event], Iterator[bytes]] | None = None

    @property
    def data(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else self.body

    def is_known_to(self, asked: Mapping[str, str]) -> bool:
        """Whether the headers of a request show that the asker has it."""
        etag, modified = self.headers.get("ETag"), self.headers.get("Last-Modified")
        if etag and asked.get("If-None-Match"):
            return asked["If-None-Match"] == etag
        return bool(modified) and asked.get("If-Modified-Since") == modified


#: A page by its path, by path and query, or made for each request.
Pages = dict[str, "str | Answer | Callable[[str], str | Answer]"]


def redirect(location: str, status: int = 302) -> Answer:
    return Answer(status=status, headers={"Location": location})


def links(*targets: str) -> str:
    """A page that links to these."""
    return "<p>Links.</p>" + "".join(f'<a href="{target}">x</a>' for target in targets)


def dripping(stop: threading.Event) -> Iterator[bytes]:
    """A byte now and then, without end."""
    while not stop.wait(0.05):
        yield b"x"


@dataclass
class Site:
    """A running site. ``pages`` may be changed while it runs; ``asked`` are the paths that came,
    with their queries, in order; ``statuses`` what each was answered; ``headers`` the last
    request's, by path."""

    pages: Pages
    port: int = 0
    scheme: str = "http"
    asked: list[str] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, Mapping[str, str]] = field(default_factory=dict)

    def url(self, path: str = "/") -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}{path}"

    def forget(self) -> None:
        """As if nothing had been asked yet."""
        self.asked.clear()
        self.statuses.clear()

    def answer(self, target: str) -> Answer:
        path = urlsplit(target).path
        page = self.pages.get(target, self.pages.get(path, Answer("gone", 404)))
        if callable(page):
            page = page(target)
        return Answer(page) if isinstance(page, str) else page


@contextmanager
def serve(pages: Mapping[str, object], context: ssl.SSLContext | None = None) -> Iterator[Site]:
    """A site of these pages; a plain text is an HTML page, what is not there is 404.

    Args:
        context: serves https with its certificate.
    """
    site = Site(dict(pages), scheme="https" if context else "http")  # type: ignore[arg-type]
    stop = threading.Event()
    waits: set[threading.Event] = {stop}
    server = _Server(("127.0.0.1", 0), _handler(site, stop, waits))
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield site
    finally:
        for wait in waits:
            wait.set()
        server.shutdown()
        thread.join()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that left early is no fault of the site."""


def _handler(
    site: Site, stop: threading.Event, waits: set[threading.Event]
) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer = site.answer(self.path)
            site.asked.append(self.path)
            site.headers[self.path] = dict(self.headers.items())
            if answer.wait is not None:
                waits.add(answer.wait)
                answer.wait.wait(60)
            is_known = answer.status == 200 and answer.is_known_to(site.headers[self.path])
            site.statuses.append(304 if is_known else answer.status)
            self.send_response(304 if is_known else answer.status)
            headers = {"Content-Type": answer.content_type, **answer.headers}
            if answer.pieces is None and not is_known:
                headers.setdefault("Content-Length", str(len(answer.data)))
            for name, value in headers.items():
                if value:
                    self.send_header(name, value)
            self.end_headers()
            if not is_known:
                self._send(answer)

        def _send(self, answer: Answer) -> None:
            with suppress(OSError):  # the client had enough
                self.wfile.write(answer.data)
                for piece in answer.pieces(stop) if answer.pieces else ():
                    self.wfile.write(piece)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
