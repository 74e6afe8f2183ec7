"""Hugging Face (or a mirror, ``HF_ENDPOINT``), by its own client.

The client lists a repository and lays out its cache, which every other program knows. It throws
away what has come of a file when it is ended, and checks sizes only: so the big files are fetched
here first, each to the place where the client looks for it, resumed and with its checksum.
"""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

from assistant.errors import ModelFileError
from assistant.models.hubs import faults
from assistant.models.hubs.faults import Hub
from assistant.models.hubs.fetching import (
    Place,
    Tally,
    alone,
    check_room,
    disk_errors,
    is_verified,
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

NAME = "huggingface"
DEFAULT_REVISION = "main"


def hub_of(settings: Settings) -> Hub:
    """The site, or the mirror of ``HF_ENDPOINT``."""
    return Hub(NAME, settings.hf_endpoint, "HF_TOKEN")


def cache(settings: Settings) -> Path:
    """The client's cache folder, of the layout that transformers and vLLM share."""
    return settings.model_dir / NAME


def token_of(settings: Settings) -> str | None:
    """The access token; None: what the client itself finds."""
    return settings.services.get("HF_TOKEN") or os.environ.get("HF_TOKEN") or None


def pull(request: Request, settings: Settings, progress: Progress) -> Pulled:
    """Fetch what is missing of a repository, verify all of it.

    Raises:
        ModelFileError: see :mod:`assistant.models.hubs.faults`; or the disk can't hold it.
    """
    hub, token = hub_of(settings), token_of(settings)
    default = request.revision in ("", *DEFAULT_BRANCHES)
    request = replace(request, revision=DEFAULT_REVISION if default else request.revision)
    commit, listed = _list(hub, request, token)
    files = wanted(request.repository, listed, request.include)
    total = sum(file.size for file in files)
    storage = cache(settings) / f"models--{request.repository.replace('/', '--')}"
    folder = request.to or storage
    with (
        disk_errors(folder, request.repository),
        alone(settings.model_dir, f"{NAME}--{request.repository}", total, progress),
    ):
        root = f"{hub.endpoint}/{request.repository}/resolve/{commit}"
        places = [
            (
                file,
                Place(
                    f"{root}/{quote(file.path)}",
                    request.to / file.path if request.to else storage / "blobs" / file.sha256,
                    folder / INCOMPLETE / f"{file.sha256}.part",
                ),
            )
            for file in files
            if file.sha256
        ]
        check_room(folder, missing(places), request.repository)
        (folder / INCOMPLETE / commit).mkdir(parents=True, exist_ok=True)
        tally = Tally(progress, total)
        for file, place in places:
            headers = {"Authorization": f"Bearer {token}"} if token else {}
            take(file, place, headers, tally, NAME)
        path = _lay_out(hub, request, files, settings)
        _verify_small(path, [file for file in files if not file.sha256], tally)
        shutil.rmtree(folder / INCOMPLETE, ignore_errors=True)
    return Pulled(path, NAME, commit, total)


def _lay_out(hub: Hub, request: Request, files: list[RemoteFile], settings: Settings) -> Path:
    """Let the client fetch the small files and link the big ones; the folder of the model."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.utils.tqdm import disable_progress_bars

    disable_progress_bars()  # ours tells of the big files too
    with _hub_errors(hub, request):
        return Path(
            snapshot_download(
                request.repository,
                revision=request.revision,
                endpoint=hub.endpoint,
                cache_dir=cache(settings),
                local_dir=request.to,
                token=token_of(settings),
                allow_patterns=[glob.escape(file.path) for file in files],
            )
        )


def _verify_small(path: Path, files: list[RemoteFile], tally: Tally) -> None:
    for file in files:
        place = path / file.path
        if not is_verified(place, file):
            place.resolve().unlink(missing_ok=True)
            place.unlink(missing_ok=True)
            raise ModelFileError(
                "{path}: wrong checksum: deleted; try again",
                "{path}：校验和不符，已删除；请重试",
                path=file.path,
            )
        tally.complete(file.size, NAME)


def _list(hub: Hub, request: Request, token: str | None) -> tuple[str, list[RemoteFile]]:
    """The commit that the revision is now, and its files."""
    from huggingface_hub import HfApi

    with _hub_errors(hub, request):
        found = HfApi(endpoint=hub.endpoint, token=token).model_info(
            request.repository, revision=request.revision, files_metadata=True
        )
    if not found.sha or not found.siblings:
        raise faults.unreadable(hub, "no commit or no files")
    return found.sha, [
        RemoteFile(
            row.rfilename,
            row.size or 0,
            sha256=row.lfs.sha256 if row.lfs else "",
            git_sha1="" if row.lfs else row.blob_id or "",
        )
        for row in found.siblings
    ]


@contextmanager
def _hub_errors(hub: Hub, request: Request) -> Iterator[None]:
    """Raise what the client raises inside as faults that say what to do."""
    import httpx
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise faults.gated(hub, request.repository) from error
    except errors.RevisionNotFoundError as error:
        raise faults.no_revision(hub, request.repository, request.revision) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise faults.no_repository(hub, request.repository) from error
    except errors.HfHubHTTPError as error:
        raise _answered(hub, error) from error
    except errors.OfflineModeIsEnabled as error:
        raise faults.unreachable(hub, "HF_HUB_OFFLINE=1") from error
    except (httpx.HTTPError, httpx.InvalidURL, errors.LocalEntryNotFoundError) as error:
        raise faults.unreachable(hub, _first_line(error)) from error
    except (ValueError, KeyError, TypeError, ImportError) as error:
        raise faults.unreadable(hub, _first_line(error)) from error


def _answered(hub: Hub, error: Any) -> ModelFileError:
    status = int(error.response.status_code)
    why = str(error.server_message or _first_line(error))
    if status == 429:
        return faults.too_often(hub)
    if status == 401:
        return faults.token_refused(hub, why)
    return faults.answered(hub, status, why)


def _first_line(error: Exception) -> str:
    lines = [line for line in str(error).splitlines() if line.strip()]
    return lines[0][:200] if lines else type(error).__name__
