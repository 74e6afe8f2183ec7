"""A model from the first hub that has it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from assistant.errors import ModelFileError, SettingsError
from assistant.models.hubs import cache, huggingface, modelscope
from assistant.models.hubs.faults import Unreachable
from assistant.models.hubs.folder import check_model
from assistant.models.hubs.repository import Pulled, Request
from assistant.models.local.files import Progress
from assistant.settings import Settings

log = logging.getLogger(__name__)

#: One row for each hub; the names are those of ``MODEL_SOURCES``.
HUBS: dict[str, Callable[[Request, Settings, Progress], Pulled]] = {
    huggingface.NAME: huggingface.pull,
    modelscope.NAME: modelscope.pull,
}


def sources(settings: Settings, chosen: str = "auto") -> tuple[str, ...]:
    """The hubs to ask, in order.

    Raises:
        SettingsError: ``MODEL_SOURCES`` names none.
    """
    if chosen != "auto":
        return (chosen,)
    found = tuple(name for name in settings.model_sources if name in HUBS)
    if not found:
        raise SettingsError(
            "MODEL_SOURCES names no hub of whole models: add huggingface or modelscope to it, or "
            "say --source.",
            "MODEL_SOURCES 中没有模型仓库：请加入 huggingface 或 modelscope，或使用 --source。",
        )
    return found


def pull(request: Request, settings: Settings, hubs: Sequence[str], progress: Progress) -> Pulled:
    """Fetch from the first of ``hubs`` that can; a complete model of the cache does where none can
    be reached.

    Raises:
        ModelFileError: none has it, each with its reason; or what came is no complete model.
    """
    reasons: list[tuple[str, ModelFileError]] = []
    for name in hubs:
        try:
            pulled = HUBS[name](request, settings, progress)
        except ModelFileError as error:
            log.info("%s: %s: %s", request.repository, name, error)
            reasons.append((name, error))
            continue
        if not request.include:
            check_model(pulled.path)
        for other, reason in reasons:
            log.warning("%s came from %s; %s: %s", request.repository, name, other, reason)
        return pulled
    kept = _kept(request, settings, hubs, reasons)
    if kept is not None:
        return kept
    raise _nowhere(request.repository, reasons)


def _kept(
    request: Request,
    settings: Settings,
    hubs: Sequence[str],
    reasons: Sequence[tuple[str, ModelFileError]],
) -> Pulled | None:
    if request.to or request.include:
        return None
    if not any(isinstance(error, Unreachable) for _, error in reasons):
        return None
    for name in hubs:
        found = cache.find(settings, request.repository, request.revision, name)
        if found is not None:
            log.warning("%s: the copy in the cache is taken: %s", request.repository, found.path)
            return Pulled(found.path, found.source, found.revision, found.size)
    return None


def _nowhere(repository: str, reasons: Sequence[tuple[str, ModelFileError]]) -> ModelFileError:
    return ModelFileError(
        "The model {repository} could not be fetched:\n{en}\nWhat has come is kept.",
        "无法获取模型 {repository}：\n{zh}\n已下载的部分会保留。",
        repository=repository,
        en="\n".join(f"- {name}: {error.text('en')}" for name, error in reasons),
        zh="\n".join(f"- {name}：{error.text('zh')}" for name, error in reasons),
    )
