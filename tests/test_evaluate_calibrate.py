"""Calibration: fitted on one half, measured on the other, written for the product to use."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assistant.answerability import CalibrationError, before, load_calibration
from assistant.answerability.answered import NAMES
from assistant.answerability.calibration import BEFORE, OWN, shipped
from assistant.evaluate.calibrate import run
from assistant.evaluate.calibrate_figures import auroc, curve, rates, summary, threshold_at
from assistant.evaluate.calibrate_fit import (
    MOST_FALSE,
    Fit,
    final,
    flags,
    folds,
    transferred,
    turns,
    unseen,
)
from assistant.evaluate.calibrate_samples import Sample
from assistant.evaluate.dataset import load
from assistant.evaluate.page.document import html_page
from assistant.evaluate.report import table
from assistant.settings import Settings

THINGS = ("大桥", "隧道", "图书馆", "体育场", "博物馆", "水库")
PLACES = ("星湖", "云顶", "青石", "白沙", "红叶")


def samples(name: str = "tiny", count: int = 240, *, seed: int = 3) -> list[Sample]:
    """Samples whose features tell the truth with some noise; a third has an answer."""
    random = np.random.default_rng(seed)
    made = []
    for n in range(count):
        answerable = n % 3 > 0
        level = 1.0 if answerable else 0.0
        sought = {one: float(random.normal(level, 1.2)) for one in BEFORE}
        told = {one: float(random.normal(level, 0.8)) for one in NAMES} if n % 2 else None
        made.append(Sample(name, f"{name}-{n}", answerable, sought, told))
    return made


def test_figures_of_a_ranking() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    answerable = np.array([True, True, False, True, False, False])
    assert auroc(scores, answerable) == pytest.approx(8 / 9)
    assert threshold_at(scores, answerable, 0.0) == 0.6
    assert rates(scores, answerable, 0.6) == {"refused": 0.6667, "false_refused": 0.0}
    assert rates(scores, answerable, 0.75) == {"refused": 1.0, "false_refused": 0.3333}
    assert summary(scores, answerable)["refused@5%"] == 0.6667
    drawn = curve("tiny", scores, answerable, 0.6)
    points = [(one["false_refused"], one["refused"]) for one in drawn["points"]]
    assert points == sorted(points)
    assert points[0] == (0.0, 0.0)
    assert points[-1] == (1.0, 1.0)
    assert any(one["threshold"] == drawn["threshold"] for one in drawn["points"])


def test_folds_share_each_set_and_class_alike() -> None:
    both = [*samples("a", 60), *samples("b", 30)]
    for seen, others in turns(both, 2):
        assert not {one.id for one in seen} & {one.id for one in others}
        assert len(seen) + len(others) == 90
        for name, answerable, count in (("a", True, 20), ("a", False, 10), ("b", False, 5)):
            assert sum(one.set == name and one.answerable == answerable for one in seen) == count
    assert folds(both, 5) == folds(list(reversed(both)), 5)


@pytest.mark.parametrize("stage", ["before", "after"])
def test_a_stage_is_measured_on_what_it_has_not_seen(stage: str) -> None:
    made = samples()
    scored = unseen(Fit(stage, BEFORE), made)
    answerable = flags(scored.samples)
    assert len(scored.samples) == (240 if stage == "before" else 120)
    assert auroc(scored.scores, answerable) > 0.9
    chosen = rates(scored.scores, answerable, scored.thresholds)
    assert chosen["false_refused"] <= 3 * MOST_FALSE[stage]
    assert chosen["refused"] > 0.2


def test_labels_without_truth_give_no_figures() -> None:
    """What is measured can't come from having seen the labels."""
    made = [
        Sample(one.set, one.id, bool(n % 2), one.sought, one.told)
        for n, one in enumerate(sorted(samples(), key=lambda one: one.sought["terms"] * 1e6 % 1))
    ]
    scored = unseen(Fit("before", BEFORE), made)
    assert 0.35 < auroc(scored.scores, flags(scored.samples)) < 0.65


