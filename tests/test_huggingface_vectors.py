"""``huggingface:`` models on the real libraries: embeddings and rerankers.

``make test-all`` runs these in an environment with the extra.
"""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langchain_core.embeddings import Embeddings
from langchain_tests.integration_tests import EmbeddingsIntegrationTests
from langchain_tests.unit_tests import EmbeddingsUnitTests

from assistant.errors import ModelError, ModelFileError, ModelUnavailable, SettingsError
from assistant.models.embedding.huggingface import open_huggingface
from assistant.models.embedding.model import EmbeddingModel
from assistant.models.embedding.precision import Precision
from assistant.models.embedding.sentence_encoder import SentenceEncoder
from assistant.models.names import Target
from assistant.models.reranking.huggingface import open_cross_encoder
from assistant.providers import PROVIDERS
from assistant.settings import Settings
from tests import huggingface_models as models
from tests.waiting import wait_for

pytestmark = [pytest.mark.huggingface, pytest.mark.anyio, pytest.mark.timeout(600)]

SETTINGS = Settings.load({"HF_ENDPOINT": "http://127.0.0.1:9"}, None)
TEXTS = [
    "The library opens at nine in the morning.",
    "Bread is baked from flour, water and salt.",
    "A cat sleeps on the warm window sill.",
    "Rust checks the borrowing of memory when it compiles.",
    "short",
    "The opening hours of the library are from nine to five on all working days. " * 4,
] * 3


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


def target(model: Path | str, **options: object) -> Target:
    return Target(PROVIDERS["huggingface"], str(model), options=options)


def opened(**options: object) -> EmbeddingModel:
    return open_huggingface(SETTINGS, target(models.minilm(), **options))


@pytest.fixture(scope="module")
def minilm() -> EmbeddingModel:
    return opened()


@pytest.fixture(scope="module")
def encoder() -> Iterator[SentenceEncoder]:
    encoder = SentenceEncoder(target(models.minilm()), models.minilm())
    yield encoder
    encoder.close()


@pytest.fixture(scope="module")
def bare() -> Any:
    """The library itself."""
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(models.minilm()), device="cpu")


def test_vectors_are_the_librarys_own(minilm: EmbeddingModel, bare: Any) -> None:
    found = minilm.embed_passages(TEXTS)
    assert (found.shape, found.dtype, minilm.dimension) == ((18, 384), np.float32, 384)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert np.allclose(found, bare.encode(TEXTS, normalize_embeddings=True), atol=1e-5)
    question = minilm.embed_questions(["When does the library open?"])[0]
    assert int((found @ question)[:6].argmax()) in (0, 5)
    assert (found[:1] @ question)[0] > 0.6


def test_a_vector_does_not_depend_on_its_batch(minilm: EmbeddingModel) -> None:
    together = minilm.embed_passages(TEXTS)
    for index in (0, 4, 5):
        alone = minilm.embed_passages([TEXTS[index]])[0]
        assert float(alone @ together[index]) > 0.99999
    assert np.allclose(opened(batch_size=2).embed_passages(TEXTS), together, atol=1e-5)


@pytest.mark.parametrize(
    ("precision", "least"), [("int8", 0.999), ("uint8", 0.999), ("binary", 0.7), ("ubinary", 0.7)]
)
def test_few_bits_do_not_depend_on_the_call(
    encoder: SentenceEncoder, bare: Any, precision: Precision, least: float
) -> None:
    together = encoder.encode(TEXTS, precision=precision)
    for index in (0, 4):
        alone = encoder.encode([TEXTS[index]], precision=precision)
        # Rounding may fall the other way where the batch changed the last bit of a number.
        assert (alone[0] != together[index]).mean() < 0.02
    if precision == "int8":
        # The trap that this is about: the library's own depends on what else is in the call.
        own = bare.encode(TEXTS, precision="int8", normalize_embeddings=True)
        other = bare.encode(TEXTS[:3], precision="int8", normalize_embeddings=True)
        assert (own[:3] != other).mean() > 0.5
    plain = encoder.encode(TEXTS)
    model = opened(precision=precision)
    assert model.dimension == 384
    assert (model.embed_passages(TEXTS) * plain).sum(axis=1).min() > least
    assert model.fingerprint != opened().fingerprint


def test_small_vectors_need_unit_length() -> None:
    with pytest.raises(SettingsError, match="normalize_embeddings"):
        opened(precision="int8", normalize_embeddings=False)


