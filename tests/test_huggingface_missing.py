"""``huggingface:`` models where their packages are not installed, and what needs none of them."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from assistant.errors import ModelFileError, SettingsError
from assistant.models import huggingface
from assistant.models.chat.choice import open_chat
from assistant.models.chat.stop_words import StopWords
from assistant.models.embedding.huggingface import open_huggingface, prompts_of
from assistant.models.embedding.precision import Precision, quantized, restored
from assistant.models.names import Target, resolve
from assistant.models.options import EMBEDDING, RERANK
from assistant.models.reranking.huggingface import open_cross_encoder
from assistant.providers import PROVIDERS
from assistant.settings import ROOT, Settings

SETTINGS = Settings.load({}, None)


def target(model: str, **options: object) -> Target:
    return Target(PROVIDERS["huggingface"], model, options=options)


@pytest.fixture
def without_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the extra isn't installed, wherever the test runs."""
    find = importlib.util.find_spec

    def find_spec(name: str, package: str | None = None) -> object:
        return None if name in huggingface.PACKAGES else find(name, package)

    monkeypatch.setattr(importlib.util, "find_spec", find_spec)


@pytest.fixture
def with_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface, "PACKAGES", ())


@pytest.mark.usefixtures("without_extra")
def test_a_missing_extra_is_said_at_start_with_what_to_install() -> None:
    advice = r"torch, transformers, sentence_transformers.*pip install -r requirements-huggingface"
    with pytest.raises(SettingsError, match=advice) as caught:
        open_chat(SETTINGS, "huggingface:Qwen/Qwen3-1.7B")
    assert "pip install -r requirements-huggingface.txt" in caught.value.text("zh")
    with pytest.raises(SettingsError, match=advice):
        open_huggingface(SETTINGS, resolve(SETTINGS, "hf:BAAI/bge-m3", EMBEDDING))
    with pytest.raises(SettingsError, match=advice):
        open_cross_encoder(SETTINGS, resolve(SETTINGS, "hf:BAAI/bge-reranker-v2-m3", RERANK))


def test_the_file_that_the_advice_names_is_there() -> None:
    named = (ROOT / huggingface.REQUIREMENTS).read_text("utf-8")
    for package in huggingface.PACKAGES:
        assert f"\n{package.replace('_', '-')}~=" in named


def test_no_other_model_imports_the_extra() -> None:
    code = (
        "import sys\nfrom assistant.models.chat.choice import open_chat\n"
        "from assistant.settings import Settings\n"
        "open_chat(Settings.load({}, None), 'vllm:x')\n"
        f"print([name for name in {huggingface.PACKAGES} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.usefixtures("with_extra")
def test_a_name_must_be_a_repositorys_or_a_folders(tmp_path: Path) -> None:
    for name in ("bge-m3", "a/b/c", "a b/c"):
        with pytest.raises(SettingsError, match="ORGANISATION/NAME"):
            huggingface.check_usable(target(name))
    huggingface.check_usable(target("BAAI/bge-m3"))
    with pytest.raises(ModelFileError, match=r"no config\.json"):
        huggingface.check_usable(target(str(tmp_path)))


def test_paths_are_relative_to_the_repository() -> None:
    assert huggingface.own_folder("./models/x") == ROOT / "models" / "x"
    assert huggingface.own_folder("~/x") == Path.home() / "x"
    assert huggingface.own_folder("assistant/models") == ROOT / "assistant" / "models"
    assert huggingface.own_folder("BAAI/bge-m3") is None


@pytest.mark.parametrize(
    ("model", "own", "prompts"),
    [
        ("intfloat/multilingual-e5-base", {}, ("query: ", "passage: ")),
        ("intfloat/multilingual-e5-large-instruct", {}, ("", "")),
        ("BAAI/bge-m3", {"query": "", "document": ""}, ("", "")),
        ("BAAI/bge-large-zh-v1.5", {}, ("为这个句子生成表示以用于检索相关文章：", "")),
        ("a/b", {"query": "Q: ", "document": "", "passage": "P: "}, ("Q: ", "P: ")),
        ("a/e5-base", {"query": "Q: "}, ("Q: ", "")),
    ],
)
def test_prompts_are_the_models_own_else_its_familys(
    model: str, own: dict[str, str], prompts: tuple[str, str]
) -> None:
    assert prompts_of(target(model), own) == prompts
    chosen = target(model, query_prompt="ask: ", passage_prompt="")
    assert prompts_of(chosen, own) == ("ask: ", "")


@pytest.mark.parametrize("precision", ["int8", "uint8", "binary", "ubinary"])
def test_a_vectors_few_bits_do_not_depend_on_its_company(precision: Precision) -> None:
    vectors = _unit(np.random.default_rng(0).normal(size=(64, 384)))
    vectors[1] = _unit(np.eye(384)[:1] + 0.01)  # far out of the others' range
    together = quantized(vectors, precision)
    for row in (0, 1, 63):
        alone = quantized(vectors[row : row + 1], precision)
        assert (alone == together[row]).all()
    assert together.dtype == (np.int8 if precision in ("int8", "binary") else np.uint8)
    assert together.shape == (64, 384 if "int" in precision else 48)


@pytest.mark.parametrize(
    ("precision", "least"), [("int8", 0.9995), ("uint8", 0.9995), ("binary", 0.75)]
)
def test_few_bits_point_where_the_vector_did(precision: Precision, least: float) -> None:
    for dimension in (100, 384, 1024):
        vectors = _unit(np.random.default_rng(1).normal(size=(32, dimension)))
        back = _unit(restored(quantized(vectors, precision), precision, dimension))
        assert back.shape == vectors.shape
        assert (back * vectors).sum(axis=1).min() > least


def test_stop_words_are_found_across_pieces() -> None:
    text = "one two STOP three"
    for size in range(1, len(text)):
        stop, came = StopWords(["STOP", "nothing"]), ""
        for start in range(0, len(text), size):
            came += stop.feed(text[start : start + size])
        assert (came, stop.ended, stop.rest()) == ("one two ", True, "")
    stop = StopWords(["STOP"])
    assert stop.feed("one STO") + stop.rest() == "one STO"
    assert not stop.ended


def _unit(rows: np.ndarray) -> np.ndarray:
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
