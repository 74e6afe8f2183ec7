"""``python -m ingest reindex``: another embedding model, metric or precision for a collection."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from numpy.typing import ArrayLike

from assistant.knowledge.opening import open_knowledge
from assistant.knowledge.reindex import abandon, reindex
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings
from ingest.outcome import Call, Outcome

_TEXTS = {
    "en": {
        "abandoned": "The unfinished reindex is dropped.",
        "none": "There is no unfinished reindex.",
        "nothing": "{name} is embedded with {model} already.",
        "done": "{name} is now embedded with {model}: {chunks} chunks in {seconds:.1f} s.",
        "set": "Set EMBEDDING_MODEL={embedding} in .env and restart the app: until then it can't "
        "search this collection.",
        "bar": "embedding",
    },
    "zh": {
        "abandoned": "已放弃未完成的重新嵌入。",
        "none": "没有未完成的重新嵌入。",
        "nothing": "知识库 {name} 已由 {model} 嵌入，无需更改。",
        "done": "知识库 {name} 已改由 {model} 嵌入：{chunks} 个片段，用时 {seconds:.1f} 秒。",
        "set": "请在 .env 中设置 EMBEDDING_MODEL={embedding} 并重启应用："
        "在此之前应用无法检索该知识库。",
        "bar": "嵌入",
    },
}


def run(call: Call) -> Outcome:
    """Embed the collection anew with a bar on standard error; interrupted, it goes on next time."""
    words, name = _TEXTS[call.language], call.arguments.collection
    if call.arguments.abandon:
        with call.knowledge() as knowledge:
            is_dropped = abandon(knowledge)
        return Outcome({"abandoned": is_dropped}, [words["abandoned" if is_dropped else "none"]])
    settings = _target(call)
    embeddings = open_embeddings(settings)
    begin = time.monotonic()
    with open_knowledge(settings, embeddings, name) as knowledge:
        embedded = _embed_all(call, knowledge, embeddings, words["bar"])
        chunks = knowledge.stats()[name]["chunks"]
    told = {"name": name, "model": embeddings.fingerprint, "chunks": chunks}
    line = words["done"] if embedded else words["nothing"]
    lines = [line.format(**told, seconds=time.monotonic() - begin)]
    if settings.embedding_model != call.settings.embedding_model:
        lines.append(words["set"].format(embedding=settings.embedding_model))
    data = {"collection": name, "fingerprint": embeddings.fingerprint, "chunks": chunks}
    return Outcome({**data, "embedded": embedded}, lines)


def _target(call: Call) -> Settings:
    chosen = call.arguments.embedding or call.settings.embedding_model
    return replace(call.settings, embedding_model=chosen)


def _embed_all(call: Call, knowledge: KnowledgeBase, embeddings: EmbeddingModel, title: str) -> int:
    """How many chunks were embedded."""
    from tqdm import tqdm

    def embed(texts: Sequence[str]) -> ArrayLike:
        return embeddings.embed_passages(texts)

    work = reindex(
        knowledge,
        embed,
        embeddings.fingerprint,
        metric=call.arguments.metric,
        precision=call.arguments.precision,
    )
    done = 0
    with tqdm(desc=title, delay=0.5) as bar:
        for progress in work:
            bar.total = progress.total
            bar.update(progress.done - bar.n)
            done = progress.done
    return done
