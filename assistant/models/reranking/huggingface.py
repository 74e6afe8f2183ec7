"""A cross-encoder of Hugging Face in this process, by ``sentence-transformers``."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

from assistant.errors import ModelError
from assistant.models.huggingface import (
    check_usable,
    computing,
    device_of,
    dtype_of,
    import_torch,
    loading,
    model_folder,
)
from assistant.models.names import Target
from assistant.settings import Settings

BATCH = 32  # pairs


class CrossEncoderReranker:
    """Reads question and text together. Loaded at the first use; thread-safe.

    Raises:
        SettingsError: its packages are not installed, or it can't be the name of a model.
    """

    def __init__(self, settings: Settings, target: Target) -> None:
        check_usable(target)
        self.target = target
        self._settings = settings
        self._lock = threading.Lock()
        self._model: Any = None

    def rank(self, question: str, texts: Sequence[str], top_n: int) -> list[tuple[int, float]]:
        """(index into ``texts``, score from 0 to 1) of the ``top_n`` best, best first.

        Raises:
            ModelError: the model can't be had, or failed.
        """
        if not texts:
            return []
        with self._lock:
            model = self._loaded()
            with computing(self.target):
                scores = model.predict(
                    [(question, text) for text in texts],
                    batch_size=int(self.target.options.get("batch_size", BATCH)),
                    # Some models are saved without it: their scores have no bounds.
                    activation_fn=import_torch().nn.Sigmoid(),
                    show_progress_bar=False,
                )
        found = [(index, float(score)) for index, score in enumerate(scores)]
        return sorted(found, key=lambda pair: -pair[1])[:top_n]

    def load(self) -> None:
        """Make it ready, so that the first question needn't wait.

        Raises:
            ModelError: as :meth:`rank`.
        """
        with self._lock:
            self._loaded()

    def close(self) -> None:
        """Let the weights go."""
        with self._lock:
            self._model = None

    def _loaded(self) -> Any:
        if self._model is None:
            self._model = self._load()
        return self._model

    def _load(self) -> Any:
        target = self.target
        folder = model_folder(self._settings, target)
        device = device_of(target)
        with loading(target, folder):
            from sentence_transformers import CrossEncoder

            model = CrossEncoder(
                str(folder),
                device=device,
                max_length=target.options.get("max_length"),
                local_files_only=True,
                trust_remote_code=bool(target.options.get("trust_remote_code", False)),
                model_kwargs={"dtype": dtype_of(target, device)},
            )
        if model.num_labels != 1:
            raise ModelError(
                "{name} is no reranker: it gives {count} scores for a pair instead of one. Take "
                "one such as huggingface:BAAI/bge-reranker-v2-m3.",
                "{name} 不是重排模型：它对每对文本给出 {count} 个分数而不是一个。"
                "请使用 huggingface:BAAI/bge-reranker-v2-m3 这样的模型。",
                name=target.name,
                count=model.num_labels,
            )
        return model


def open_cross_encoder(settings: Settings, target: Target) -> CrossEncoderReranker:
    """The reranker that ``target`` names; it is loaded when it is first asked.

    Raises:
        SettingsError: its packages are not installed, or it can't be the name of a model.
    """
    return CrossEncoderReranker(settings, target)
