"""Which pages of a site a crawl finds, and under which addresses it keeps them."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest

from assistant.settings import Settings
from tests.crawling import Outcome, ask, crawl, crawl_settings
from tests.site import Answer, Site, links, serve


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return crawl_settings(tmp_path_factory.mktemp("crawl") / "data")


def canonical(url: str, text: str) -> str:
    return f'<link rel="canonical" href="{url}"><p>{text}</p>'


def calendar(target: str) -> str:
    """A page for each month, each with a link to the next."""
    year, month = map(int, target.rsplit("/", 2)[1:])
    after = f"/cal/{year + month // 12}/{month % 12 + 1}"
    return f"<p>{target}</p>" + links(after)


def growing(target: str) -> str:
    """A relative link that makes the path longer each time."""
    return f"<p>{target}</p>" + links("more/leaf/")


TRAPS: dict[str, object] = {
    "/traps": links("/cal/2026/1", "/faceted", "/growing/leaf/", "/blog/2026/05/12/first-post"),
    **{f"/cal/{year}/{month}": calendar for year in range(2026, 2040) for month in range(1, 13)},
    "/faceted": links(*[f"/list?sort={n}&colour=red" for n in range(150)]),
    "/list": lambda target: f"<p>{target}</p>",
    "/growing/leaf/": growing,
    **{"/growing/leaf/" + "more/leaf/" * n: growing for n in range(1, 30)},
    "/blog/2026/05/12/first-post": "<p>a post</p>",
}


def canonical_pages(site: Site, other: Site) -> dict[str, object]:
    return {
        "/canonical": links("/v?a=1", "/v?a=2", "/list1?p=1", "/list1?p=2", "/mirror", "/lost/a"),
        "/v": lambda target: canonical("/v", "one text"),
        # Pages of their own that give the first one as theirs.
        "/list1": lambda target: canonical("/list1", target),
        "/mirror": canonical(other.url("/mirror"), "kept here"),
        "/lost/a": canonical("/", "names the home page"),
    }


@pytest.fixture(scope="module")
def came(settings: Settings) -> Iterator[Outcome]:
    """One crawl over everything here that needs no options of its own."""
    with serve({}) as other, serve({}) as site:
        site.pages.update(TRAPS)  # type: ignore[arg-type]
        site.pages.update(canonical_pages(site, other))  # type: ignore[arg-type]
        loop = '<meta http-equiv="refresh" content="0;url={}">'
        site.pages |= {
            "/": links("/traps", "/canonical", "/refresh-a", "/refresh-away", "/map-only", "/late"),
            "/refresh-a": loop.format("/refresh-b"),
            "/refresh-b": loop.format("/refresh-a"),
            "/refresh-away": loop.format(other.url("/x")),
            "/late": '<meta http-equiv="refresh" content="600"><p>a news page</p>',
            "/robots.txt": f"Sitemap: {site.url('/index-of-maps.xml')}",
            "/index-of-maps.xml": (
                f"<sitemapindex><sitemap><loc>{site.url('/map.xml.gz')}</loc></sitemap>"
                f"<sitemap><loc>{site.url('/map.txt')}</loc></sitemap>"
                f"<sitemap><loc>{site.url('/broken.xml')}</loc></sitemap></sitemapindex>"
            ),
            "/map.xml.gz": Answer(
                gzip.compress(
                    f"<urlset><url><loc>{site.url('/from-gz')}</loc></url></urlset>".encode()
                ),
                content_type="application/gzip",
            ),
            "/map.txt": f"{site.url('/from-text')}\n{other.url('/elsewhere')}\n",
            "/broken.xml": "<urlset><url><loc>",
            "/from-gz": "<p>gz</p>",
            "/from-text": "<p>text</p>",
        }
        request = ask(site.url(), depth=200, pages=1000, concurrency=8)
        yield crawl(settings, request, site)
        assert other.asked == []


def test_pages_are_found_in_sitemaps(came: Outcome) -> None:
    assert {"/from-gz", "/from-text"} <= set(came.pages)
    assert came.none["/broken.xml"].harmless and "can't be used" in came.why("/broken.xml")


def test_traps_are_left_and_said_once_each(came: Outcome) -> None:
    assert sum(path.startswith("/cal/") for path in came.pages) == 100
    assert sum(path.startswith("/list?") for path in came.pages) == 100
    assert sum(path.startswith("/growing/") for path in came.pages) < 6
    assert "/blog/2026/05/12/first-post" in came.pages
    rows = {
        kind: [path for path, none in came.none.items() if words in none.error.text("en")]
        for kind, words in (
            ("calendar", "as in a calendar"),
            ("variants", "different queries of one path"),
            ("repeating", "repeats itself"),
        )
    }
    assert all(len(paths) == 1 for paths in rows.values()), rows
    assert all(came.none[paths[0]].harmless for paths in rows.values())
    assert "include pattern" in came.why(rows["variants"][0])
    assert came.end is not None and came.end.complete


def test_canonical_addresses_count_where_no_page_is_lost(came: Outcome) -> None:
    assert "/v" in came.pages and not {"/v?a=1", "/v?a=2"} & set(came.pages)
    (twin,) = {"/v?a=1", "/v?a=2"} & set(came.none)
    assert "same page as" in came.why(twin)
    assert len({"/list1", "/list1?p=1", "/list1?p=2"} & set(came.pages)) == 2
    assert {"/mirror", "/lost/a"} <= set(came.pages)


def test_pages_that_lead_on_by_themselves_are_redirects(came: Outcome) -> None:
    assert "in circles" in came.why("/refresh-a")
    assert "leads away" in came.why("/refresh-away")
    assert "/late" in came.pages and not {"/refresh-a", "/refresh-b"} & set(came.pages)


def test_patterns_say_what_is_asked_for(settings: Settings) -> None:
    names: list[str] = [
        "/docs/a",
        "/docs/old/b",
        "/docs/a?print=1",
        "/blog/c",
        "/docs/d.zip",
        "/api/x",
    ]
    pages = {"/": links(*names), **{name: f"<p>{name}</p>" for name in names}}
    pages["/docs/d.zip"] = Answer(b"PK\x03\x04", content_type="application/zip")
    with serve(pages) as site:
        request = ask(
            site.url(), include=("/docs/**", "re:^/api/.$"), exclude=("**/old/**", "*print=1")
        )
        came = crawl(settings, request, site)
        assert not {"/blog/c", "/docs/old/b", "/docs/a?print=1"} & set(site.asked)
    # An archive is asked for where a pattern names it.
    assert set(came.pages) == {"/docs/a", "/api/x", "/docs/d.zip"}
    assert came.none["/"].harmless and "not among the pages" in came.why("/")


def test_a_prefix_keeps_to_a_part_of_the_site_and_there_may_be_several_starts(
    settings: Settings,
) -> None:
    pages = {
        "/docs/": links("/docs/a", "/blog/b", "/docs-old/"),
        "/docs/a": "<p>a</p>",
        "/docs/second": links("/docs/c"),
        "/docs/c": "<p>c</p>",
    }
    with serve(pages) as site:
        request = ask(site.url("/docs/"), more_urls=(site.url("/docs/second"),), prefix="/docs/")
        came = crawl(settings, request, site)
        assert not {"/blog/b", "/docs-old/"} & set(site.asked)
    assert set(came.pages) == set(pages)
    assert {path for path, page in came.pages.items() if page.is_start} == {
        "/docs/",
        "/docs/second",
    }


def test_other_languages_are_left_out_but_for_the_start(settings: Settings) -> None:
    def said(language: str, text: str) -> str:
        return f'<html lang="{language}"><body><p>{text}</p>'

    pages = {
        "/": said("en", "hello") + links("/zh", "/en", "/none", "/header"),
        "/zh": said("zh-Hans", "你好"),
        "/en": said("en", "more") + links("/en2"),
        "/none": "<p>?</p>",
        "/header": Answer("<p>bonjour</p>", headers={"Content-Language": "fr"}),
    }
    with serve(pages) as site:
        came = crawl(settings, ask(site.url(), languages=("zh",)), site)
        assert site.headers["/zh"]["Accept-Language"].startswith("zh")
        assert "/en2" not in site.asked
    assert set(came.pages) == {"/zh", "/none"}
    assert set(came.none) == {"/", "/en", "/header"}
    assert "another language (fr)" in came.why("/header")


def test_pages_flow_with_their_links_in_depth(settings: Settings) -> None:
    """How deep a page lies does not depend on which of two answers comes first."""
    pages = {
        "/": links("/long", "/short"),
        "/long": links("/long2"),
        "/long2": links("/goal"),
        "/short": links("/goal"),
        "/goal": links("/after-goal"),
        "/after-goal": "<p>x</p>",
    }
    with serve(pages) as site:
        came = crawl(settings, ask(site.url(), depth=3), site)
    assert "/after-goal" in came.pages


def test_the_memory_of_a_crawl_is_bounded(tmp_path: Path) -> None:
    from ingest.crawl.frontier import LEAST_URLS, Frontier
    from ingest.crawl.scope import Scope

    frontier = Frontier(Scope(("http://h/",)), pages=1, depth=9)
    frontier.add([f"http://h/page-{n}x" for n in range(LEAST_URLS + 50)])
    assert len(frontier.asked) == LEAST_URLS and frontier.is_cut
    assert [reason for _, reason, _ in frontier.trapped] == ["links"]
