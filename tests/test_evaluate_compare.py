"""Two kept results side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from assistant.evaluate.__main__ import main
from assistant.evaluate.compare import run
from assistant.evaluate.dataset import Passage, Question
from assistant.evaluate.details import Details
from tests import commands


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands.prepare(monkeypatch, tmp_path / "data")


def kept(path: Path, scores: Sequence[float], *, details: bool = True, **more: Any) -> Path:
    """A result of one form and leg, whose questions have these measures."""
    label = {"form": "last", "leg": "hybrid"}
    told = Details()
    for place, score in enumerate(scores):
        told.add(label, Question(f"q{place}", "?", {"p": 1.0}), {"mrr": score}, ["p"])
    row = {**label, "n": len(scores), "mrr": round(sum(scores) / len(scores), 4), "p50_ms": 9.0}
    result: dict[str, Any] = {"set": "tiny", "n": len(scores), "rows": [row], **more}
    if details:
        result["details"] = told.as_json([Passage("p", "", "Text.")])
    path.write_text(json.dumps(result), "utf-8")
    return path


def by_measure(result: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {row["measure"]: row for row in result["rows"]}


def test_differences_have_intervals_where_questions_are_known(tmp_path: Path) -> None:
    one = kept(tmp_path / "a.json", [0.2] * 30 + [1.0] * 10)
    other = kept(tmp_path / "b.json", [0.6] * 30 + [1.0] * 9 + [0.5])
    result = run(one, other)
    row = by_measure(result)["mrr"]
    assert (row["a"], row["b"]) == (0.4, 0.6875)
    assert row["difference"] == pytest.approx(0.2875)
    assert 0.2 < row["low"] < row["difference"] < row["high"] < 0.4
    assert (row["better"], row["worse"]) == (30, 1)
    assert row["p"] < 1e-6
    assert result["worse"] == []
    assert run(one, other) == result  # the same resamples each time


def test_no_difference_is_none(tmp_path: Path) -> None:
    one = kept(tmp_path / "a.json", [0.0, 1.0, 1.0])
    row = by_measure(run(one, kept(tmp_path / "b.json", [0.0, 1.0, 1.0])))["mrr"]
    assert (row["low"], row["high"], row["better"], row["worse"], row["p"]) == (0, 0, 0, 0, 1)


def test_a_fall_ends_with_1_only_where_it_is_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = kept(tmp_path / "a.json", [1.0] * 20)
    other = kept(tmp_path / "b.json", [1.0] * 8 + [0.25] * 12)
    asked = ["compare", str(one), str(other)]
    assert main(asked) == 0
    header, row, *_ = capsys.readouterr().out.splitlines()[1:]
    assert header.split()[:6] == ["form", "leg", "measure", "a", "b", "difference"]
    assert row.split()[:6] == ["last", "hybrid", "mrr", "1.000", "0.550", "-0.450"]
    assert main([*asked, "--fail-if-worse"]) == 1
    assert main(["compare", str(other), str(one), "--fail-if-worse"]) == 0


def test_without_questions_a_fall_of_the_mean_counts(tmp_path: Path) -> None:
    one = kept(tmp_path / "a.json", [1.0, 0.5], details=False)
    row = by_measure(run(one, kept(tmp_path / "b.json", [0.5, 0.5], details=False)))["mrr"]
    assert (row["difference"], "low" in row) == (-0.25, False)
    assert run(one, tmp_path / "b.json")["worse"] == ["last hybrid mrr"]


def test_slower_is_not_worse(tmp_path: Path) -> None:
    one, other = (kept(tmp_path / name, [1.0], details=False) for name in ("a.json", "b.json"))
    slow = json.loads(other.read_text("utf-8"))
    slow["rows"][0]["p50_ms"] = 90.0
    other.write_text(json.dumps(slow), "utf-8")
    result = run(one, other)
    assert by_measure(result)["p50_ms"]["difference"] == 81
    assert result["worse"] == []


def test_only_questions_of_both_are_paired(tmp_path: Path) -> None:
    one = kept(tmp_path / "a.json", [0.0, 0.0, 1.0])
    row = by_measure(run(one, kept(tmp_path / "b.json", [1.0])))["mrr"]
    assert (row["better"], row["worse"], row["low"], row["high"]) == (1, 0, 1, 1)


@pytest.mark.parametrize(
    ("text", "english", "chinese"),
    [
        (None, "can't be read as a result", "无法作为评测结果读取"),
        ("{", "can't be read as a result", "无法作为评测结果读取"),
        ("[]", "is not a result", "不是评测结果"),
        ('{"set": "x", "rows": [1]}', "is not a result", "不是评测结果"),
        ('{"set": "other", "n": 1, "rows": []}', "only results of one set", "只能比较同一数据集"),
    ],
)
def test_what_can_not_be_compared_is_said(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    text: str | None,
    english: str,
    chinese: str,
) -> None:
    one, other = kept(tmp_path / "a.json", [1.0]), tmp_path / "b.json"
    if text is not None:
        other.write_text(text, "utf-8")
    assert main(["compare", str(one), str(other)]) == 2
    assert english in capsys.readouterr().err
    monkeypatch.setenv("LANG", "zh_CN.UTF-8")
    assert main(["compare", str(one), str(other)]) == 2
    assert chinese in capsys.readouterr().err
