"""Weights and thresholds: fitted, kept in a file, and refused where the file is broken."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.answerability import CalibrationError, load_calibration
from assistant.answerability.calibration import (
    AFTER,
    BEFORE,
    BEFORE_ANY,
    OWN,
    SHIPPED,
    read,
    shipped,
    stage_json,
)
from assistant.answerability.logistic import balanced, fit
from assistant.answerability.retrieved import OF_MODEL

E5 = "multilingual-e5-small;q4;384;cosine;query:/passage:"


def sample(seed: int = 0, count: int = 400) -> tuple[list[dict[str, float]], Any]:
    """Rows in which "good" tells the truth, "noise" nothing and "flat" never varies."""
    random = np.random.default_rng(seed)
    answerable = random.random(count) < 0.7
    rows = [
        {
            "good": float(random.normal(1.0 if one else 0.0)),
            "noise": float(random.normal()),
            "flat": 1.0,
        }
        for one in answerable
    ]
    return rows, answerable


def test_a_fit_finds_what_tells_and_is_the_same_each_time() -> None:
    rows, answerable = sample()
    model = fit(rows, answerable, ("good", "noise", "flat"))
    assert model.features["good"].weight > 0.7
    assert "flat" not in model.features
    assert model == fit(rows, answerable, ("good", "noise", "flat"))
    assert model.probability({"good": 3.0}) > 0.8 > 0.2 > model.probability({"good": -3.0})
    assert next(iter(model.parts({"good": 3.0, "noise": 0.0}))) == "good"


def test_a_weight_below_zero_is_left_out() -> None:
    rows, answerable = sample()
    turned = [{"bad": -row["good"], "noise": row["noise"]} for row in rows]
    assert "bad" not in fit(turned, answerable, ("bad", "noise")).features


def test_both_classes_weigh_the_same() -> None:
    answerable = np.array([True, True, True, False])
    weights = balanced(answerable, 8.0)
    assert weights[answerable].sum() == weights[~answerable].sum() == 4.0


def test_what_ships_can_be_read_and_knows_its_embedding_model() -> None:
    kept = read(SHIPPED)
    assert kept["embedding"] == E5
    known, other = shipped(E5), shipped("another;768")
    assert known.origin == other.origin == "shipped"
    assert set(known.before.model.features) & set(OF_MODEL)
    assert set(other.before.model.features) <= set(BEFORE_ANY)
    assert set(known.after.model.features) <= set(AFTER)
    for stage in (known.before, known.after, other.before, other.after):
        assert stage.model.features
        assert 0 < stage.threshold < 1


def test_a_calibration_of_ones_own_wins(tmp_path: Path) -> None:
    assert load_calibration(tmp_path, E5) == shipped(E5)
    kept = json.loads(SHIPPED.read_text("utf-8"))
    kept["before"]["threshold"] = 0.77
    (tmp_path / OWN).write_text(json.dumps(kept))
    own = load_calibration(tmp_path, E5)
    assert own.before.threshold == 0.77
    assert own.origin == str(tmp_path / OWN)
    assert load_calibration(tmp_path, "another").before.threshold != 0.77


def test_a_stage_is_kept_as_it_is() -> None:
    stage = shipped(E5).before
    assert json.loads(SHIPPED.read_text("utf-8"))["before"] == stage_json(stage)
    assert set(stage.model.features) <= set(BEFORE)


def broken(*path: str, value: Any) -> str:
    """The file that ships with ``value`` at ``path``."""
    kept = json.loads(SHIPPED.read_text("utf-8"))
    place = kept
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return json.dumps(kept)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{", "Expecting property name"),
        ("[]", '"version" must be 1'),
        ('{"version": 2}', '"version" must be 1'),
        ('{"version": 1}', '"before" needs "features"'),
        (broken("after", value=[]), '"after" needs "features"'),
        (broken("before", "threshold", value=2), "before.threshold must be in 0..1"),
        (broken("before", "bias", value=None), "before.bias must be a number"),
        (broken("before", "bias", value=True), "before.bias must be a number"),
        (broken("after", "bias", value=float("nan")), "after.bias must be a number"),
        (broken("before", "features", "mood", value={}), "before.features.mood is none of"),
        (broken("before_any", "features", "lead", value={}), "before_any.features.lead is none of"),
        (broken("before", "features", "terms", value=3), "before.features.terms.mean must be a"),
        (broken("before", "features", "terms", "scale", value=0), "terms.scale must be above 0"),
    ],
)
def test_a_broken_file_is_named_with_its_fault(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / OWN
    path.write_text(text)
    with pytest.raises(CalibrationError) as caught:
        load_calibration(tmp_path, E5)
    assert expected in str(caught.value)
    assert str(path) in str(caught.value)
    assert str(path) in caught.value.text("zh")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / OWN).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CalibrationError, match=OWN):
        load_calibration(tmp_path, E5)
    (tmp_path / OWN).unlink()
    (tmp_path / OWN).mkdir()
    with pytest.raises(CalibrationError, match=OWN):
        load_calibration(tmp_path, E5)
