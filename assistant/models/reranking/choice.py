"""``RERANK_MODEL`` -> a reranker, or none."""

from __future__ import annotations

from collections.abc import Callable

from assistant.models.auto import pick
from assistant.models.names import Target, resolve
from assistant.models.options import RERANK
from assistant.models.reranking.reranker import Reranker
from assistant.models.reranking.services import JinaReranker, TEIReranker
from assistant.providers import IN_PROCESS, OPENAI, TEI
from assistant.settings import Settings

NONE = "none"


def _in_process(settings: Settings, target: Target) -> Reranker:
    from assistant.models.reranking.huggingface import open_cross_encoder

    return open_cross_encoder(settings, target)


#: One row for each way of speaking.
ROWS: dict[str, Callable[[Settings, Target], Reranker]] = {
    IN_PROCESS: _in_process,
    OPENAI: lambda _, target: JinaReranker(target),
    TEI: lambda _, target: TEIReranker(target),
}


def open_reranker(settings: Settings) -> Reranker | None:
    """The reranker that ``RERANK_MODEL`` names; None for ``none``. Nothing is asked yet.

    Raises:
        SettingsError: no such reranker, an option that it doesn't take, or its key is missing.
    """
    text = pick(settings, settings.rerank_model, RERANK)
    if text in ("", NONE):
        return None
    target = resolve(settings, text, RERANK)
    return ROWS[target.provider.speaks](settings, target)
