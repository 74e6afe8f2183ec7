"""Embedding in several processes, one for each device.

``sentence-transformers`` has a pool of its own, which waits for ever when one of its processes
dies, and mixes up the results of two callers.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np

from assistant.errors import ModelUnavailable
from assistant.models.embedding.sentence_model import load_sentence_model
from assistant.models.huggingface import device_of, import_torch
from assistant.models.names import Target

_CHUNKS = 4  # of a call for each process: the quicker ones take more of them


class EncoderPool:
    """Started at the first call, ended by :meth:`close` or with the program. Thread-safe.

    The processes import the program's main module: it needs ``if __name__ == "__main__"``.

    Raises:
        SettingsError: a device isn't there.
    """

    def __init__(self, target: Target, folder: Path, devices: Sequence[str]) -> None:
        self._target = target
        self._folder = folder
        self._devices = [device_of(target, device) for device in devices]
        self._lock = threading.Lock()
        self._executor: ProcessPoolExecutor | None = None

    def encode(self, texts: Sequence[str], chunk_size: int | None, call: dict[str, Any]) -> Any:
        """Vectors of ``texts`` in order.

        Args:
            chunk_size: texts handed to a process at a time.
            call: arguments of ``SentenceTransformer.encode``.

        Raises:
            ModelUnavailable: a process died; the next call starts new ones.
        """
        from tqdm import tqdm

        even = math.ceil(len(texts) / (len(self._devices) * _CHUNKS))
        size = chunk_size or max(call["batch_size"], even)
        executor = self._started()
        quiet = {**call, "show_progress_bar": False}
        try:
            running = [
                executor.submit(_encode, list(texts[start : start + size]), quiet)
                for start in range(0, len(texts), size)
            ]
            bar = tqdm(running, desc="chunks", disable=not call["show_progress_bar"])
            return _joined([future.result() for future in bar])
        except BrokenProcessPool as error:
            self.close()
            raise ModelUnavailable(
                "A process of {name} ended (is there enough memory for {count}?): try again, or "
                "take fewer devices or a smaller batch_size.",
                "{name} 的一个进程已退出（内存是否足够运行 {count} 个？）：请重试，"
                "或减少 devices、减小 batch_size。",
                name=self._target.name,
                count=len(self._devices),
            ) from error

    def close(self) -> None:
        """End the processes."""
        with self._lock:
            executor, self._executor = self._executor, None
        if executor is not None:
            executor.shutdown(cancel_futures=True)

    def _started(self) -> ProcessPoolExecutor:
        with self._lock:
            if self._executor is None:
                context = multiprocessing.get_context("spawn")  # CUDA can't be forked
                devices = context.Queue()
                for device in self._devices:
                    devices.put(device)
                self._executor = ProcessPoolExecutor(
                    len(self._devices),
                    context,
                    _start,
                    (self._target, self._folder, devices, self._devices.count("cpu")),
                )
            return self._executor


#: Of a process of the pool: its model.
_model: list[Any] = []


def _start(target: Target, folder: Path, devices: Any, on_cpu: int) -> None:
    if on_cpu:
        import_torch().set_num_threads(max(1, (os.cpu_count() or 1) // on_cpu))
    _model.append(load_sentence_model(target, folder, devices.get()))


def _encode(texts: list[str], call: dict[str, Any]) -> Any:
    return _on_cpu(_model[0].encode(texts, **call))


def _on_cpu(found: Any) -> Any:
    """Tensors of a device that the parent may not have."""
    if isinstance(found, list):
        return [row.cpu() for row in found]
    return found if isinstance(found, np.ndarray) else found.cpu()


def _joined(parts: list[Any]) -> Any:
    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    if isinstance(parts[0], list):
        return [row for part in parts for row in part]
    return import_torch().cat(parts)
