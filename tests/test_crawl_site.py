"""One crawl over a site with everything on it that a web site can do to a crawler."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ingest.crawl import CrawlEnd
from tests.crawling import MEGABYTE, Outcome, ask, crawl, crawl_settings
from tests.samples import docx_bytes, pdf_bytes
from tests.site import Answer, Site, dripping, links, redirect, serve

WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
ROBOTS = "User-agent: *\nDisallow: /secret\nDisallow: /?print\n"


@dataclass
class Crawled:
    site: Site
    other: Site
    came: Outcome


def busy_once() -> object:
    """Asks for a pause at first, then there."""
    times: list[str] = []

    def answer(target: str) -> Answer:
        times.append(target)
        if len(times) == 1:
            return Answer("busy", 429, headers={"Retry-After": "1"})
        return Answer("<p>there</p>")

    return answer


def endless(stop: object) -> Iterator[bytes]:
    while True:
        yield b"x" * 65536


def pages_of(other: Site) -> dict[str, object]:
    good = (
        *("a.html", "/a.html#section", "A.pdf", "/b.docx", "/c.md", "/moved", "/?q=1#x"),
        *(
            "/session;jsessionid=1F?utm_source=x&b=2",
            "/session?b=2&PHPSESSID=9",
            "/%7Etilde/%e4%b8%ad",
        ),
        *("/canonical?from=here", "/based", "/gb18030", "/refresh", "/busy", "/zip.zip"),
    )
    left_out = (
        *("/secret/x.html", "/away", "/video", "/noindex", "/nofollow", "/private", "/picture.png"),
        *(
            "/headernoindex",
            "/otherbot",
            "/follow-me",
            "/noindexbot",
            "mailto:a@b",
            "javascript:x()",
        ),
        *("ftp://127.0.0.1/x", other.url("/linked"), "//127.0.0.1:99999/x", "/english", "data:,x"),
    )
    faults = (
        *("/missing", "/broken", "/circle", "/big", "/huge", "/bomb", "/error.json", "/login"),
        *("/slow", "/cut", "/badgzip", "/nul", "/empty"),
    )
    return {
        "/robots.txt": Answer(ROBOTS, content_type="text/plain"),
        "/": links(*good, *left_out, *faults),
        "/a.html": links("/deep.html", "/"),
        "/deep.html": links("/too-deep.html"),
        "/too-deep.html": "too deep",
        "/A.pdf": Answer(pdf_bytes([["第一页上的文字在这里"]]), content_type="application/pdf"),
        "/b.docx": Answer(docx_bytes(), content_type=WORD),
        "/c.md": Answer("# Markdown\n\ntext", content_type="text/markdown"),
        "/secret/x.html": "secret",
        "/session": "<p>one session</p>",
        "/~tilde/%E4%B8%AD": "<p>tilde</p>",
        "/canonical": '<link rel="canonical" href="/canonical"><p>once</p>',
        "/based": '<base href="/sub/"><a href="leaf">x</a>',
        "/sub/leaf": "<p>leaf</p>",
        "/gb18030": Answer(
            '<meta charset="gb18030"><p>中文</p>'.encode("gb18030"),
            content_type="text/html; charset=iso-8859-1",
        ),
        "/refresh": '<meta http-equiv="Refresh" content="0; url=/refreshed"><p>moving</p>',
        "/refreshed": "<p>refreshed</p>",
        "/busy": busy_once(),
        "/broken": Answer("oops", 500),
        "/moved": redirect("/new.html", 301),
        "/new.html": "<p>new</p>",
        "/away": redirect(other.url("/landed")),
        "/private": redirect("http://169.254.169.254/latest/meta-data"),
        "/circle": redirect("/circle2"),
        "/circle2": redirect("/circle"),
        "/video": Answer(b"\0" * 100, content_type="video/mp4"),
        "/big": Answer(b"x" * (MEGABYTE + 1)),
        "/huge": Answer(pieces=endless),
        "/bomb": Answer(gzip.compress(bytes(8 * MEGABYTE)), headers={"Content-Encoding": "gzip"}),
        "/badgzip": Answer(b"not gzip at all", headers={"Content-Encoding": "gzip"}),
        "/noindex": '<meta name="Robots" content="NOINDEX">' + links("/from-noindex"),
        "/noindexbot": '<meta name="probe" content="none">',
        "/headernoindex": Answer("x", headers={"X-Robots-Tag": "noindex"}),
        "/otherbot": Answer("<p>for another</p>", headers={"X-Robots-Tag": "googlebot: noindex"}),
        "/from-noindex": "<p>followed</p>",
        "/nofollow": '<meta name="robots" content="nofollow">' + links("/unfollowed"),
        "/follow-me": '<a rel="external nofollow" href="/unfollowed">x</a>',
        "/unfollowed": "not followed",
        "/english": '<html lang="en-GB"><p>English</p>' + links("/from-english"),
        "/from-english": "not followed",
        "/error.json": Answer("{}", 403, "application/json"),
        "/login": Answer("who?", 401),
        "/slow": Answer(b"<p>slow", pieces=dripping),
        "/cut": Answer(b"<p>cut", headers={"Content-Length": "500"}),
        "/nul": b"<p>NUL \0 inside</p>".decode() + links("/after-nul"),
        "/after-nul": "<p>found</p>",
        "/empty": "",
        "/zip.zip": Answer(b"PK\x03\x04", content_type="application/zip"),
    }


@pytest.fixture(scope="module")
def crawled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crawled]:
    """One crawl of two levels."""
    settings = crawl_settings(tmp_path_factory.mktemp("crawl") / "data")
    with serve({"/": "other host"}) as other, serve(pages_of(other)) as site:
        request = ask(site.url(), depth=2, timeout=1.2, languages=("zh",), concurrency=8)
        yield Crawled(site, other, crawl(settings, request, site))


GOOD = {
    *("/", "/a.html", "/A.pdf", "/b.docx", "/c.md", "/new.html", "/session?b=2"),
    *("/deep.html", "/from-noindex", "/nofollow", "/follow-me", "/otherbot", "/~tilde/%E4%B8%AD"),
    *("/canonical", "/based", "/sub/leaf", "/gb18030", "/refreshed", "/busy", "/nul"),
    *("/after-nul", "/empty"),
}


def test_the_site_is_crawled_to_its_depth_and_no_further(crawled: Crawled) -> None:
    assert set(crawled.came.pages) == GOOD
    assert [path for path, page in crawled.came.pages.items() if page.is_start] == ["/"]
    assert crawled.site.asked.count("/a.html") == 1
    pdf = crawled.came.pages["/A.pdf"].raw
    assert pdf.data.startswith(b"%PDF") and pdf.media_type == "application/pdf"


def test_the_end_tells_that_the_whole_site_was_seen(crawled: Crawled) -> None:
    end = crawled.came.end
    assert end == CrawlEnd(True, "finished", len(crawled.site.asked))


def test_robots_are_obeyed(crawled: Crawled) -> None:
    assert crawled.site.asked[0] == "/robots.txt"
    assert crawled.site.asked.count("/robots.txt") == 1
    assert crawled.site.headers["/robots.txt"]["User-Agent"] == "Probe/7 (+mailto:a@b.example)"
    for path in ("/secret/x.html", "/unfollowed", "/from-english", "/zip.zip", "/picture.png"):
        assert path not in crawled.site.asked


def test_other_hosts_are_not_followed_nor_redirected_to(crawled: Crawled) -> None:
    assert crawled.other.asked == []
    assert "169.254.169.254" in crawled.came.why("/private")


def test_a_wrong_charset_arrives_as_the_header_says_it(crawled: Crawled) -> None:
    raw = crawled.came.pages["/gb18030"].raw
    assert raw.content_type == "text/html; charset=iso-8859-1"
    assert raw.data.decode("gb18030").endswith("<p>中文</p>")


ROWS = [
    ("/secret/x.html", True, "robots.txt"),
    ("/noindex", True, "noindex"),
    ("/noindexbot", True, "noindex"),
    ("/headernoindex", True, "noindex"),
    ("/?q=1", True, "same page as"),
    ("/english", True, "another language (en-GB)"),
    ("/away", True, "leads away"),
    ("/private", True, "leads away"),
    ("/video", True, "video/mp4"),
    ("/missing", False, "answered 404"),
    ("/broken", False, "answered 500"),
    ("/error.json", False, "answered 403"),
    ("/login", False, "answered 401"),
    ("/circle", False, "in circles"),
    ("/big", False, "MAX_FILE_MB"),
    ("/huge", False, "MAX_FILE_MB"),
    ("/bomb", False, "MAX_FILE_MB"),
    ("/slow", False, "in time"),
    ("/cut", False, "broke off"),
    ("/badgzip", False, "compressed"),
]


@pytest.mark.parametrize(("path", "harmless", "words"), ROWS)
def test_each_page_that_does_not_come_is_said_once(
    crawled: Crawled, path: str, harmless: bool, words: str
) -> None:
    assert crawled.came.said.count(path) == 1
    none = crawled.came.none[path]
    assert none.harmless is harmless
    assert words in none.error.text("en")
    assert crawled.site.url(path) in none.error.text("zh")


def test_nothing_else_is_said(crawled: Crawled) -> None:
    assert set(crawled.came.none) == {path for path, _, _ in ROWS}
