"""Model files: fetched once, verified by SHA-256, shared by all data folders.

In the model folder, for a file NAME: ``NAME`` (only ever complete and verified),
``NAME.verified`` (its size, time and checksum when it was hashed, so that a start needn't read a
gigabyte), ``NAME.lock`` (one process fetches, the others wait), ``NAME.part`` and
``NAME.index.part`` (what has come so far).
"""

from __future__ import annotations

import errno
import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant import keeper
from assistant.errors import ModelFileError
from assistant.models.local.catalogue import ModelFile
from assistant.models.local.sources import SOURCES, huggingface_url, partials
from assistant.settings import Settings

#: Told bytes here, bytes in all, and the source that they come from.
Progress = Callable[[int, int, str], None]

ANOTHER_PROCESS = "another process"

_log = logging.getLogger(__name__)


def _no_progress(done: int, total: int, source: str) -> None:
    """For callers that don't watch."""


def is_here(model: ModelFile | Path, settings: Settings) -> bool:
    """Whether the file of ``model`` is there in full; quick, so not hashed where it is new."""
    path = model if isinstance(model, Path) else model.path(settings)
    return path.is_file() and (isinstance(model, Path) or path.stat().st_size == model.size)


def obtain(model: ModelFile | Path, settings: Settings, progress: Progress = _no_progress) -> Path:
    """The path of the verified file of ``model`` (as :func:`catalogue.find` gives it), fetched
    where it is missing. A user's own file is taken as it is.

    Raises:
        ModelFileError: see :func:`fetch`.
    """
    return model if isinstance(model, Path) else fetch(model, settings, progress)


def fetch(model_file: ModelFile, settings: Settings, progress: Progress = _no_progress) -> Path:
    """The path of the verified file; fetched from the first source of ``MODEL_SOURCES`` that has
    it. A process that finds another fetching waits for it.

    Raises:
        ModelFileError: no source has it (each with its reason, and where to put the file by
            hand), or the folder can't hold it.
    """
    path = model_file.path(settings)
    with _disk_errors(model_file, path):
        if _is_verified(path, model_file):
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with _alone(model_file, settings, progress):
            _take_in(path, path, model_file)
            if not path.exists():
                _fetch(model_file, settings, progress)
    return path


def _fetch(model_file: ModelFile, settings: Settings, progress: Progress) -> None:
    path = model_file.path(settings)
    _check_room(model_file, settings)
    reasons: list[tuple[str, ModelFileError]] = []
    for source in settings.model_sources:
        try:
            _fetch_from(source, model_file, settings, progress)
        except ModelFileError as error:
            _log.warning("%s: %s: %s", model_file.file, source, error)
            reasons.append((source, error))
            continue
        for partial in partials(model_file, settings):
            partial.unlink(missing_ok=True)
        return
    raise _nowhere(model_file, settings, path, reasons)


def _fetch_from(source: str, model_file: ModelFile, settings: Settings, progress: Progress) -> None:
    """Fetch from one source; once more from its first byte where the sum of an old beginning and
    its end was wrong."""

    def report(done: int) -> None:
        progress(done, model_file.size, source)

    begun = any(partial.exists() for partial in partials(model_file, settings))
    for _ in range(2 if begun else 1):
        partial = SOURCES[source](model_file, settings, report)
        if _take_in(partial, model_file.path(settings), model_file):
            return
    raise ModelFileError("wrong checksum: deleted", "校验和不符：已删除")


def _take_in(candidate: Path, path: Path, model_file: ModelFile) -> bool:
    """Make ``candidate`` the file at ``path`` if its checksum is right, else delete it."""
    if not candidate.exists():
        return False
    if candidate.stat().st_size != model_file.size or _sha256(candidate) != model_file.sha256:
        _log.warning("%s is not %s (wrong checksum): deleted", candidate, model_file.file)
        candidate.unlink()
        return False
    candidate.replace(path)
    state = json.dumps(_state(path, model_file))
    _sidecar(path).write_text(state, encoding="utf-8")
    return True


def _is_verified(path: Path, model_file: ModelFile) -> bool:
    try:
        return bool(json.loads(_sidecar(path).read_text("utf-8")) == _state(path, model_file))
    except (FileNotFoundError, ValueError):
        return False


def _sidecar(path: Path) -> Path:
    return path.with_name(f"{path.name}.verified")


def _state(path: Path, model_file: ModelFile) -> dict[str, object]:
    found = path.stat()
    return {
        "size": found.st_size,
        "mtime_ns": found.st_mtime_ns,
        "sha256": model_file.sha256,
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _alone(model_file: ModelFile, settings: Settings, progress: Progress) -> Iterator[None]:
    """Hold the lock of the file; while another process fetches it, tell of its progress."""
    path = model_file.path(settings).with_name(f"{model_file.file}.lock")
    while (lock := keeper.hold(path, seconds=0.5)) is None:
        progress(_so_far(model_file, settings), model_file.size, ANOTHER_PROCESS)
    try:
        yield
    finally:
        os.close(lock)


def _so_far(model_file: ModelFile, settings: Settings) -> int:
    """Bytes that have come."""
    found = (partial for partial in partials(model_file, settings) if partial.exists())
    return max((partial.stat().st_size for partial in found), default=0)


def _check_room(model_file: ModelFile, settings: Settings) -> None:
    free = shutil.disk_usage(settings.model_dir).free
    if free < model_file.size - _so_far(model_file, settings):
        raise _full(model_file, settings.model_dir)


def _full(model_file: ModelFile, folder: Path) -> ModelFileError:
    return ModelFileError(
        "The disk of {folder} is full: {file} needs {size:.1f} GB. Free some space, or name "
        "another folder with MODEL_DIR in .env.",
        "{folder} 所在磁盘空间不足：{file} 需要 {size:.1f} GB。请清理空间，"
        "或在 .env 中用 MODEL_DIR 指定其他文件夹。",
        folder=folder,
        file=model_file.file,
        size=model_file.size / 1e9,
    )


@contextmanager
def _disk_errors(model_file: ModelFile, path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise _full(model_file, path.parent) from error
        raise ModelFileError(
            "{file} can't be kept in {folder}: {error}. Make the folder writable, or name another "
            "with MODEL_DIR in .env.",
            "无法在 {folder} 中保存 {file}：{error}。请修改该文件夹的权限，"
            "或在 .env 中用 MODEL_DIR 指定其他文件夹。",
            file=model_file.file,
            folder=path.parent,
            error=error.strerror or error,
        ) from error


def _nowhere(
    model_file: ModelFile,
    settings: Settings,
    path: Path,
    reasons: list[tuple[str, ModelFileError]],
) -> ModelFileError:
    return ModelFileError(
        "The model file {file} could not be fetched:\n{en}\n"
        "Try again (what has come is kept), or fetch it elsewhere from {url} and put it at {path}.",
        "无法获取模型文件 {file}：\n{zh}\n"
        "请重试（已下载的部分会保留），或在别处从 {url} 下载后放到 {path}。",
        file=model_file.file,
        en="\n".join(f"- {source}: {error.text('en')}" for source, error in reasons),
        zh="\n".join(f"- {source}：{error.text('zh')}" for source, error in reasons),
        url=huggingface_url(model_file, settings),
        path=path,
    )
