"""Many texts, as calls of the size that a service takes, several at a time.

Either all texts are embedded or an error names those that were not. A call that is refused is
halved and asked again, until the very text that the service stumbles over is known: one call too
large for the service, or one text of a file that its filter stops, is not a whole batch lost.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from assistant.errors import ContentFiltered, ContextTooLong, ModelError, ModelRefused
from assistant.models.embedding.model import Vectors

log = logging.getLogger(__name__)

#: What may be the fault of one text, or of one call's size. All else is the service's.
OF_A_TEXT = (ContentFiltered, ContextTooLong, ModelRefused)
#: Refused texts after which no more are tried: then it is hardly the texts.
MOST_REFUSED = 8
SHOWN = 40  # characters of a text in a message


class Batches:
    """Embeds any number of texts.

    Args:
        name: of the model, for messages.
        call: one request, (n, dimension) of n texts; raises ModelError.
        size: texts in one call.
        concurrency: calls at a time.
    """

    def __init__(
        self, name: str, call: Callable[[Sequence[str]], Vectors], size: int, concurrency: int
    ) -> None:
        self.name = name
        self.call = call
        self.size = size
        self.concurrency = concurrency

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of at least one text, in order.

        Raises:
            ModelError: of the class of the first failure; says which texts were not embedded.
        """
        spans = [
            range(start, min(start + self.size, len(texts)))
            for start in range(0, len(texts), self.size)
        ]
        run = _Run(self, texts)
        if len(spans) == 1:
            run.embed(spans[0])
        else:
            with ThreadPoolExecutor(min(self.concurrency, len(spans)), "embedding") as pool:
                try:
                    list(pool.map(run.embed, spans))
                finally:
                    run.hopeless = True  # after Ctrl-C, what waits isn't begun
        return run.result()


class _Run:
    """One use of :class:`Batches`. Calls fill it from several threads, each its own places."""

    def __init__(self, batches: Batches, texts: Sequence[str]) -> None:
        self.batches = batches
        self.texts = texts
        self.rows: list[Vectors | None] = [None] * len(texts)
        self.refused: dict[int, ModelError] = {}
        self.hopeless = False
        self.why: ModelError | None = None  # the service's own fault, if any

    def embed(self, span: range) -> bool:
        """Whether all texts of ``span`` were embedded."""
        if self.hopeless:
            return False
        try:
            rows = self.batches.call([self.texts[i] for i in span])
        except ModelError as error:
            if type(error) in OF_A_TEXT:
                return self._halve(span, error)
            self.why, self.hopeless = self.why or error, True
            return False
        for place, row in zip(span, rows, strict=True):
            self.rows[place] = row
        return True

    def _halve(self, span: range, error: ModelError) -> bool:
        if len(span) == 1:
            self.refused[span.start] = error
            self.hopeless = self.hopeless or len(self.refused) >= MOST_REFUSED
            return False
        half = len(span) // 2
        done = [self.embed(span[:half]), self.embed(span[half:])]
        if all(done) and half < self.batches.size:
            log.warning("%s takes fewer than %d texts in a call", self.batches.name, len(span))
            self.batches.size = half
        return all(done)

    def result(self) -> Vectors:
        done = [row for row in self.rows if row is not None]
        if len(done) == len(self.rows):
            return np.vstack(done)
        first = min(self.refused, default=None)
        error = self.refused[first] if first is not None else self.why
        assert error is not None  # noqa: S101 - what else would have left a text out
        is_whole = first is None and not done
        if is_whole or (len(self.rows) == 1 and not isinstance(error, ContextTooLong)):
            raise error
        raise self._named(error, first) from error

    def _named(self, error: ModelError, first: int | None) -> ModelError:
        missing = [i for i, row in enumerate(self.rows) if row is None]
        begin = self.texts[missing[0] if first is None else first][:SHOWN]
        words = {"en": error.text("en"), "zh": error.text("zh")}
        if isinstance(error, ContextTooLong):
            words = _too_long(error)
        return type(error)(
            "{name} did not embed {count} of {total} texts (number {numbers}, first "
            "“{begin}...”): {en}",
            "{name} 未能嵌入 {total} 段文本中的 {count} 段（第 {numbers} 段，首段为"
            "“{begin}……”）：{zh}",
            name=self.batches.name,
            count=len(missing),
            total=len(self.texts),
            numbers=ranges(i + 1 for i in missing),
            begin=begin,
            **words,
        )


def _too_long(error: ModelError) -> dict[str, str]:
    """Another advice than for a chat's prompt."""
    said = getattr(getattr(error.__cause__, "response", None), "text", "")[:200]
    return {
        "en": f"it is longer than the model can take; make CHUNK_TOKENS in .env smaller. ({said})",
        "zh": f"超出模型可接受的长度；请在 .env 中调小 CHUNK_TOKENS。（{said}）",
    }


def ranges(numbers: Iterable[int]) -> str:
    """``[1, 2, 3, 7]`` -> ``"1-3, 7"``. The numbers ascend."""
    listed = list(numbers)
    cuts = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(listed)) if b != a + 1), len(listed)]
    runs = [listed[a:b] for a, b in pairwise(cuts)]
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