def test_an_answer_that_admits_is_refused_whatever_the_threshold() -> None:
    made = [
        Sample(one.set, one.id, one.answerable, one.sought, one.told, one.answerable)
        for one in samples(count=120)
    ]
    scored = unseen(Fit("after", BEFORE), made)
    assert (scored.scores[flags(scored.samples)] == 0).all()


def test_the_threshold_keeps_every_set_below_the_most_false_refusals() -> None:
    easy, hard = samples("easy", seed=1), samples("hard", seed=2)
    low = [
        Sample(one.set, one.id, one.answerable, {k: v - 2 for k, v in one.sought.items()}, one.told)
        for one in hard
    ]
    stage = final(Fit("before", BEFORE), [*easy, *low])
    for part in (easy, low):
        false = [
            stage.model.probability(one.sought) < stage.threshold for one in part if one.answerable
        ]
        assert np.mean(false) <= 2 * MOST_FALSE["before"]


def test_a_set_is_scored_by_what_the_others_gave() -> None:
    both = [*samples("a", seed=1), *samples("b", seed=2)]
    scored = transferred(Fit("before", BEFORE), both, "b")
    assert {one.set for one in scored.samples} == {"b"}
    assert auroc(scored.scores, flags(scored.samples)) > 0.9


def write_set(folder: Path, *, unanswerable: Sequence[str] = THINGS[3:]) -> Path:
    """Passages about three things in eight places; asked for these and for ``unanswerable``."""
    corpus, queries, qrels = [], [], ["query-id\tcorpus-id\tscore"]
    for n, place in enumerate(PLACES):
        for m, thing in enumerate(THINGS[:3]):
            id = f"p{n}{m}"
            text = f"{place}{thing}于{1950 + 7 * n + m}年{m + 1}月建成，由第{n + 1}建筑公司施工。"
            corpus.append({"_id": id, "title": "", "text": text})
            queries.append({"_id": f"q{id}", "text": f"{place}{thing}是哪一年建成的？"})
            qrels.append(f"q{id}\t{id}\t1")
        for m, thing in enumerate(unanswerable):
            text = f"{place}{thing}的馆长叫什么名字？"
            row = {"_id": f"no{n}{m}", "text": text, "metadata": {"answerable": False}}
            queries.append(row)
    (folder / "qrels").mkdir(parents=True)
    for name, rows in (("corpus", corpus), ("queries", queries)):
        lines = [json.dumps(row, ensure_ascii=False) + "\n" for row in rows]
        (folder / f"{name}.jsonl").write_text("".join(lines), "utf-8")
    (folder / "qrels" / "dev.tsv").write_text("\n".join(qrels) + "\n")
    return folder


def settings(tmp_path: Path) -> Settings:
    return Settings.load({"DATA_DIR": str(tmp_path / "data")}, None)


def test_a_set_is_calibrated_and_the_product_uses_it(tmp_path: Path) -> None:
    dataset = load(write_set(tmp_path / "tiny"), "dev")
    ours = settings(tmp_path)
    result = run([dataset], ours, write=True)
    (row,) = result["rows"]  # no answers are kept, so only the stage before
    assert (row["category"], row["stage"], row["n"], row["unanswerable"]) == (
        "tiny",
        "before",
        30,
        15,
    )
    assert row["auroc"] > 0.9
    assert result["curves"][0]["points"]
    path = ours.data_dir / OWN
    assert result["written"] == str(path)
    kept: dict[str, Any] = json.loads(path.read_text("utf-8"))
    assert kept["made"]["sets"] == {"tiny": 30}
    own = load_calibration(ours.data_dir, kept["embedding"])
    assert own.origin == str(path)
    assert own.after == shipped(kept["embedding"]).after  # no answers to fit it by
    assert before("?", _Nothing(), own).probability < 0.5
    assert "refused@5%" in "\n".join(table(result))
    assert "Saying that there is no answer" in html_page(result, "en")


class _Nothing:
    candidates = ()


def test_too_few_questions_are_told(tmp_path: Path) -> None:
    dataset = load(write_set(tmp_path / "tiny", unanswerable=THINGS[3:4]), "dev")
    with pytest.raises(CalibrationError, match="15 questions that the documents answer and 5"):
        run([dataset], settings(tmp_path), write=True)
    assert not (settings(tmp_path).data_dir / OWN).exists()
