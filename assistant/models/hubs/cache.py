"""The models that were pulled: which there are, and where."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ModelFileError
from assistant.models.hubs import huggingface, modelscope
from assistant.models.hubs.folder import check_model, unfinished
from assistant.models.hubs.repository import DEFAULT_BRANCHES, INCOMPLETE
from assistant.settings import Settings


@dataclass(frozen=True)
class Kept:
    """A model in the cache. ``fault`` says what is wrong with it, in both languages."""

    repository: str
    source: str
    revision: str
    path: Path
    size: int  # bytes
    fault: ModelFileError | None


def kept_models(settings: Settings) -> list[Kept]:
    """All models that were pulled into the cache, complete or not."""
    rows = [*_from_huggingface(settings), *_from_modelscope(settings)]
    return sorted(rows, key=lambda row: (row.repository.lower(), row.source))


def find(settings: Settings, repository: str, revision: str, source: str = "") -> Kept | None:
    """The complete model ``repository`` of the cache; from any hub where none is named."""
    for row in kept_models(settings):
        same = row.revision == revision or {row.revision, revision or "main"} <= set(
            DEFAULT_BRANCHES
        )
        if row.repository == repository and same and source in ("", row.source) and not row.fault:
            return row
    return None


def _from_huggingface(settings: Settings) -> Iterator[Kept]:
    for storage in huggingface.cache(settings).glob("models--*--*"):
        repository = storage.name.removeprefix("models--").replace("--", "/", 1)
        refs = storage / "refs"
        revisions = {
            ref.relative_to(refs).as_posix(): ref.read_text("utf-8").strip()
            for ref in sorted(refs.rglob("*"))
            if ref.is_file()
        }
        for path in sorted((storage / "snapshots").glob("*")):
            named = [revision for revision, commit in revisions.items() if commit == path.name]
            broken_off = (storage / INCOMPLETE / path.name).is_dir()
            for revision in named or [path.name]:
                yield _kept(repository, huggingface.NAME, revision, path, broken_off)


def _from_modelscope(settings: Settings) -> Iterator[Kept]:
    for path in modelscope.cache(settings).glob("*/*"):
        if path.is_dir():
            name, _, revision = path.name.partition("@")
            repository = f"{path.parent.name}/{name}"
            revision = revision or modelscope.DEFAULT_REVISION
            yield _kept(repository, modelscope.NAME, revision, path)


def _kept(
    repository: str, source: str, revision: str, path: Path, broken_off: bool = False
) -> Kept:
    files = [file for file in path.rglob("*") if file.is_file()]
    fault: ModelFileError | None = None
    try:
        if broken_off:
            raise unfinished(path)
        check_model(path)
    except ModelFileError as error:
        fault = error
    return Kept(repository, source, revision, path, sum(f.stat().st_size for f in files), fault)
