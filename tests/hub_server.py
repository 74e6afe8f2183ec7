"""A local server that speaks Hugging Face's and ModelScope's documented wire formats."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from tests.serving import served

COMMIT = "0123456789abcdef0123456789abcdef01234567"
LARGE = 10_000  # bytes from which a file is in LFS


@dataclass
class Repository:
    """Files by path, and how its hub behaves."""

    files: dict[str, bytes]
    revisions: tuple[str, ...] = ("main", "master", COMMIT)
    token: str = ""  # needed
    gated: bool = False
    cut: dict[str, int] = field(default_factory=dict)  # path -> bytes after which it breaks off
    wrong: dict[str, bytes] = field(default_factory=dict)  # path -> sent instead


@dataclass
class HubServer:
    """Its address, its repositories, and (method, path, Range) of the requests that came."""

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[tuple[str, str, str | None]] = field(default_factory=list)
    broken: int = 0  # answer everything with this status

    def fetched(self, word: str) -> list[str | None]:
        """The Range headers of the downloads whose address has ``word`` in it."""
        return [asked for method, path, asked in self.requests if method == "GET" and word in path]


def git_sha1(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Handler(BaseHTTPRequestHandler):
    hub: HubServer
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._route()

    def do_GET(self) -> None:
        self._route()

    def _route(self) -> None:
        self.hub.requests.append((self.command, self.path, self.headers["Range"]))
        url = urlsplit(self.path)
        parts = unquote(url.path).strip("/").split("/")
        if self.hub.broken:
            self._json({"error": "broken"}, self.hub.broken)
        elif parts[:3] == ["api", "v1", "models"]:
            self._modelscope(parts[3:], {k: v[0] for k, v in parse_qs(url.query).items()})
        elif parts[:2] == ["api", "models"]:
            self._huggingface("/".join(parts[2:4]), parts[4:])
        else:
            self._resolve("/".join(parts[:2]), parts[3], "/".join(parts[4:]))

    def _huggingface(self, name: str, rest: list[str]) -> None:
        repository = self._allowed(name, rest[1])
        if repository is None:
            return
        if rest[0] == "tree":
            self._json([self._entry(*item) for item in repository.files.items()])
            return
        siblings = []
        for path, data in repository.files.items():
            row: dict[str, Any] = {"rfilename": path, "size": len(data), "blobId": git_sha1(data)}
            if len(data) >= LARGE:
                row["lfs"] = {"sha256": sha256(data), "size": len(data), "pointerSize": 134}
            siblings.append(row)
        self._json({"_id": "1", "id": name, "modelId": name, "sha": COMMIT, "siblings": siblings})

    def _entry(self, path: str, data: bytes) -> dict[str, Any]:
        row: dict[str, Any] = {
            "type": "file",
            "path": path,
            "size": len(data),
            "oid": git_sha1(data),
        }
        if len(data) >= LARGE:
            row["lfs"] = {"oid": sha256(data), "size": len(data), "pointerSize": 134}
        return row

    def _allowed(self, name: str, revision: str) -> Repository | None:
        """The repository, unless the answer is already given."""
        repository = self.hub.repositories.get(name)
        given = self.headers["Authorization"]
        if repository is None or (
            repository.token and given not in (None, self._bearer(repository))
        ):
            self._error(401, "RepoNotFound", "Invalid username or password.")
        elif repository.token and given is None:
            gated = "GatedRepo" if repository.gated else "RepoNotFound"
            self._error(401, gated, "Access is restricted.")
        elif revision not in repository.revisions:
            self._error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            return repository
        return None

    def _bearer(self, repository: Repository) -> str:
        return f"Bearer {repository.token}"

    def _resolve(self, name: str, revision: str, path: str) -> None:
        repository = self._allowed(name, revision)
        if repository is None:
            return
        data = repository.files[path]
        large = len(data) >= LARGE
        headers = {
            "X-Repo-Commit": COMMIT,
            "ETag": f'"{sha256(data) if large else git_sha1(data)}"',
            "Accept-Ranges": "bytes",
        }
        if large:
            headers |= {"X-Linked-Size": str(len(data)), "X-Linked-Etag": headers["ETag"]}
        self._file(repository, path, headers, partial=206)

    def _modelscope(self, parts: list[str], query: dict[str, str]) -> None:
        name = "/".join(parts[:2])
        repository = self.hub.repositories.get(name)
        revision = query.get("Revision", "master")
        if repository is None or (len(parts) > 2 and revision not in repository.revisions):
            message = {"Code": 10010205001, "Message": "not found", "Success": False}
            self._json(message, 404)
        elif repository.token and f"m_session_id={repository.token}" != self.headers["Cookie"]:
            self._json({"Code": 10010205002, "Message": "no permission", "Success": False}, 403)
        elif parts[2:] == ["repo", "files"]:
            rows = [{"Path": "folder", "Type": "tree", "Size": 0, "Sha256": ""}]
            rows += [
                {"Path": path, "Type": "blob", "Size": len(data), "Sha256": sha256(data)}
                for path, data in repository.files.items()
            ]
            self._json({"Code": 200, "Data": {"Files": rows}, "Success": True})
        elif parts[2:] == ["repo"]:
            self._file(repository, query["FilePath"], {}, partial=200)  # as the service does
        else:
            self._json({"Code": 200, "Data": {"Path": parts[0]}, "Success": True})

    def _file(
        self, repository: Repository, path: str, headers: dict[str, str], partial: int
    ) -> None:
        data = repository.files[path]
        sent = repository.wrong.get(path, data)
        start = 0
        if self.headers["Range"]:
            start = int(self.headers["Range"].removeprefix("bytes=").split("-")[0])
            headers["Content-Range"] = f"bytes {start}-{len(sent) - 1}/{len(sent)}"
        body = sent[start:]
        self.send_response(partial if start else 200)
        for key, value in (headers | {"Content-Length": str(len(body))}).items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "HEAD":
            return
        cut = repository.cut.get(path)
        self.wfile.write(body[:cut])
        if cut is not None:
            self.close_connection = True

    def _error(self, status: int, code: str, message: str) -> None:
        self._json({"error": message}, status, {"X-Error-Code": code, "X-Error-Message": message})

    def _json(self, body: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        for key, value in (headers or {}).items():
            self.send_header(key, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, format: str, *arguments: object) -> None:
        """Silent."""


@contextmanager
def hub_server() -> Iterator[HubServer]:
    hub = HubServer()
    handler = type("HubHandler", (Handler,), {"hub": hub})
    with served(handler) as hub.url:
        yield hub
