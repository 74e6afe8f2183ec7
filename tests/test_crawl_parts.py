"""The parts of the crawler, without a network."""

from __future__ import annotations

import gzip
import re
from datetime import UTC, datetime

import pytest

from assistant.errors import PageError
from ingest.crawl import END_REASONS, REASONS, CrawlRequest
from ingest.crawl.kinds import can_be_read, may_be_read
from ingest.crawl.markup import Markup, header_directives, read_markup, says_other
from ingest.crawl.network import is_public
from ingest.crawl.politeness import retry_after
from ingest.crawl.reasons import MISSES, miss_error, page_error
from ingest.crawl.scope import Scope
from ingest.crawl.sitemaps import SitemapError, read_sitemap, settled
from ingest.crawl.traps import Traps
from ingest.crawl.urls import clean_url, is_variant

# Addresses


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("HTTP://Example.ORG", "http://example.org/"),
        ("https://example.org:443/A?b=C#d", "https://example.org/A?b=C"),
        ("http://user:pw@h:8080/x", "http://h:8080/x"),
        ("http://[::1]:80/", "http://[::1]/"),
        ("http://h:80", "http://h/"),
        ("http://h/%7euser/%e4%b8%ad%2F/a%20b", "http://h/~user/%E4%B8%AD%2F/a%20b"),
        ("http://h/中 文?q=中", "http://h/%E4%B8%AD%20%E6%96%87?q=%E4%B8%AD"),
        ("http://h/100%", "http://h/100%25"),
        ("http://h/a/./b/../c", "http://h/a/c"),
        ("http://h/a;jsessionid=1A?b=1", "http://h/a?b=1"),
        ("http://h/?utm_source=a&x=1&PHPSESSID=2&fbclid=3", "http://h/?x=1"),
        ("http://h/?sid=0123456789abcdef01", "http://h/"),
        ("http://h/story?sid=42", "http://h/story?sid=42"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://h/?", "http://h/"),
        ("http://h/a?b=c+d&e", "http://h/a?b=c+d&e"),
    ],
)
def test_clean_urls(url: str, clean: str) -> None:
    assert clean_url(url) == clean
    assert clean_url(clean) == clean


def test_a_query_is_escaped_in_the_encoding_of_its_page() -> None:
    assert clean_url("http://h/?q=中", "gb18030") == "http://h/?q=%D6%D0"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://h/a/", "https://h/A", True),
        ("http://h/a/index.html", "http://h/a", True),
        ("http://h/a?page=1", "http://h/a", True),
        ("http://h/a", "http://h/b", False),
        ("http://h/a", "http://g/a", False),
        ("http://h/a", "http://h/", False),
    ],
)
def test_forms_of_one_address(one: str, other: str, same: bool) -> None:
    assert is_variant(one, other) is same


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("http://h/docs/a", True),
        ("https://H/docs/", True),
        ("http://www.h/docs/", True),
        ("http://h/blog", False),
        ("http://h:8080/docs/a", False),
        ("http://h.evil/docs/a", False),
        ("http://sub.h/docs/a", False),
        ("http://h@evil/docs/a", False),
        ("ftp://h/docs/a", False),
        ("http://h:x/docs/a", False),
        ("http://h/docs/" + "a" * 2000, False),
    ],
)
def test_scope(url: str, inside: bool) -> None:
    assert (url in Scope(("http://h/docs/",), "/docs/")) is inside


def test_subdomains_belong_to_the_site_where_that_is_asked_for() -> None:
    scope = Scope(("http://www.h.org/",), subdomains=True)
    assert "http://docs.h.org/a" in scope and scope.owns("a.b.h.org")
    assert "http://evilh.org/a" not in scope and not scope.owns("org")


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("http://h/docs/a.html", True),
        ("http://h/docs/deep/a.html", True),
        ("http://h/docs/a.html?print=1", False),
        ("http://h/docs/v1/a.html", False),
        ("http://h/api", False),
        ("http://h/issue/12", True),
    ],
)
def test_patterns(url: str, wanted: bool) -> None:
    scope = Scope(
        ("http://h/",), include=("/docs/**", r"re:/issue/\d+$"), exclude=("**print=*", "docs/v1/*")
    )
    assert scope.wants(url) is wanted


