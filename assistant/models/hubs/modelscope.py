"""ModelScope, by its documented HTTP API: its own package would bring a hundred others.

``GET /api/v1/models/{repository}/repo/files`` lists files with sizes and SHA-256;
``GET /api/v1/models/{repository}/repo?FilePath=`` gives one of them.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from assistant.errors import ModelFileError
from assistant.models.hubs import faults
from assistant.models.hubs.faults import Hub
from assistant.models.hubs.fetching import (
    Place,
    Tally,
    alone,
    check_room,
    disk_errors,
    missing,
    take,
)
from assistant.models.hubs.repository import (
    DEFAULT_BRANCHES,
    INCOMPLETE,
    Pulled,
    RemoteFile,
    Request,
    wanted,
)
from assistant.models.local.files import Progress
from assistant.settings import Settings

NAME = "modelscope"
ENDPOINT = "https://modelscope.cn"
DEFAULT_REVISION = "master"
LIST_SECONDS = 20.0


def hub_of(settings: Settings) -> Hub:
    """The site, or the one of ``MODELSCOPE_ENDPOINT``."""
    endpoint = settings.services.get("MODELSCOPE_ENDPOINT") or os.environ.get("MODELSCOPE_ENDPOINT")
    return Hub(NAME, (endpoint or ENDPOINT).rstrip("/"), "MODELSCOPE_API_TOKEN")


def cache(settings: Settings) -> Path:
    """Where models from here are kept: ``ORGANISATION/NAME``, with ``@REVISION`` if not master."""
    return settings.model_dir / NAME


def pull(request: Request, settings: Settings, progress: Progress) -> Pulled:
    """Fetch what is missing of a repository, verify all of it.

    Raises:
        ModelFileError: see :mod:`assistant.models.hubs.faults`; or the disk can't hold it.
    """
    remote = _Remote(hub_of(settings), request.repository, _revision(request), _headers(settings))
    files = wanted(request.repository, remote.files(), request.include)
    suffix = "" if remote.revision == DEFAULT_REVISION else f"@{remote.revision.replace('/', '-')}"
    folder = request.to or cache(settings) / f"{request.repository}{suffix}"
    total = sum(file.size for file in files)
    with (
        disk_errors(folder, request.repository),
        alone(settings.model_dir, f"{NAME}--{request.repository}{suffix}", total, progress),
    ):
        incomplete = folder / INCOMPLETE
        places = [
            (file, Place(remote.url(file), folder / file.path, incomplete / f"{file.path}.part"))
            for file in files
        ]
        check_room(folder, missing(places), request.repository)
        incomplete.mkdir(exist_ok=True)
        tally = Tally(progress, total)
        for file, place in places:
            take(file, place, remote.headers, tally, NAME)
        shutil.rmtree(incomplete, ignore_errors=True)
    return Pulled(folder, NAME, remote.revision, total)


def _revision(request: Request) -> str:
    return DEFAULT_REVISION if request.revision in ("", *DEFAULT_BRANCHES) else request.revision


def _headers(settings: Settings) -> dict[str, str]:
    token = settings.services.get("MODELSCOPE_API_TOKEN") or os.environ.get("MODELSCOPE_API_TOKEN")
    if not token:
        return {}
    # Older parts of the service know only the cookie.
    return {"Authorization": f"Bearer {token}", "Cookie": f"m_session_id={token}"}


@dataclass(frozen=True)
class _Remote:
    """A repository at its hub."""

    hub: Hub
    repository: str
    revision: str
    headers: dict[str, str]

    def url(self, file: RemoteFile) -> str:
        query = urlencode({"Revision": self.revision, "FilePath": file.path})
        return f"{self.hub.endpoint}/api/v1/models/{quote(self.repository)}/repo?{query}"

    def files(self) -> list[RemoteFile]:
        query = urlencode({"Revision": self.revision, "Recursive": "True"})
        status, body = self._get(f"/repo/files?{query}")
        if not _is_good(status, body):
            raise self._refusal(status, body)
        try:
            return [
                RemoteFile(str(row["Path"]), int(row["Size"]), str(row.get("Sha256") or ""))
                for row in body["Data"]["Files"]
                if row.get("Type") != "tree"
            ]
        except (KeyError, TypeError, ValueError) as error:
            raise faults.unreadable(self.hub, repr(error)) from error

    def _get(self, path: str = "") -> tuple[int, dict[str, Any]]:
        """Status and JSON of one answer of the API."""
        import httpx

        url = f"{self.hub.endpoint}/api/v1/models/{quote(self.repository)}{path}"
        options = {"timeout": LIST_SECONDS, "headers": self.headers, "follow_redirects": True}
        try:
            with httpx.Client(**options) as client:  # type: ignore[arg-type]
                answer = client.get(url)
        # A proxy that the environment names may be malformed, or of a kind that httpx lacks.
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError, ImportError) as error:
            raise faults.unreachable(self.hub, str(error) or type(error).__name__) from error
        try:
            body = answer.json()
        except ValueError:
            if answer.status_code == httpx.codes.OK:
                raise faults.unreadable(self.hub, answer.text[:60].strip()) from None
            body = {"Message": answer.text[:200]}
        return answer.status_code, body if isinstance(body, dict) else {}

    def _refusal(self, status: int, body: dict[str, Any]) -> ModelFileError:
        why = str(body.get("Message") or body.get("Code") or "")
        if status == 429:
            return faults.too_often(self.hub)
        if status == 401 and self.headers:
            return faults.token_refused(self.hub, why)
        if status in (401, 403):
            return faults.gated(self.hub, self.repository)
        if status not in (200, 404):
            return faults.answered(self.hub, status, why)
        # The answer doesn't tell a missing revision from a missing repository.
        if self.revision != DEFAULT_REVISION and _is_good(*self._get()):
            return faults.no_revision(self.hub, self.repository, self.revision)
        return faults.no_repository(self.hub, self.repository)


def _is_good(status: int, body: dict[str, Any]) -> bool:
    return status == 200 and body.get("Code", 200) == 200
