"""Coming back to a site: only what changed is fetched, and what is gone is removed."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from ingest.crawl import NoPage, Page, fetch_pages
from tests.crawling import Outcome, Reader, ask, crawl_settings
from tests.site import Answer, Site, links, redirect, serve

#: Pages by the way in which they can be asked for: by their ETag, by their time, not at all.
ETAG = [f"/e{n}" for n in range(8)]
TIME = [f"/t{n}" for n in range(4)]
NONE = [f"/n{n}" for n in range(4)]
NAMES = [*ETAG, *TIME, *NONE]
TWINS = ["/twin", "/copy?a=1"]
EXTRA = ["/bad", "/alone"]


def page(name: str, text: str = "old") -> Answer:
    body = f"<p>{name} {text}</p>"
    if name in TIME:
        return Answer(body, headers={"Last-Modified": f"Tue, 01 Jul 2025 10:00:00 GMT {text}"})
    return Answer(body, headers={} if name in NONE else {"ETag": f'"{text}"'})


def pages() -> dict[str, object]:
    home = Answer(links(*NAMES, *TWINS, *EXTRA), headers={"ETag": '"home"'})
    same = {"/" + name.strip("/").partition("?")[0]: page("/e0") for name in TWINS}
    return {"/": home, **{name: page(name) for name in (*NAMES, *EXTRA)}, **same}


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Reader, Outcome]]:
    """A site after its first crawl."""
    settings = crawl_settings(tmp_path_factory.mktemp("first") / "data")
    with serve(pages()) as site:
        reader = Reader(settings, site, bad={site.url("/bad")})
        yield reader, reader.crawl()


@pytest.fixture
def reader(first: tuple[Reader, Outcome], tmp_path: Path) -> Reader:
    """What the first crawl left, for one test alone."""
    settings = first[0].settings
    shutil.copytree(settings.data_dir, tmp_path / "data")
    site = first[0].site
    site.pages.clear()
    site.pages.update(pages())  # type: ignore[arg-type]
    site.forget()
    settings = replace(settings, data_dir=tmp_path / "data")
    return Reader(settings, site, dict(first[0].texts), set(first[0].bad))


def again(reader: Reader, **options: object) -> Outcome:
    reader.site.forget()
    return reader.crawl(**options)


def test_the_first_crawl_fetches_all(first: tuple[Reader, Outcome]) -> None:
    reader, came = first
    # That /e0 is read before its twins, or one of these before it, is not certain.
    assert {"/", *NAMES[1:], *EXTRA} <= set(came.pages)
    assert len(reader.texts) == 1 + len(NAMES) + 1
    assert not came.same and not came.gone


def test_nothing_is_fetched_where_nothing_changed(reader: Reader) -> None:
    came = again(reader)
    assert not came.pages and not came.gone
    assert len(came.same) == len(reader.texts) and {"/", *NAMES[1:]} <= set(came.same)
    assert came.end is not None and came.end.complete
    assert came.end.requests == len(reader.site.asked)
    assert reader.site.statuses.count(200) == len(NONE)
    assert "could not be read and has not changed" in came.why("/bad")
    assert all(each.harmless for each in came.none.values()) and len(came.none) == 3
    assert sum("same page as" in str(each.error) for each in came.none.values()) == 2


def test_exactly_what_changed_is_touched(reader: Reader) -> None:
    site, names = reader.site, [*ETAG[1:3], *TIME[:2], NONE[0]]
    site.pages.update({name: page(name, "new") for name in names})
    site.pages["/bad"] = page("/bad", "mended")
    site.pages["/added"] = page("/added")
    site.pages["/410"] = site.pages["/e7"] = Answer("gone", 410)
    site.pages["/t3"] = redirect("/t3-moved", 301)
    site.pages["/t3-moved"] = page("/t3", "old")
    site.pages["/n3"] = '<meta name="robots" content="noindex">'
    back = site.pages.pop("/e5")
    del site.pages["/e6"], site.pages["/n2"], site.pages["/alone"]
    kept = [name for name in NAMES if name not in ("/e4", "/n2")]
    site.pages["/"] = Answer(links(*kept, *TWINS, "/bad", "/added"), headers={"ETag": '"2"'})
    reader.bad = set()

    second = again(reader)
    assert set(second.pages) == {"/", *names, "/bad", "/added", "/t3-moved"}
    assert second.gone == ["/e7"]  # 410 is final
    assert "/e4" in second.same  # nothing links to it, yet it is there
    missed = {"/e5", "/e6", "/n2", "/alone", "/t3", "/n3"}
    assert {path for path in second.none if "missed 1 of 2" in second.why(path)} == missed
    assert "it answered 404" in second.why("/e6") and "it leads to" in second.why("/t3")
    assert "not to be indexed" in second.why("/n3")
    assert all(second.none[path].harmless for path in missed)

    site.pages["/e5"] = back
    third = again(reader)
    assert set(third.gone) == missed - {"/e5"} and not third.pages
    assert "/e5" in third.same
    fourth = again(reader)
    assert not fourth.gone and "/n2" not in site.asked
    assert not fourth.pages and "noindex" in fourth.why("/n3")
    assert {url.removeprefix(site.url("")) for url in reader.texts} >= {
        *("/", *names, "/added", "/t3-moved", "/e4", "/e5", "/bad")
    }


def test_a_twin_takes_the_place_of_the_page_before_it_goes(reader: Reader) -> None:
    kept = {url for url in reader.texts if url.endswith(("/e0", "/twin", "/copy?a=1"))}
    assert len(kept) == 1
    gone = kept.pop().removeprefix(reader.site.url(""))
    reader.site.pages[gone] = Answer("gone", 404)
    for _ in range(3):
        came = again(reader)
        held = [url for url in reader.texts if url.endswith(("/e0", "/twin", "/copy?a=1"))]
        assert held
    assert came.same and reader.site.url(gone) not in reader.texts and len(held) == 1


def test_what_leaves_the_scope_goes(reader: Reader) -> None:
    assert again(reader, misses=1, exclude=("/e1", "re:^/t[01]$")).gone == ["/e1", "/t0", "/t1"]
    assert "/e1" not in reader.site.asked


def test_what_the_knowledge_base_lost_is_fetched_whole(reader: Reader) -> None:
    del reader.texts[reader.site.url("/e4")]
    reader.texts[reader.site.url("/e5")] = "other rules"
    assert set(again(reader).pages) == {"/e4", "/e5"}


def test_a_trial_is_not_remembered(reader: Reader) -> None:
    del reader.site.pages["/e1"]
    with reader.memory(is_trial=True) as memory:
        memory.begin(reader.texts)
        said = list(fetch_pages(reader.settings, ask(reader.site.url()), memory))
        assert memory.misses(reader.site.url("/e1")) == 1
    assert sum(isinstance(e, NoPage) and "missed 1 of 2" in str(e.error) for e in said) == 1
    with reader.memory() as memory:
        assert memory.misses(reader.site.url("/e1")) == 0


def test_a_page_that_another_site_of_the_collection_holds_stays(reader: Reader) -> None:
    url = reader.site.url("/e1")
    visit = {"at": url, "etag": "", "modified": "", "body": "", "lastmod": "", "links": ""}
    with reader.memory(reader.site.url("/other")) as other:
        other.start_run(lambda _: True)
        other.remember(url, "stored", "", visit | {"is_listed": False})
        other.stored(url, "hash")
    reader.site.pages["/e1"] = Answer("gone", 410)
    assert again(reader).gone == []
    with reader.memory() as memory:
        assert memory.count_kept() == len(reader.texts) - 1


# Sitemaps


def sitemap(site: Site, *rows: tuple[str, str]) -> Answer:
    urls = "".join(
        f"<url><loc>{site.url(p)}</loc><lastmod>{mod}</lastmod></url>" for p, mod in rows
    )
    schema = "http://www.sitemaps.org/schemas/sitemap/0.9"
    return Answer(f'<urlset xmlns="{schema}">{urls}</urlset>', content_type="application/xml")


def test_what_the_sitemap_says_did_not_change_is_not_asked_for(tmp_path: Path) -> None:
    rows = [(name, "2025-07-01T10:00:00Z") for name in ETAG]
    with serve({name: page(name) for name in ETAG}) as site:
        reader = Reader(crawl_settings(tmp_path), site)
        site.pages["/"] = links("/e1")
        site.pages["/sitemap.xml"] = sitemap(site, *rows)
        assert set(reader.crawl().pages) == {"/", *ETAG}

        # /e2 changed, /e0 and /e1 are no longer listed; /e1 is still linked.
        site.pages["/sitemap.xml"] = sitemap(site, ("/e2", "2026-01-01"), *rows[3:])
        came = again(reader)
        assert set(site.asked) == {"/robots.txt", "/sitemap.xml", "/", "/e0", "/e1", "/e2"}
        assert set(came.same) == {"/", *ETAG[1:]} and not came.pages
        assert "no longer in the sitemap" in came.why("/e0")

        site.pages["/sitemap.xml"] = Answer("down", 500)
        site.pages["/robots.txt"] = Answer(f"Sitemap: {site.url('/sitemap.xml')}")
        came = again(reader, misses=1)
        assert not came.gone and set(came.none) == {"/sitemap.xml"}  # nothing can be told
        assert came.none["/sitemap.xml"].harmless and "HTTP 500" in came.why("/sitemap.xml")

        site.pages["/sitemap.xml"] = sitemap(site, *rows[1:])
        assert again(reader, misses=1).gone == ["/e0"]


# Cut and gone on from


def test_a_crawl_that_was_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    with serve({"/": links(*ETAG), **{name: page(name) for name in ETAG}}) as site:
        site.pages["/e2"] = links("/behind")
        site.pages["/behind"] = "<p>behind</p>"
        reader = Reader(crawl_settings(tmp_path), site)
        with reader.memory() as memory:
            memory.begin({})
            messages = fetch_pages(reader.settings, ask(site.url(), concurrency=1), memory)
            for message in messages:
                assert isinstance(message, Page)
                if len(reader.texts) == 5:
                    break  # one that came, but was not stored
                reader.read(message, memory)
            messages.close()
        done = {url.removeprefix(site.url("")) for url in reader.texts}
        rest = again(reader)
        assert not done & set(site.asked)
        assert set(rest.pages) == {"/", "/behind", *ETAG} - done
        assert rest.end is not None and rest.end.complete
        assert len(again(reader).same) == 10  # the run is over: all are asked for