# The network


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "1.1.1.1", "64:ff9b::808:808"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "::1", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "::"),
        *("2002:7f00:1::", "255.255.255.255", "64:ff9b::7f00:1", "::127.0.0.1", "fe80::1%eth0"),
        *("64:ff9b::a9fe:a9fe", "2001:0:7f00:1::1", "240.0.0.1", "192.0.2.1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


# What a page says


def markup(body: str, url: str = "http://h/a/b", **options: str) -> Markup:
    found = read_markup(body.encode(options.get("encoding", "utf-8")), url, "text/html", "probe")
    assert found is not None
    return found


def test_links_are_taken_as_a_browser_takes_them() -> None:
    page = markup(
        "<a href=' c\n.html '>1</a><a href='#x'>2</a><a href='/d#y'>3</a><a href='/d'>4</a>"
        "<area href='e'><frame src='f'><a href='mailto:x@y'>5</a><a href='http://[bad/'>6</a>"
        "<a href='//g/h'>7</a><a rel='NoFollow ugc' href='/no'>8</a><a href='?q=1'>9</a>"
        "<a>10</a><a href='http://h/a/b'>itself</a><a href='HTTPS://H/up'>11</a>"
    )
    assert page.links == [
        *("http://h/a/c.html", "http://h/d", "http://h/a/e", "http://h/a/f", "http://g/h"),
        *("http://h/a/b?q=1", "https://h/up"),
    ]


def test_broken_pages_still_give_their_links() -> None:
    assert (
        markup("<p><a href=x>1<div></p></a>" * 2000 + "<a href='/end'>").links[-1] == "http://h/end"
    )
    assert markup("\0<a href='/a\0b'>x</a>").links == ["http://h/ab"]
    nested = "<div>" * 5000 + "<a href='/deep'>x</a>"
    assert markup(nested).links == ["http://h/deep"]
    assert markup("").links == [] and markup("").language == "" and markup("<!-- -->").links == []


def test_encodings_of_links() -> None:
    body = "<meta charset=gb18030><a href='/中?q=中'>x</a>".encode("gb18030")
    page = read_markup(body, "http://h/", "text/html; charset=gb18030", "probe")
    assert page is not None and page.links == ["http://h/%E4%B8%AD?q=%D6%D0"]
    page = read_markup("<a href='/中'>x</a>".encode("utf-16"), "http://h/", "text/html", "probe")
    assert page is not None and page.links == ["http://h/%E4%B8%AD"]
    assert (
        read_markup(b"<a href=/x>", "http://h/", "text/html; charset=no-such", "probe") is not None
    )


def test_what_is_no_html_is_not_parsed() -> None:
    assert read_markup(b"%PDF", "http://h/", "application/pdf", "probe") is None
    assert read_markup(b"# text", "http://h/", "text/markdown", "probe") is None
    assert read_markup(b"<!DOCTYPE html><p>", "http://h/", "", "probe") is not None


def test_the_language_and_the_refresh_of_a_page() -> None:
    assert markup("<html xml:lang='zh-TW'><p>x").language == "zh-TW"
    refresh = '<meta http-equiv=REFRESH content="{}">'
    assert markup(refresh.format("5; URL='/x'")).refresh == "http://h/x"
    assert markup(refresh.format("0;url=y")).refresh == "http://h/a/y"
    assert markup(refresh.format("60; url=/x")).refresh == ""
    assert markup(refresh.format("5")).refresh == ""
    assert markup(refresh.format("0; url=javascript:x")).refresh == ""


def test_directives() -> None:
    assert markup("<meta name=robots content='NoArchive, noIndex'>").directives == {
        "noarchive",
        "noindex",
    }
    assert "nofollow" in markup("<meta name=Probe content=none>").directives
    assert not markup("<meta name=googlebot content=noindex>").directives
    assert header_directives(["noindex, nofollow"], "probe") == {"noindex", "nofollow"}
    assert header_directives(["googlebot: noindex", "probe: nofollow"], "probe") == {"nofollow"}
    assert "noindex" not in header_directives(["unavailable_after: 25 Jun 2030 15:00:00 GMT"], "p")


@pytest.mark.parametrize(
    ("said", "wanted", "other"),
    [
        ("zh-CN", ("zh",), False),
        ("zh", ("zh-CN",), False),
        ("zh-TW", ("zh-CN",), True),
        ("en_US", ("zh", "en"), False),
        ("", ("zh",), False),
        ("fr", (), False),
        ("fr", ("zh",), True),
    ],
)
def test_languages(said: str, wanted: tuple[str, ...], other: bool) -> None:
    assert says_other(said, wanted) is other


@pytest.mark.parametrize(
    ("content_type", "path", "named", "can"),
    [
        ("text/html; charset=x", "/a", False, True),
        ("", "/a", False, True),
        ("application/octet-stream", "/a.pdf", False, True),
        ("application/force-download", "/a.pdf", False, True),
        ("text/x-python", "/a.py?v=1", False, True),
        ("text/x-python", "/a", False, False),
        ("video/mp4", "/a.py", False, False),
        ("image/png", "/a", False, False),
        ("image/png", "/a", True, True),
        ("application/zip", "/a", False, False),
        ("application/zip", "/a", True, True),
    ],
)
def test_types_that_can_be_read(content_type: str, path: str, named: bool, can: bool) -> None:
    assert can_be_read(content_type, f"http://h{path}", is_named=named) is can


def test_endings_of_what_is_not_asked_for() -> None:
    assert all(may_be_read(f"http://h/{name}") for name in ("a", "a.pdf", "v1.2/", "A.HTML?x=.png"))
    assert not any(
        may_be_read(f"http://h/{name}") for name in ("a.png", "a.ZIP?x", "a.tar.gz", "a.mp4")
    )


# Sitemaps

MAP = (
    '<?xml version="1.0"?><s:urlset xmlns:s="http://www.sitemaps.org/schemas/sitemap/0.9" '
    'xmlns:i="http://www.google.com/schemas/sitemap-image/1.1"><s:url><s:loc> http://h/a </s:loc>'
    "<i:image><i:loc>http://h/a.png</i:loc></i:image><s:lastmod>2026-01-02</s:lastmod></s:url>"
    "<s:url><s:loc>http://h/b</s:loc></s:url></s:urlset>"
)


def test_sitemaps_of_each_form() -> None:
    assert read_sitemap(MAP.encode(), 1000).pages == {"http://h/a": "2026-01-02", "http://h/b": ""}
    assert read_sitemap(gzip.compress(MAP.encode()), 1000).pages.keys() == {
        "http://h/a",
        "http://h/b",
    }
    index = b"<sitemapindex><sitemap><loc>http://h/1.xml</loc></sitemap></sitemapindex>"
    assert read_sitemap(index, 1000).others == ["http://h/1.xml"]
    assert list(read_sitemap(b"\xef\xbb\xbfhttp://h/a\nhttp://h/b\nrubbish", 1000).pages) == [
        "http://h/a",
        "http://h/b",
    ]


BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9))
    + "]><urlset><url><loc>&j;</loc></url></urlset>"
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html><p>Not found",
        b"<urlset><url><loc>http://h/a</loc></url>",
        gzip.compress(bytes(100_000)),
        gzip.compress(MAP.encode())[:-20] + b"xx",
        b"just words",
        BOMB.encode(),
        b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><urlset>&f;</urlset>',
    ],
)
def test_sitemaps_that_cannot_be_used(body: bytes) -> None:
    try:
        assert not any(len(url) > 3000 or "root:" in url for url in read_sitemap(body, 1000).pages)
    except SitemapError as error:
        assert str(error)


