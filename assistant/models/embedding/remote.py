"""An embedding model at a service: what all ways of speaking share.

A service is asked what it serves once; that is kept in ``DATA_DIR/cache``, so that the app starts
while the service is away. Every answer is held against it.
"""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import partial

from assistant.errors import BadAnswer
from assistant.models.embedding.batches import Batches
from assistant.models.embedding.facts import Facts, FactsFile
from assistant.models.embedding.model import EmbeddingModel, Vectors, estimate_tokens
from assistant.models.names import Target
from assistant.settings import Settings

PASSAGE, QUERY = "passage", "query"
#: Options that change the vectors, so two models differ that differ in them. Of ``dimensions``
#: the fingerprint tells anyway.
CHANGING = ("query_prompt", "passage_prompt", "extra_body")
LONGEST_VALUE = 40  # characters of an option that stand in the fingerprint as they are


class Service(ABC):
    """One way of speaking to a service that embeds."""

    def __init__(self, target: Target) -> None:
        self.target = target

    @abstractmethod
    def embed(self, texts: Sequence[str], kind: str) -> Vectors:
        """One request: (n, dimension) of n texts.

        Args:
            kind: :data:`PASSAGE` or :data:`QUERY`, for services that tell them apart.

        Raises:
            ModelError: the request failed.
        """

    def serves(self) -> tuple[str, int]:
        """The model's name, and how many texts it takes in a call."""
        return self.target.model, self.target.provider.embedding_batch

    def check(self, facts: Facts) -> None:  # noqa: B027 - optional
        """Before the first call with ``facts`` of an earlier start.

        Raises:
            BadAnswer: it serves another model now.
        """

    def close(self) -> None:  # noqa: B027 - optional
        """Let go of connections."""


def open_remote(settings: Settings, service: Service) -> EmbeddingModel:
    """The model behind ``service``; it is asked only where nothing is known of it yet.

    Raises:
        ModelError: it had to be asked and didn't answer with vectors.
    """
    try:
        return _Remote(settings, service).model()
    except BaseException:
        service.close()
        raise


class _Remote:
    """Prompts, batches and checks around one service."""

    def __init__(self, settings: Settings, service: Service) -> None:
        self.service = service
        self.options = service.target.options
        self.file = FactsFile(settings.data_dir / "cache" / "embedding_services.json")
        known = self.file.recall(self._key)
        self.is_checked = known is None
        self.facts = known or self._ask()
        size = int(self.options.get("batch_size", self.facts.batch))
        concurrency = int(self.options.get("concurrency", service.target.provider.concurrency))
        self.worth = size * concurrency
        self.batches = {
            kind: Batches(self._name, partial(self._call, kind), size, concurrency)
            for kind in (PASSAGE, QUERY)
        }

    def model(self) -> EmbeddingModel:
        return EmbeddingModel(
            fingerprint=self._fingerprint(),
            dimension=self.facts.dimension,
            passages=partial(self._embed, PASSAGE),
            queries=partial(self._embed, QUERY),
            count=estimate_tokens,
            batch_size=self.worth,
            close=self.service.close,
        )

    @property
    def _name(self) -> str:
        return f"{self.service.target.provider.name}:{self.facts.model}"

    def _embed(self, kind: str, texts: Sequence[str]) -> Vectors:
        prompt = str(self.options.get(f"{kind}_prompt", ""))
        return self.batches[kind].embed([prompt + _sendable(text) for text in texts])

    def _call(self, kind: str, texts: Sequence[str]) -> Vectors:
        if not self.is_checked:
            self._check()
        vectors = self.service.embed(texts, kind)
        if vectors.shape != (len(texts), self.facts.dimension):
            self.file.forget(self._key)
            raise self._misshapen(vectors.shape, len(texts), self.facts.dimension)
        return vectors

    def _check(self) -> None:
        try:
            self.service.check(self.facts)
        except BadAnswer:
            self.file.forget(self._key)
            raise
        self.is_checked = True

    def _ask(self) -> Facts:
        model, batch = self.service.serves()
        shape = self.service.embed(["dimension"], PASSAGE).shape
        wanted = self.options.get("dimensions", shape[-1])
        if shape != (1, wanted):
            raise self._misshapen(shape, 1, int(wanted), model)
        facts = Facts(model, shape[1], batch)
        self.file.remember(self._key, facts)
        return facts

    @property
    def _key(self) -> str:
        """What decides the facts: they are asked for anew where any of it changes."""
        target, given = self.service.target, self.options
        asked = {name: given[name] for name in ("dimensions", "extra_body") if name in given}
        return f"{target.base_url} {target.name} {json.dumps(asked, sort_keys=True)}"

    def _fingerprint(self) -> str:
        parts = [self._name, str(self.facts.dimension), "cosine"]
        for name in CHANGING:
            if self.options.get(name):
                value = self.options[name]
                parts.append(f"{name}={_short(value if isinstance(value, str) else _json(value))}")
        return ";".join(parts)

    def _misshapen(
        self, shape: tuple[int, ...], texts: int, dimension: int, model: str = ""
    ) -> BadAnswer:
        return BadAnswer(
            "{name} returned {shape} numbers for {texts} texts, where {texts} x {dimension} were "
            "expected. Was another model put behind this name, or does it not take the option "
            "dimensions? Then restart, and run `python -m ingest reindex`.",
            "{name} 对 {texts} 段文本返回了 {shape} 个数值，应为 {texts} x {dimension}。该名称下"
            "是否换了模型，或模型不支持 dimensions 选项？若是，请重启并运行 "
            "`python -m ingest reindex`。",
            name=self._name if not model else f"{self.service.target.provider.name}:{model}",
            shape=" x ".join(map(str, shape)),
            texts=texts,
            dimension=dimension,
        )


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def _short(text: str) -> str:
    if len(text) <= LONGEST_VALUE and text.isprintable():
        return text
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _sendable(text: str) -> str:
    """Without what can't be sent as UTF-8 (halves of characters, from broken documents)."""
    return text.encode("utf-8", "replace").decode("utf-8")
