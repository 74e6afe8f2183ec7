"""A site that is down, hides behind a login or loses its memory: nothing is removed by mistake."""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.crawl import CrawlEnd, NoPage, Page, fetch_pages
from ingest.crawl.process import Clock
from tests.crawling import Outcome, Reader, ask, crawl_settings, crawlers
from tests.site import Answer, Site, links, redirect, serve

NAMES = [f"/p{n}" for n in range(12)]
needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")


def pages() -> dict[str, object]:
    return {"/": links(*NAMES), **{name: f"<p>{name}</p>" for name in NAMES}}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    settings = crawl_settings(tmp_path_factory.mktemp("first") / "data")
    with serve(pages()) as site:
        reader = Reader(settings, site)
        reader.crawl()
        yield reader


@pytest.fixture
def reader(first: Reader, tmp_path: Path) -> Reader:
    """What the first crawl left, for one test alone."""
    shutil.copytree(first.settings.data_dir, tmp_path / "data")
    first.site.pages.clear()
    first.site.pages.update(pages())  # type: ignore[arg-type]
    first.site.forget()
    settings = replace(first.settings, data_dir=tmp_path / "data")
    return Reader(settings, first.site, dict(first.texts))


def again(reader: Reader, **options: object) -> Outcome:
    reader.site.forget()
    return reader.crawl(**options)


def spoil(site: Site, kind: str) -> None:
    if kind == "5xx":
        site.pages.update({name: Answer("down", 503) for name in ("/", *NAMES)})
    elif kind == "robots":
        site.pages["/robots.txt"] = Answer("down", 500)
    elif kind == "silent":
        site.pages["/robots.txt"] = Answer(wait=threading.Event())
    elif kind == "start":
        del site.pages["/"]
    elif kind == "pages":
        site.pages.update({name: Answer("down", 500) for name in NAMES[:7]})
        del site.pages["/p9"]


@pytest.mark.parametrize(
    ("kind", "reason", "words"),
    [
        ("5xx", "down", "answered 503, a fault of the site"),
        ("robots", "down", "robots.txt can't be had (HTTP 500)"),
        ("silent", "down", "robots.txt can't be had"),
        ("start", "down", "answered 404"),
        ("pages", "failures", ""),
    ],
)
def test_a_site_that_is_down_removes_nothing(
    reader: Reader, kind: str, reason: str, words: str
) -> None:
    spoil(reader.site, kind)
    came = again(reader, misses=1, timeout=0.3 if kind == "silent" else 30.0)
    assert came.end is not None and (came.end.complete, came.end.reason) == (False, reason)
    assert not came.gone and not came.pages
    if words:
        assert words in came.why("/") and not came.none["/"].harmless
        assert len(reader.site.asked) <= 4  # with robots.txt, the sitemap, a repetition
    with reader.memory() as memory:
        assert all(memory.misses(url) == 0 for url in reader.texts)


@pytest.mark.parametrize("how", ["404", "login", "wall"])
def test_a_site_that_loses_nearly_all_at_once_loses_nothing(reader: Reader, how: str) -> None:
    for name in NAMES[1:]:
        reader.site.pages[name] = {
            "404": Answer("gone", 404),
            "login": redirect("/login"),
            "wall": Answer("<p>We are working on it.</p>"),
        }[how]
    reader.site.pages["/login"] = "<p>Who are you?</p>"
    for _ in range(2 if how == "wall" else 1):
        came = again(reader, misses=1)
        assert came.end is not None and came.end.reason == "vanished" and not came.end.complete
        assert not came.gone
        assert "nothing is removed" in came.why("/") and not came.none["/"].harmless


def test_a_lost_memory_costs_one_full_crawl(reader: Reader) -> None:
    (reader.settings.data_dir / "ingest.db").unlink()
    del reader.site.pages["/p1"]
    came = again(reader)
    assert set(came.pages) == {"/", *NAMES} - {"/p1"}
    assert "missed 1 of 2" in came.why("/p1")  # the knowledge base has it still


def test_a_memory_that_breaks_during_a_crawl_costs_no_crawl(
    reader: Reader, caplog: pytest.LogCaptureFixture
) -> None:
    with reader.memory() as memory:
        memory.begin(reader.texts)
        memory._state._connection.execute("DROP TABLE visits")  # type: ignore[union-attr]
        said = list(fetch_pages(reader.settings, ask(reader.site.url()), memory))
    assert len([each for each in said if isinstance(each, Page)]) == 13
    assert isinstance(said[-1], CrawlEnd) and said[-1].complete
    assert "going on without it" in caplog.text


def test_a_budget_of_time_is_kept_and_the_rest_comes_next_time(
    reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.texts.clear()
    calls: list[int] = []

    def is_over(clock: Clock) -> bool:
        calls.append(len(reader.texts))
        clock.reason = "seconds" if calls[-1] >= 5 else ""
        return bool(clock.reason)

    with monkeypatch.context() as patch:
        patch.setattr(Clock, "is_over", is_over)
        came = again(reader, delay=0.05)
    assert came.end is not None and (came.end.complete, came.end.reason) == (False, "seconds")
    assert len(came.pages) == 5
    rest = again(reader)
    assert len(rest.pages) == 8 and not rest.same


def test_the_clock_tells_why_it_is_over() -> None:
    cancel = threading.Event()
    clock = Clock(None, cancel)
    assert not clock.is_over()
    cancel.set()
    assert clock.is_over() and clock.reason == "cancelled"
    clock = Clock(0.0, None)
    assert clock.is_over() and clock.reason == "seconds"


@needs_proc
def test_a_crawler_that_dies_is_said_and_counts_no_miss(reader: Reader) -> None:
    reader.site.pages["/"] = links("/p1", "/hang")
    reader.site.pages["/hang"] = Answer(wait=threading.Event())
    del reader.site.pages["/p1"]
    with reader.memory() as memory:
        memory.begin(reader.texts)
        messages = fetch_pages(reader.settings, ask(reader.site.url(), misses=1), memory)
        said = [next(messages)]
        for number in crawlers():
            os.kill(number, signal.SIGKILL)
        said += messages
        assert memory.misses(reader.site.url("/p1")) == 0
    (ended,) = [each for each in said if isinstance(each, NoPage) and not each.harmless]
    assert "ended early" in str(ended.error)
    assert isinstance(said[-1], CrawlEnd) and said[-1].reason == "ended"
