"""An embedding model and a reranker tried on a question, its answer and something else."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from assistant.errors import BadAnswer
from assistant.models.checking.row import OFF, Finding, Row, tried
from assistant.settings import Settings

QUESTION = "When does the library open? 图书馆几点开门？"
ANSWER = "The library opens at nine in the morning. 图书馆早上九点开门。"
OTHER = "Plants turn light into chemical energy. 植物把光能转化为化学能。"
ENOUGH = 16  # texts, for the speed
UNIT = 1e-3  # lengths may differ so much from 1


def embedding_row(settings: Settings, text: str) -> Row:
    """The embedding model that ``text`` names."""
    # What the cache holds was not made now.
    settings = replace(settings, embedding_model=text, embedding_cache_mb=0)
    return tried("embedding", text, lambda: _embedding(settings))


def _embedding(settings: Settings) -> Finding:
    from assistant.models.embedding.choice import open_embeddings

    model = open_embeddings(settings)
    try:
        passages = model.embed_passages([ANSWER, OTHER])
        [question] = model.embed_questions([QUESTION])
        began = time.monotonic()
        model.embed_passages([f"{uuid.uuid4()} {ANSWER}" for _ in range(ENOUGH)])
        speed = ENOUGH / (time.monotonic() - began)
    finally:
        model.close()
    lengths = np.linalg.norm(np.vstack([passages, question]), axis=1)
    if np.abs(lengths - 1).max() > UNIT:
        raise BadAnswer("The vectors have no unit length.", "向量没有归一化为单位长度。")
    near, far = (float(score) for score in passages @ question)
    if near <= far:
        raise _confused(settings.embedding_model, near, far)
    dimension = int(passages.shape[1])
    return Finding(
        f"{dimension} dimensions, unit length, {speed:.1f} texts/s; a passage that answers scores "
        f"{near:.2f}, another {far:.2f}",
        f"{dimension} 维，单位长度，{speed:.1f} 条/秒；能回答问题的段落得分 {near:.2f}，"
        f"无关段落 {far:.2f}",
        {
            "dimension": dimension,
            "texts_per_second": round(speed, 2),
            "related": round(near, 4),
            "unrelated": round(far, 4),
        },
    )


def rerank_row(settings: Settings, text: str) -> Row:
    """The reranker that ``text`` names; one may do without."""
    if text in ("", "none"):
        return Row("rerank", "none", OFF, Finding("not configured", "未配置"))
    return tried("rerank", text, lambda: _rerank(replace(settings, rerank_model=text)))


def _rerank(settings: Settings) -> Finding:
    from assistant.models.reranking.choice import open_reranker

    reranker = open_reranker(settings)
    if reranker is None:  # what auto found
        return Finding("none found", "未找到")
    began = time.monotonic()
    ranked = reranker.rank(QUESTION, [OTHER, ANSWER, OTHER.upper()], 3)
    seconds = time.monotonic() - began
    scores = dict(ranked)
    if ranked[0][0] != 1:
        raise _confused(settings.rerank_model, scores.get(1, 0.0), ranked[0][1])
    others = max(score for index, score in ranked if index != 1)
    return Finding(
        f"right order in {seconds:.2f} s: the answer scores {scores[1]:.3g}, the next {others:.3g}",
        f"顺序正确，用时 {seconds:.2f} 秒：答案得分 {scores[1]:.3g}，其次 {others:.3g}",
        {"seconds": round(seconds, 3), "related": scores[1], "unrelated": others},
    )


def _confused(model: str, near: float, far: float) -> BadAnswer:
    return BadAnswer(
        "{model} scores a passage that answers the question ({near:.3g}) no higher than another "
        "({far:.3g}): is it a model of this kind, with the right prompts?",
        "{model} 给能回答问题的段落（{near:.3g}）的得分不高于无关段落（{far:.3g}）："
        "它是这一类模型吗？提示前缀正确吗？",
        model=model,
        near=near,
        far=far,
    )


def vector_rows(settings: Settings) -> Iterator[Row]:
    """The embedding model and the reranker of ``.env``."""
    yield embedding_row(settings, settings.embedding_model)
    yield rerank_row(settings, settings.rerank_model)