def test_a_change_that_may_not_show_yet_is_not_trusted() -> None:
    now = datetime(2026, 3, 10, 12, tzinfo=UTC)
    assert settled("2026-03-01", now) == "2026-03-01"
    assert settled("2026-03-10", now) == settled("2026-03-09", now) == ""
    assert settled("2026-03-10T11:00:00Z", now) == "2026-03-10T11:00:00Z"
    assert settled("2026-03-10T11:59:30+00:00", now) == settled("yesterday", now) == ""


# Politeness, traps, texts


def test_retry_after_is_seconds_or_a_date() -> None:
    assert retry_after("120", 0) == 120
    assert retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 0) == 60
    assert retry_after("Thu, 01 Jan 1970 00:01:00 GMT", 100) == 0
    assert retry_after("", 0) is None and retry_after("soon", 0) is None


@pytest.mark.parametrize(
    ("path", "trap"),
    [
        ("/a/b/a/b/a/b/", True),
        ("/x/x/x", True),
        ("/" + "/".join(map(str, range(30))), True),
        ("/a/b/a/c/a/d/a/e/a", True),
        ("/en/docs/en/guide", False),
        ("/2.0/2.0/api", False),
    ],
)
def test_paths_that_repeat_themselves(path: str, trap: bool) -> None:
    assert (Traps().catches(f"http://h{path}") is not None) is trap


@pytest.mark.parametrize("reason", REASONS)
def test_reasons_say_the_same_in_both_languages(reason: str) -> None:
    english, chinese = REASONS[reason]
    assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", chinese))
    assert re.search("[\u4e00-\u9fff]", chinese)


@pytest.mark.parametrize("why", MISSES)
def test_misses_are_said_in_both_languages(why: str) -> None:
    for reason in ("missed", "gone"):
        error = miss_error(reason, "http://h/{x}", why, "{detail}", count=1, misses=2)
        assert "http://h/{x}" in error.text("zh") and "{cause}" not in error.text("en")
    assert all(len(text) == 2 for text in END_REASONS.values())
    assert "http://h/" in page_error("loop", "http://h/").text("en")


# The request


@pytest.mark.parametrize("url", ["example.org", "ftp://a/b", "http://", "http://a:b/", "file:///x"])
def test_what_is_no_web_address(url: str) -> None:
    with pytest.raises(PageError, match="not a web address"):
        CrawlRequest(url)
    with pytest.raises(PageError, match="not a web address"):
        CrawlRequest("http://h/", more_urls=(url,))


@pytest.mark.parametrize(
    "options", [{"depth": -1}, {"pages": 0}, {"delay": -0.1}, {"concurrency": 99}, {"misses": 0}]
)
def test_limits_that_make_no_sense(options: dict[str, float]) -> None:
    with pytest.raises(PageError, match=f"{next(iter(options))} of a crawl is"):
        CrawlRequest("http://h/", **options)  # type: ignore[arg-type]


def test_a_pattern_that_is_none() -> None:
    with pytest.raises(PageError, match="no regular expression"):
        CrawlRequest("http://h/", include=("re:(",))
    assert CrawlRequest("http://h/", prefix="docs").prefix == "/docs"
    assert CrawlRequest("http://h/#x", more_urls=("http://h/", "http://g")).starts == (
        "http://h/",
        "http://g/",
    )