def test_encode_takes_what_the_librarys_does(encoder: SentenceEncoder, bare: Any) -> None:
    import torch

    whole = encoder.encode(TEXTS[:3])
    one = encoder.encode(TEXTS[0])
    assert one.shape == (384,) and np.allclose(one, whole[0], atol=1e-5)
    assert encoder.encode([]).shape == (0, 384)
    tensor = encoder.encode(TEXTS[:3], convert_to_tensor=True)
    assert isinstance(tensor, torch.Tensor) and tensor.shape == (3, 384)
    rows = encoder.encode(TEXTS[:3], convert_to_numpy=False)
    assert isinstance(rows, list) and isinstance(rows[0], torch.Tensor)
    bits = encoder.encode(TEXTS[:3], precision="ubinary", convert_to_tensor=True)
    assert bits.dtype == torch.uint8 and bits.shape == (3, 48)
    cut = encoder.encode(TEXTS[:3], truncate_dim=64)
    assert np.allclose(np.linalg.norm(cut, axis=1), 1, atol=1e-5) and cut.shape == (3, 64)
    long = encoder.encode(TEXTS[:3], normalize_embeddings=False, device="cpu", batch_size=1)
    assert np.allclose(long, bare.encode(TEXTS[:3]), atol=1e-4)
    prompted = encoder.encode(TEXTS[:3], prompt="query: ")
    assert np.allclose(
        prompted, encoder.encode(["query: " + text for text in TEXTS[:3]]), atol=1e-5
    )
    assert np.allclose(encoder.encode(TEXTS[:3], prompt_name="query"), whole, atol=1e-5)
    with pytest.raises(ModelError, match="nowhere"):
        encoder.encode(TEXTS[:3], prompt_name="nowhere")


def test_the_bar_is_shown_when_asked_for(
    encoder: SentenceEncoder, capfd: pytest.CaptureFixture[str]
) -> None:
    encoder.encode(TEXTS, show_progress_bar=True)
    assert "Batches" in capfd.readouterr().err
    encoder.encode(TEXTS, show_progress_bar=False)
    assert "Batches" not in capfd.readouterr().err


def test_prompts_of_the_options_stand_before_questions_and_passages(minilm: EmbeddingModel) -> None:
    model = opened(query_prompt="ask: ", passage_prompt="read: ")
    plain = minilm.embed_passages(["ask: cat", "read: cat"])
    assert np.allclose(model.embed_questions(["cat"])[0], plain[0], atol=1e-5)
    assert np.allclose(model.embed_passages(["cat"])[0], plain[1], atol=1e-5)
    assert "ask: " in model.fingerprint and "read: " in model.fingerprint


def test_prompts_of_the_models_files_are_used(tmp_path: Path, minilm: EmbeddingModel) -> None:
    own = models.edited(
        models.minilm(),
        tmp_path / "model",
        "config_sentence_transformers.json",
        {"prompts": {"query": "ask: ", "document": "read: "}, "default_prompt_name": "query"},
    )
    model = open_huggingface(SETTINGS, target(own))
    plain = minilm.embed_passages(["ask: cat", "read: cat"])
    assert np.allclose(model.embed_questions(["cat"])[0], plain[0], atol=1e-5)
    assert np.allclose(model.embed_passages(["cat"])[0], plain[1], atol=1e-5)
    # An empty option is a choice, too.
    bare = open_huggingface(SETTINGS, target(own, query_prompt="", passage_prompt=""))
    assert np.allclose(bare.embed_questions(["cat"]), minilm.embed_questions(["cat"]), atol=1e-5)


def test_fewer_dimensions(minilm: EmbeddingModel) -> None:
    model = opened(dimensions=128)
    found = model.embed_passages(TEXTS[:2])
    assert found.shape == (2, 128)
    cut = minilm.embed_passages(TEXTS[:2])[:, :128]
    assert np.allclose(found, cut / np.linalg.norm(cut, axis=1, keepdims=True), atol=1e-5)
    with pytest.raises(SettingsError, match="vectors of 384 numbers"):
        opened(dimensions=512)


