"""Files of a ``multipart/form-data`` request, bounded as the page's uploads are."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from fastapi import Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from assistant.api.faults import BadRequest
from assistant.ui.uploads import UploadLimits, watched_upload


@dataclass(frozen=True)
class Received:
    """A file as it came; ``name`` is what its sender calls it."""

    path: Path
    name: str


@dataclass(frozen=True)
class Uploading:
    limits: UploadLimits

    @asynccontextmanager
    async def received(self, request: Request, language: str) -> AsyncIterator[list[Received]]:
        """The files of the field ``files``, as long as the block lasts.

        Raises:
            BadRequest: there is none, or the body is no form.
            UploadTooLarge, DiskFull: it is more than may be.
        """
        receive = watched_upload(request.scope, request.receive, self.limits, language)
        form = await Request(request.scope, receive).form(max_files=self.limits.files)
        files = [one for one in form.getlist("files") if isinstance(one, UploadFile)]
        try:
            if not files:
                raise BadRequest(
                    "No file came: send them in the field files, as multipart/form-data.",
                    "没有收到文件：请以 multipart/form-data 的 files 字段发送。",
                    param="files",
                )
            with tempfile.TemporaryDirectory(prefix="upload-") as folder:
                yield await run_in_threadpool(_kept, files, Path(folder))
        finally:
            await form.close()


def _kept(files: Sequence[UploadFile], folder: Path) -> list[Received]:
    kept = []
    for n, file in enumerate(files):
        path = folder / str(n)
        with path.open("wb") as target:
            shutil.copyfileobj(file.file, target)
        kept.append(Received(path, file.filename or "document"))
    return kept
