"""A reranker that may take no longer than a question can wait."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from queue import Empty, SimpleQueue

from assistant.errors import ModelTimeout
from assistant.models.reranking.reranker import Ranked, Reranker


class TimedReranker:
    """Gives up after ``seconds``. A call that is given up runs on in its thread, since it can't be
    stopped; until it has ended no other one is begun, so that they don't pile up. Thread-safe."""

    def __init__(self, reranker: Reranker, seconds: float) -> None:
        self._reranker = reranker
        self._seconds = seconds
        self._lock = threading.Lock()
        self._late: set[threading.Thread] = set()

    def rank(self, question: str, texts: Sequence[str], top_n: int) -> Ranked:
        """As :meth:`Reranker.rank`.

        Raises:
            ModelTimeout: it did not answer in time, or is still busy with an earlier question.
            ModelError: as the reranker.
        """
        if self._is_late():
            raise self._too_late()
        answers: SimpleQueue[Ranked | BaseException] = SimpleQueue()

        def run() -> None:
            try:
                answers.put(self._reranker.rank(question, texts, top_n))
            except BaseException as error:  # noqa: BLE001 - raised where it is waited for
                answers.put(error)

        # A daemon: what hangs must not keep the program from ending.
        thread = threading.Thread(target=run, name="rerank", daemon=True)
        thread.start()
        try:
            answer = answers.get(timeout=self._seconds)
        except Empty:
            with self._lock:
                self._late.add(thread)
            raise self._too_late() from None
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _is_late(self) -> bool:
        """Whether a call that was given up is still running."""
        with self._lock:
            self._late = {thread for thread in self._late if thread.is_alive()}
            return bool(self._late)

    def _too_late(self) -> ModelTimeout:
        return ModelTimeout(
            "The reranker did not answer within {seconds:g} s, so the passages keep the order of "
            "the search: raise RERANK_SECONDS, or set RERANK_MODEL=none.",
            "重排模型未在 {seconds:g} 秒内应答，段落保持检索的顺序：请增大 RERANK_SECONDS，"
            "或设置 RERANK_MODEL=none。",
            seconds=self._seconds,
        )
