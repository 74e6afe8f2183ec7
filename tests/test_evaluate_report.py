"""Results that are kept: as JSON, and as a page that runs and fetches nothing."""

from __future__ import annotations

import json
import re
import stat
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from assistant.evaluate.__main__ import main
from assistant.evaluate.dataset import Passage, Question
from assistant.evaluate.details import Details, without_details
from assistant.evaluate.page.document import html_page
from assistant.evaluate.page.plots import Curve, Interval, bars, curves, intervals
from assistant.evaluate.page.words import WORDS
from assistant.evaluate.private_files import FileFault, write_private
from tests import commands
from tests.test_evaluate_compare import kept

HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands.prepare(monkeypatch, tmp_path / "data")


def result(**more: Any) -> dict[str, Any]:
    """A result with everything that a page can show."""
    details = Details()
    label = {"form": "last", "leg": "hybrid"}
    bad = Question("q1", f"Why {HOSTILE}", {"p1": 1.0})
    details.add(label, bad, {"recall@5": 0.0, "ndcg@10": 0.0}, ["p2"])
    good = Question("q2", "A good question", {"p1": 1.0})
    details.add(label, good, {"recall@5": 1.0, "ndcg@10": 1.0}, ["p1"])
    passages = [Passage("p1", "", f"wanted {HOSTILE}"), Passage("p2", "", "found instead")]
    row = {"n": 2, "recall@5": 0.5, "ndcg@10": 0.5, "p50_ms": 12.0, "p95_ms": 30.5}
    points = [
        {"threshold": t / 10, "refused": t / 10, "false_refused": (t / 10) ** 2} for t in range(11)
    ]
    return {
        "set": f"tiny {HOSTILE}",
        "n": 2,
        "rows": [
            {"form": "last", "leg": "dense", **row},
            {**label, **row, "citation_precision": 0.96, "citation_recall": 0.87},
        ],
        "curves": [{"name": "all", "points": points, "threshold": 0.42}],
        "details": details.as_json(passages),
        "run": {"made": "2026-01-01", "chat_model": "local:x"},
        **more,
    }


class Page(HTMLParser):
    """The tags of a page, each closed in its order, and its text."""

    VOID = ("meta", "rect", "circle", "line", "polyline")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag != "meta":
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words += data


def test_a_page_shows_everything_and_runs_nothing() -> None:
    text = html_page(result(), "en")
    page = Page(text)
    assert not {"script", "img", "link", "iframe", "object", "form"} & set(page.tags)
    assert not any(name.startswith("on") or name in ("src", "href") for name, _ in page.attributes)
    assert "http://" not in text and "https://" not in text
    assert "default-src 'none'" in text
    assert "prefers-color-scheme: dark" in text
    assert page.tags.count("svg") == 5  # two measures, answers, the curve, times
    assert page.tags.count("article") == 1  # of the two questions, one went wrong
    for told in (f"Why {HOSTILE}", f"wanted {HOSTILE}", "found instead", "local:x"):
        assert told in page.words
    assert "A good question" not in page.words
    assert "4.0% / 20.0%" not in page.words and "16.0% / 40.0%" in page.words


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_is_in_the_readers_language(language: str) -> None:
    text = html_page(result(), language)
    own, other = (1, 0) if language == "zh" else (0, 1)
    assert f"<h1>{WORDS['title'][own]}" in text
    assert WORDS["worst"][own] in text and WORDS["worst"][other] not in text
    assert (f'lang="{"zh-CN" if language == "zh" else "en"}"') in text


@pytest.mark.parametrize(
    "rows",
    [
        [],
        [{"form": "last", "n": 1, "em": 0.5, "rouge_l": 0.7}],
        [{"leg": "ours", "category": "all", "n": 3, "ndcg@10": 0.0, "p50_ms": 0.0, "p95_ms": 0.0}],
        [{"form": "ours", "skipped": {"all": 0.5}, "note": None}],
    ],
)
def test_sections_without_their_figures_are_left_out(rows: list[dict[str, Any]]) -> None:
    page = Page(html_page({"set": "s", "n": 1, "rows": rows}, "en"))
    assert "nan" not in page.words.lower()
    assert "article" not in page.tags


def test_plots_stay_inside_their_drawing() -> None:
    drawn = [
        bars([("a", [("x", 0.0), ("y", 12.5)]), ("b", [("x", 3.0)])], "bars"),
        curves([Curve("c", [(0, 0), (1, 1)], (0.5, 0.9))], "curve", "across", "up"),
        intervals([Interval("d", -0.2, -0.5, 0.1), Interval("e", 0.0, 0.0, 0.0)], "intervals"),
        intervals([Interval("nothing", 0.0, 0.0, 0.0)], "none"),
    ]
    for plot in drawn:
        Page(plot)
        box = re.search(r'viewBox="0 0 (\d+) (\d+)"', plot)
        assert box
        width, height = map(int, box.groups())
        for x in re.findall(r' (?:x|x1|x2|cx)="([\d.-]+)"', plot):
            assert 0 <= float(x) <= width
        for y in re.findall(r' (?:y|y1|y2|cy)="([\d.-]+)"', plot):
            assert 0 <= float(y) <= height


def test_results_are_kept_for_their_owner_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = kept(tmp_path / "a.json", [1.0, 0.5]), kept(tmp_path / "b.json", [1.0, 1.0])
    out, html = tmp_path / "new" / "out.json", tmp_path / "new" / "out.html"
    asked = ["compare", str(one), str(other), "--json", "--out", str(out), "--html", str(html)]
    assert main(asked) == 0
    printed = json.loads(capsys.readouterr().out)
    stored = json.loads(out.read_text("utf-8"))
    assert stored.pop("run")["embedding_model"] == "local:multilingual-e5-small"
    assert stored == printed
    assert Page(html.read_text("utf-8")).tags.count("svg") == 1
    for path in (out, html):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert sorted(file.name for file in out.parent.iterdir()) == ["out.html", "out.json"]


def test_a_file_that_can_not_be_written_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one = kept(tmp_path / "a.json", [1.0])
    assert main(["compare", str(one), str(one), "--html", str(one / "x.html")]) == 1
    assert "can't be written" in capsys.readouterr().err
    with pytest.raises(FileFault):
        write_private(one / "x", "")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a.json"]


def test_details_are_for_files() -> None:
    assert set(without_details(result())) == {"set", "n", "rows", "curves", "run"}
    details = result()["details"]
    assert set(details["passages"]) == {"p1", "p2"}  # of the question that went wrong
    assert details["questions"]["q2"]["text"] == "A good question"
    assert [row["found"] for row in details["scores"]] == [["p2"], ["p1"]]
