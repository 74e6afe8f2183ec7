"""The benchmark of the knowledge base runs, and its figures can be true."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.store.__main__ import main
from benchmarks.store.corpus import DIMENSION, Corpus, questions
from benchmarks.store.searching import recall


def test_a_corpus_is_the_beginning_of_a_greater_one() -> None:
    small, great = Corpus(1500), Corpus(3000)
    assert small.texts(0) == great.texts(0)
    assert np.array_equal(small.vectors(0), great.vectors(0))
    matrix = small.matrix()
    assert matrix.shape == (1500, DIMENSION)
    assert np.allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-5)
    assert not np.isclose(small.queries(20) @ matrix.T, 1, atol=1e-3).any()


def test_words_are_as_frequent_as_they_are_called() -> None:
    texts = Corpus(1000).texts(0)
    assert all(250 < len(text) < 600 for text in texts)
    shares = {
        kind: float(np.mean([np.mean([word in text for text in texts]) for word in words]))
        for kind, words in questions(10).items()
    }
    assert shares["rare"] < 0.002
    assert 0.004 < shares["medium"] < 0.03
    assert 0.1 < shares["common"] < 0.4
    assert all(len(text.split()) == 6 for text in questions(10)["6 words"])


def test_recall() -> None:
    assert recall([[1, 2], [3, 4]], [[2, 9], [4, 3]]) == 0.75


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_all_figures_are_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output = tmp_path / "figures.json"
    arguments = ["--sizes", "2000", "--queries", "5", "--folder", str(tmp_path)]
    main([*arguments, "--output", str(output)])
    (result,) = json.loads(output.read_text("utf-8"))
    assert (result["size"], result["kind"]) == (2000, "flat")
    assert result["search"]["recall"]["ours"] == 1
    assert set(result["search"]["waits"]) == {
        *("raw flat", "raw same kind", "wrapper"),
        *("ours: index only", "ours: with exact scores", "ours: whole"),
    }
    assert {name: one["recall"] for name, one in result["filters"].items()} == dict.fromkeys(
        ("source", "path prefix", "field, 1 %", "field, 50 %"), 1
    )
    assert result["keywords"]["common"]["chunks"] > 10 * result["keywords"]["rare"]["chunks"]
    assert set(result["opening"]) == {
        *("ours", "ours, files not cached", "ours, index missing", "wrapper"),
    }
    for one in result["opening"].values():
        assert 0 < one["opened"] < one["answered"] < 30
    shown = capsys.readouterr().out
    assert "wrapper's add and save / our durable add" in shown
    assert "# What 100 chunks cost, by size" in shown
