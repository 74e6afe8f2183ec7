"""``sentence-transformers`` with all that its ``encode`` can do, safe for several threads.

``HuggingFaceEmbeddings`` of ``langchain-huggingface`` is not used: it turns line breaks into
spaces, vectors into lists of Python numbers, starts a new pool of processes for each call and
drops the call's options in it.
"""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import SettingsError
from assistant.models.embedding.encoder_pool import EncoderPool
from assistant.models.embedding.precision import SCALED, Precision, quantized
from assistant.models.embedding.sentence_model import load_sentence_model, most_tokens
from assistant.models.huggingface import computing, device_of
from assistant.models.names import Target

log = logging.getLogger(__name__)

BATCH = 32  # texts; sentence-transformers' own default


class SentenceEncoder:
    """One model on one device, and where several are named a process for each.

    Args:
        folder: with the model's files.
        device: default: the target's option.

    Raises:
        ModelError: it can't be loaded.
        SettingsError: an option doesn't fit the model or the machine.
    """

    def __init__(self, target: Target, folder: Path, device: str | None = None) -> None:
        self.target = target
        self.folder = folder
        self.device = device_of(target, device)
        self.normalize = bool(target.options.get("normalize_embeddings", True))
        self.model = load_sentence_model(target, folder, self.device)
        self.dimension = self._dimension()
        #: Tokens of a text that are read, the special ones included.
        self.max_length = int(self.model.max_seq_length or most_tokens(self.model) or 512)
        # Tokenizers aren't safe for threads: counting has its own.
        self._counter = copy.deepcopy(self.model.tokenizer)
        self._counting = threading.Lock()
        self._lock = threading.Lock()
        self._pools: dict[tuple[str, ...], EncoderPool] = {}
        self._told = False

    def twin(self) -> SentenceEncoder:
        """Another handle on the same weights: neither waits for the other's batches."""
        weights = [*self.model.parameters(), *self.model.buffers()]
        other = copy.copy(self)
        other.model = copy.deepcopy(self.model, {id(weight): weight for weight in weights})
        if self.device != "mps":  # which doesn't take two threads at a time
            other._lock = threading.Lock()
        other._pools = {}
        return other

    def encode(
        self,
        texts: str | Sequence[str],
        *,
        prompt_name: str | None = None,
        prompt: str | None = None,
        task: str | None = None,
        batch_size: int = BATCH,
        show_progress_bar: bool | None = None,
        precision: Precision = "float32",
        convert_to_numpy: bool = True,
        convert_to_tensor: bool = False,
        device: str | Sequence[str] | None = None,
        normalize_embeddings: bool | None = None,
        truncate_dim: int | None = None,
        pool: Any = None,
        chunk_size: int | None = None,
    ) -> Any:
        """As ``SentenceTransformer.encode``, but: ``precision`` is of a fixed range, so vectors of
        all calls can be compared; several ``device`` have a process each, started once;
        ``normalize_embeddings`` is by default the target's option, which is on; ``task`` is
        "query" or "document" for models that have other layers for them.

        Raises:
            ModelError: out of memory, or the model failed.
            SettingsError: int8 or uint8 of vectors that are not normalized.
        """
        rows = [texts] if isinstance(texts, str) else list(texts)
        self._tell_of_long(rows, prompt)
        plain = precision == "float32"
        call = {
            "prompt_name": prompt_name,
            "prompt": prompt,
            "batch_size": batch_size,
            "show_progress_bar": show_progress_bar,
            "convert_to_numpy": convert_to_numpy or not plain,
            "convert_to_tensor": convert_to_tensor and plain,
            "normalize_embeddings": self._unit(normalize_embeddings, precision),
            "truncate_dim": truncate_dim,
        } | ({"task": task} if task else {})
        with computing(self.target):
            found = self._run(rows, device, pool, chunk_size, call)
        kept = _small(found, precision, convert_to_numpy, convert_to_tensor)
        return kept[0] if isinstance(texts, str) else kept

    def count(self, text: str) -> int:
        """Tokens of ``text``, without the special ones."""
        with self._counting:
            found = self._counter(
                text, add_special_tokens=False, truncation=False, padding=False, verbose=False
            )
        return len(found["input_ids"])

    def close(self) -> None:
        """End the processes, if any were started."""
        for pool in self._pools.values():
            pool.close()
        self._pools.clear()

    def _unit(self, asked: bool | None, precision: Precision) -> bool:
        unit = self.normalize if asked is None else asked
        if precision in SCALED and not unit:
            raise not_normalized(self.target, precision)
        return unit

    def _run(
        self,
        texts: list[str],
        device: str | Sequence[str] | None,
        pool: Any,
        chunk_size: int | None,
        call: dict[str, Any],
    ) -> Any:
        if not texts and call["convert_to_numpy"] and not call["convert_to_tensor"]:
            return np.zeros((0, call["truncate_dim"] or self.dimension), dtype=np.float32)
        if pool is None and device is not None and not isinstance(device, str):
            return self._pool(tuple(device)).encode(texts, chunk_size, call)
        with self._lock:
            if pool is not None:
                return self.model.encode(texts, pool=pool, chunk_size=chunk_size, **call)
            try:
                return self.model.encode(texts, device=device, **call)
            finally:
                if device is not None:  # it stays where a call took it
                    self.model.to(self.device)

    def _pool(self, devices: tuple[str, ...]) -> EncoderPool:
        with self._lock:
            if devices not in self._pools:
                self._pools[devices] = EncoderPool(self.target, self.folder, devices)
            return self._pools[devices]

    def _dimension(self) -> int:
        most = int(self.model.get_embedding_dimension())
        wanted = self.target.options.get("dimensions")
        if wanted is not None and wanted > most:
            raise SettingsError(
                "{name} gives vectors of {most} numbers: dimensions can't be {wanted}.",
                "{name} 的向量为 {most} 维：dimensions 不能设为 {wanted}。",
                name=self.target.name,
                most=most,
                wanted=wanted,
            )
        return int(wanted or most)

    def _tell_of_long(self, texts: list[str], prompt: str | None) -> None:
        """Say once that texts are cut: what is cut off can't be found."""
        if self._told:
            return
        for text in texts:
            # A token is rarely shorter than a character: the others needn't be counted.
            if len(text) + len(prompt or "") < self.max_length - 2:
                continue
            tokens = self.count((prompt or "") + text) + 2
            if tokens > self.max_length:
                self._told = True
                log.warning(
                    "%s reads %d tokens of a text, and one has %d: the rest is cut off. Make "
                    "CHUNK_TOKENS smaller, or max_length larger where the model allows it. "
                    "(Not said again.)",
                    self.target.name,
                    self.max_length,
                    tokens,
                )
                return


def not_normalized(target: Target, precision: str) -> SettingsError:
    return SettingsError(
        "{name}: precision {precision} is of unit vectors: leave normalize_embeddings on.",
        "{name}：precision {precision} 只适用于单位向量：请保持 normalize_embeddings 开启。",
        name=target.name,
        precision=precision,
    )


def _small(found: Any, precision: Precision, as_numpy: bool, as_tensor: bool) -> Any:
    """``found`` in ``precision``, in the container that was asked for."""
    if precision == "float32":
        return found
    values = quantized(found, precision)
    if as_numpy and not as_tensor:
        return values
    import torch

    return torch.from_numpy(values) if as_tensor else [torch.from_numpy(row) for row in values]