def test_the_fingerprint_is_the_weights_not_their_place(tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere"
    shutil.copytree(models.minilm(), moved)
    (moved / "README.md").write_text("new", "utf-8")
    mine, same = opened(), open_huggingface(SETTINGS, target(moved))
    assert mine.fingerprint == same.fingerprint
    assert ";384;float32;cosine;" in mine.fingerprint
    pooling = moved / "1_Pooling" / "config.json"
    values = json.loads(pooling.read_text("utf-8"))
    values |= {"pooling_mode_mean_tokens": False, "pooling_mode_cls_token": True}
    pooling.write_text(json.dumps(values), "utf-8")
    assert open_huggingface(SETTINGS, target(moved)).fingerprint != mine.fingerprint
    assert opened(max_length=64).fingerprint != mine.fingerprint


def test_tokens_are_counted_in_full(minilm: EmbeddingModel) -> None:
    assert minilm.count_tokens("") == 0
    assert minilm.count_tokens("The library opens.") == 4
    assert minilm.count_tokens("word " * 3000) == 3000


def test_a_text_that_is_cut_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    model = opened()
    with caplog.at_level(logging.WARNING, "assistant"):
        model.embed_passages(TEXTS)
        assert caplog.records == []
        model.embed_passages(["word " * 400])
        model.embed_passages(["word " * 500])
    (record,) = caplog.records
    assert "reads 256 tokens of a text, and one has 402" in record.getMessage()


def test_the_length_may_be_chosen(minilm: EmbeddingModel) -> None:
    text = "word " * 20 + "library " * 20
    cut = opened(max_length=22).embed_passages([text])
    assert np.allclose(cut, minilm.embed_passages(["word " * 20]), atol=1e-5)
    with pytest.raises(SettingsError, match="reads 512 tokens at most"):
        opened(max_length=1024)


def test_a_question_does_not_wait_for_an_ingest(minilm: EmbeddingModel) -> None:
    """The passages' model is held up in the middle of a batch."""
    passages = _encoder_of(minilm.passages)
    inside, go_on = threading.Event(), threading.Event()

    def hold(*_: object) -> None:
        inside.set()
        assert go_on.wait(60)

    hook = passages.model[0].register_forward_hook(hold)
    ingest = threading.Thread(target=minilm.embed_passages, args=(TEXTS,))
    ingest.start()
    assert inside.wait(60)
    assert minilm.embed_questions(["When does the library open?"]).shape == (1, 384)
    assert minilm.count_tokens("word") == 1
    assert ingest.is_alive()
    go_on.set()
    ingest.join()
    hook.remove()


def test_both_handles_share_the_weights(minilm: EmbeddingModel) -> None:
    one, two = _encoder_of(minilm.passages).model, _encoder_of(minilm.queries).model
    assert one is not two
    pairs = zip(one.parameters(), two.parameters(), strict=True)
    assert all(a.data_ptr() == b.data_ptr() for a, b in pairs)


def test_many_threads_get_their_own_vectors(minilm: EmbeddingModel) -> None:
    expected = minilm.embed_questions(TEXTS[:6])
    wrong: list[int] = []

    def ask(index: int) -> None:
        for _ in range(5):
            passage = minilm.embed_passages([TEXTS[index]])[0]
            question = minilm.embed_questions([TEXTS[index]])[0]
            if min(passage @ expected[index], question @ expected[index]) < 0.9999:
                wrong.append(index)
            minilm.count_tokens(TEXTS[index])

    threads = [threading.Thread(target=ask, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_several_devices_have_a_process_each_started_once(minilm: EmbeddingModel) -> None:
    model = opened(devices=["cpu", "cpu"], chunk_size=3)
    assert model.batch_size == 6
    found = model.embed_passages(TEXTS)
    assert np.allclose(found, minilm.embed_passages(TEXTS), atol=1e-5)
    processes = _processes(model)
    assert len(processes) == 2
    model.embed_passages(TEXTS)
    assert _processes(model) == processes
    assert np.allclose(model.embed_questions(TEXTS[:2]), found[:2], atol=1e-5)  # in this process
    model.close()
    wait_for(lambda: not any(map(_is_running, processes)))


def test_a_process_that_dies_is_an_error_and_is_replaced() -> None:
    model = opened(devices=["cpu"])
    model.embed_passages(TEXTS[:2])
    (process,) = _processes(model)
    os.kill(process, signal.SIGKILL)
    with pytest.raises(ModelUnavailable, match="fewer devices"):
        model.embed_passages(TEXTS)
    assert model.embed_passages(TEXTS).shape == (18, 384)
    model.close()


def test_the_processes_give_what_is_asked_for(encoder: SentenceEncoder) -> None:
    import torch

    two = ["cpu", "cpu"]
    tensor = encoder.encode(TEXTS, device=two, convert_to_tensor=True, chunk_size=4)
    assert isinstance(tensor, torch.Tensor) and tensor.shape == (18, 384)
    rows = encoder.encode(TEXTS, device=two, convert_to_numpy=False)
    assert isinstance(rows, list) and len(rows) == 18
    assert (encoder.encode(TEXTS, device=two, precision="int8") == encoder.encode(
        TEXTS, precision="int8")).mean() > 0.98  # fmt: skip
    assert encoder.encode([], device=two).shape == (0, 384)
    own = encoder.model.start_multi_process_pool(["cpu"])
    try:
        found = encoder.encode(TEXTS, pool=own, chunk_size=5)
    finally:
        encoder.model.stop_multi_process_pool(own)
    assert np.allclose(found, encoder.encode(TEXTS), atol=1e-5)


def test_what_cannot_be_loaded_says_why(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"no config\.json"):
        open_huggingface(SETTINGS, target(tmp_path))
    odd = models.edited(models.minilm(), tmp_path / "odd", "config.json", {"model_type": "x9"})
    with pytest.raises(ModelFileError, match="can't be loaded"):
        open_huggingface(SETTINGS, target(odd))
    with pytest.raises(SettingsError, match="no device cuda:7"):
        opened(device="cuda:7")
    with pytest.raises(SettingsError, match="no device gpu"):
        opened(devices=["cpu", "gpu"]).embed_passages(TEXTS)


def test_running_out_of_memory_is_told(minilm: EmbeddingModel) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate")

    hook = _encoder_of(minilm.passages).model[0].register_forward_pre_hook(fail)
    with pytest.raises(ModelError, match="not enough memory"):
        minilm.embed_passages(TEXTS)
    hook.remove()


@pytest.fixture(scope="module")
def crossed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return models.cross_encoder(tmp_path_factory.mktemp("cross") / "model")


def test_a_cross_encoder_ranks_by_its_own_scores(crossed: Path) -> None:
    """Against the model computed by hand."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    question, texts = "When does the library open?", TEXTS[:6]
    tokenizer = AutoTokenizer.from_pretrained(crossed)
    model = AutoModelForSequenceClassification.from_pretrained(crossed).eval()
    scores = []
    for text in texts:
        with torch.inference_mode():
            pair = tokenizer(question, text, return_tensors="pt", truncation=True)
            scores.append(float(torch.sigmoid(model(**pair).logits)[0, 0]))
    assert max(scores) - min(scores) > 0.01
    reranker = open_cross_encoder(SETTINGS, target(crossed, batch_size=2))
    found = reranker.rank(question, texts, 4)
    best = sorted(range(6), key=lambda index: -scores[index])[:4]
    assert [index for index, _ in found] == best
    assert [score for _, score in found] == pytest.approx([scores[i] for i in best], abs=1e-4)
    assert all(0 < score < 1 for _, score in found)
    assert reranker.rank(question, [], 3) == []
    assert len(reranker.rank(question, texts[:2], 10)) == 2


def test_a_cross_encoder_is_used_by_many_threads(crossed: Path) -> None:
    reranker = open_cross_encoder(SETTINGS, target(crossed, dtype="float32", max_length=64))
    reranker.load()
    expected = reranker.rank("library", TEXTS[:6], 6)
    found: list[list[tuple[int, float]]] = []

    def ask() -> None:
        found.append(reranker.rank("library", TEXTS[:6], 6))

    threads = [threading.Thread(target=ask) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [[index for index, _ in one] for one in found] == [[i for i, _ in expected]] * 6
    reranker.close()


def test_what_is_no_reranker_is_told(tmp_path: Path) -> None:
    classifier = models.cross_encoder(tmp_path / "model", labels=3)
    with pytest.raises(ModelError, match="3 scores for a pair"):
        open_cross_encoder(SETTINGS, target(classifier)).rank("q", ["a"], 1)


class Ours:
    """What LangChain's suites are told."""

    @property
    def embeddings_class(self) -> type[Embeddings]:
        return EmbeddingModel

    @property
    def embedding_model_params(self) -> dict[str, Any]:
        model = _minilm[0]
        names = ("fingerprint", "dimension", "passages", "queries", "count", "batch_size")
        return {name: getattr(model, name) for name in names}


_minilm: list[EmbeddingModel] = []


@pytest.fixture(scope="module", autouse=True)
def _minilm_model(minilm: EmbeddingModel) -> Iterator[None]:
    _minilm.append(minilm)
    yield
    _minilm.clear()


class TestEmbeddingsUnit(Ours, EmbeddingsUnitTests):
    """What can be told without asking."""


class TestEmbeddingsIntegration(Ours, EmbeddingsIntegrationTests):
    """Real vectors."""


def _encoder_of(call: Callable[..., Any]) -> SentenceEncoder:
    """What a call of an :class:`EmbeddingModel` encodes with."""
    cells = [cell.cell_contents for cell in call.__closure__ or ()]
    (found,) = [value for value in cells if isinstance(value, SentenceEncoder)]
    return found


def _processes(model: EmbeddingModel) -> set[int]:
    (pool,) = _encoder_of(model.passages)._pools.values()
    assert pool._executor is not None
    return set(pool._executor._processes)


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
