"""Our models on a real vLLM server: a whole conversation, a stop, each refusal, vectors, rerank."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from assistant import events
from assistant.errors import ContextTooLong, KeyRefused, ModelError, ModelUnknown
from assistant.knowledge.records import NewChunk
from assistant.models.chat.choice import open_chat
from assistant.models.embedding.choice import open_embeddings
from assistant.models.reranking.choice import open_reranker
from assistant.parts import open_parts
from assistant.settings import Settings
from tests.vllm_server import VllmServer, needs_vllm, vllm_server

pytestmark = [pytest.mark.heavy, needs_vllm, pytest.mark.timeout(900)]

GUIDE = {
    "星河7000手册": "星河7000是远山公司制造的便携式光谱仪，重量为1.8千克。"
    "它的电池可用12小时，保修期为三年。",
    "青禾一号": "青禾一号是一种水稻品种，亩产900公斤，生长期为120天。",
    "Crawling": "The crawler visits at most 500 pages of a site by default. It obeys robots.txt.",
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VllmServer]:
    with vllm_server("chat", folder=tmp_path_factory.mktemp("vllm")) as running:
        yield running


def settings(server: VllmServer, folder: Path, **values: str) -> Settings:
    given = {
        "DATA_DIR": str(folder),
        "VLLM_BASE_URL": server.url,
        "VLLM_API_KEY": server.key,
        "CHAT_MODEL": f"vllm:{server.model}",
        "TEMPERATURE": "0",
        "GRACE_SECONDS": "0",
        **values,
    }
    return Settings.load(given, None)


def test_a_conversation_with_citations(server: VllmServer, tmp_path: Path) -> None:
    parts = open_parts(settings(server, tmp_path))
    try:
        for title, text in GUIDE.items():
            vectors = parts.embeddings.embed_passages([text])
            chunk = NewChunk(text, (title,))
            parts.knowledge.add_embedded(
                f"/{title}.md", title, "md", len(text), title, [chunk], vectors
            )
        parts.chat.check()
        assert parts.chat.reading().context_window == 4096
        for question, holds in [
            ("星河7000有多重？", "1.8"),
            ("它的保修期是多久？", "三年"),
            ("How many pages does the crawler visit by default?", "500"),
        ]:
            seen = list(parts.conversation.turn("local", "c", question))
            done = seen[-1]
            assert isinstance(done, events.Done)
            print(f"\n{question} -> {done.answer} {done.timings} {done.tokens}")
            assert holds in done.answer
            assert re.search(r"\[\d\]", done.answer)
            assert done.model == f"vllm:{server.model}" and done.tokens["answer"] > 0
    finally:
        parts.close()


def metric(server: VllmServer, name: str) -> float:
    text = httpx.get(f"{server.root}/metrics", trust_env=False).text
    found = re.findall(rf"^vllm:{name}[^\n]* ([\d.e+]+)$", text, re.MULTILINE)
    return sum(float(value) for value in found)


def test_a_stop_frees_the_server(server: VllmServer, tmp_path: Path) -> None:
    chat = open_chat(settings(server, tmp_path), f"vllm:{server.model}")
    stopped = threading.Event()
    try:
        model = chat.model().bind(stopped=stopped, max_tokens=3000)
        for n, _ in enumerate(model.stream("Count from one to ten thousand.")):
            if n == 3:
                stopped.set()
        until = time.monotonic() + 10
        while metric(server, "num_requests_running") > 0:
            assert time.monotonic() < until, "the server goes on writing"
            time.sleep(0.1)
    finally:
        chat.close()


@pytest.mark.parametrize(
    ("name", "values", "prompt", "kind"),
    [
        ("chat", {"VLLM_API_KEY": "wrong"}, "hi", KeyRefused),
        ("nope", {}, "hi", ModelUnknown),
        ("chat", {}, "word " * 6000, ContextTooLong),
    ],
)
def test_refusals_are_told_apart(
    server: VllmServer,
    tmp_path: Path,
    name: str,
    values: dict[str, str],
    prompt: str,
    kind: type[ModelError],
) -> None:
    chat = open_chat(settings(server, tmp_path, **values), f"vllm:{name}")
    try:
        with pytest.raises(kind) as caught:
            chat.model().invoke(prompt)
        print(f"\n{caught.value.text('zh')}")
    finally:
        chat.close()


def test_vectors(tmp_path: Path) -> None:
    with vllm_server("tiny-embed", folder=tmp_path) as server:
        known = settings(server, tmp_path, EMBEDDING_MODEL=f"vllm:{server.model}")
        model = open_embeddings(known)
        try:
            vectors = model.embed_passages([f"text {n}" for n in range(150)])
            assert vectors.shape == (150, model.dimension)
            assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
            again = model.embed_passages(["text 149"])
            assert float(again[0] @ vectors[149]) > 0.999
            with pytest.raises(ModelError, match="1 of 2"):
                model.embed_passages(["short", "word " * 9000])
        finally:
            model.close()


def test_rerank(tmp_path: Path) -> None:
    with vllm_server("tiny-rerank", folder=tmp_path) as server:
        known = settings(server, tmp_path, RERANK_MODEL=f"vllm:{server.model}")
        reranker = open_reranker(known)
        assert reranker is not None
        ranked = reranker.rank("what?", ["a", "b b", "c c c"], 2)
        assert len(ranked) == 2 and ranked[0][1] >= ranked[1][1]
        assert {index for index, _ in ranked} <= {0, 1, 2}
