"""Weights and thresholds of the decision: those that ship, or those of one's own documents."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from assistant.answerability.answered import NAMES as OF_ANSWER
from assistant.answerability.logistic import Feature, Logistic
from assistant.answerability.retrieved import NAMES as OF_SEARCH
from assistant.answerability.retrieved import OF_MODEL
from assistant.errors import AssistantError

VERSION = 1
OWN = "answerability.json"  # in DATA_DIR
SHIPPED = Path(__file__).with_name("shipped.json")
#: The stage before as a feature of the stage after: its log-odds.
RETRIEVAL = "retrieval"

#: Features of each stage; with another embedding model than the one that they were fitted with,
#: those that are not cosines.
BEFORE = OF_SEARCH
BEFORE_ANY = tuple(name for name in OF_SEARCH if name not in OF_MODEL)
AFTER = (RETRIEVAL, *OF_ANSWER)


class CalibrationError(AssistantError):
    """A calibration can't be read or made."""

    kind = "calibration"


@dataclass(frozen=True)
class Stage:
    """A model with the probability of an answer below which the reply is that there is none."""

    model: Logistic
    threshold: float


@dataclass(frozen=True)
class Calibration:
    """What both decisions go by. ``before`` and ``after`` are those for the embedding model in
    use; ``origin`` tells where they come from: "shipped" or the file."""

    before: Stage
    after: Stage
    origin: str = "shipped"


def load_calibration(data_dir: Path, fingerprint: str) -> Calibration:
    """The calibration of ``data_dir`` where there is one, else the one that ships.

    Args:
        fingerprint: of the embedding model in use.

    Raises:
        CalibrationError: the file can't be used; says which one and why.
    """
    own = data_dir / OWN
    if own.exists():
        return _chosen(read(own), fingerprint, str(own))
    return shipped(fingerprint)


@lru_cache(maxsize=4)
def shipped(fingerprint: str = "") -> Calibration:
    """The calibration that ships, for the embedding model ``fingerprint``."""
    return _chosen(read(SHIPPED), fingerprint, "shipped")


def read(path: Path) -> Mapping[str, Any]:
    """A calibration's file, checked.

    Raises:
        CalibrationError: it can't be used.
    """
    try:
        kept = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise _fault(path, str(error), str(error)) from error
    if not isinstance(kept, dict) or kept.get("version") != VERSION:
        raise _fault(path, f'"version" must be {VERSION}', f'"version" 应为 {VERSION}')
    for name, allowed in (
        ("before", BEFORE),
        ("before_any", BEFORE_ANY),
        ("after", AFTER),
        ("after_any", AFTER),
    ):
        _check(path, name, kept.get(name), allowed)
    return kept


def _check(path: Path, name: str, stage: Any, allowed: Sequence[str]) -> None:
    """A stage has a bias, a threshold, and three numbers for each feature."""
    if not isinstance(stage, dict) or not isinstance(stage.get("features"), dict):
        raise _fault(path, f'"{name}" needs "features"', f'"{name}" 缺少 "features"')
    numbers = {f"{name}.bias": stage.get("bias"), f"{name}.threshold": stage.get("threshold")}
    for feature, parts in stage["features"].items():
        where = f"{name}.features.{feature}"
        if feature not in allowed:
            known = ", ".join(allowed)
            raise _fault(path, f"{where} is none of {known}", f"{where} 不在 {known} 之中")
        for part in ("mean", "scale", "weight"):
            numbers[f"{where}.{part}"] = parts.get(part) if isinstance(parts, dict) else None
    for where, value in numbers.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number or not math.isfinite(value):  # type: ignore[arg-type]
            raise _fault(path, f"{where} must be a number", f"{where} 应为数字")
        if where.endswith(".scale") and value <= 0:  # type: ignore[operator]
            raise _fault(path, f"{where} must be above 0", f"{where} 应大于 0")
        if where.endswith(".threshold") and not 0 <= value <= 1:  # type: ignore[operator]
            raise _fault(path, f"{where} must be in 0..1", f"{where} 应在 0 到 1 之间")


def _chosen(kept: Mapping[str, Any], fingerprint: str, origin: str) -> Calibration:
    """The stages for an embedding model: cosines count only where they are the same model's."""
    ending = "" if kept.get("embedding") == fingerprint else "_any"
    return Calibration(_stage(kept[f"before{ending}"]), _stage(kept[f"after{ending}"]), origin)


def _stage(kept: Mapping[str, Any]) -> Stage:
    features = {name: Feature(**parts) for name, parts in kept["features"].items()}
    return Stage(Logistic(float(kept["bias"]), features), float(kept["threshold"]))


def stage_json(stage: Stage) -> dict[str, Any]:
    """A stage as a calibration's file keeps it."""
    return {
        "threshold": stage.threshold,
        "bias": stage.model.bias,
        "features": {name: vars(feature) for name, feature in stage.model.features.items()},
    }


def _fault(path: Path, en: str, zh: str) -> CalibrationError:
    return CalibrationError(
        "The calibration {path} can't be used: {en}. Make it again with python -m "
        "assistant.evaluate calibrate --write, or remove the file to use the one that ships.",
        "校准文件 {path} 无法使用：{zh}。请用 python -m assistant.evaluate calibrate --write "
        "重新生成，或删除该文件以使用自带的校准。",
        path=path,
        en=en,
        zh=zh,
    )
