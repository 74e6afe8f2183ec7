"""The crawler's process against a real site on loopback."""

from __future__ import annotations

import gzip
import os
import re
import signal
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from assistant.errors import PageError
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.choice import open_embeddings
from assistant.settings import Settings
from ingest.addresses import Scope, clean_url, is_public
from ingest.crawl import REASONS, CrawlRequest, NoPage, Page, fetch_pages
from ingest.events import Added, Failed, Finished, Progress, Skipped, Started, Unchanged
from ingest.pipeline import Pipeline
from tests.samples import docx_bytes, pdf_bytes
from tests.site import Answer, Site, redirect, serve

MEGABYTE = 1024 * 1024
needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")


def links(*targets: str) -> str:
    return "<p>Links.</p>" + "".join(f'<a href="{target}">x</a>' for target in targets)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("crawl") / "data"
    return Settings.load(
        {"DATA_DIR": str(folder), "MAX_FILE_MB": "1", "USER_AGENT": "Probe/7"}, None
    )


def ask(url: str, **options: object) -> CrawlRequest:
    return CrawlRequest(url, **({"delay": 0, "allow_private": True} | options))  # type: ignore[arg-type]


@dataclass
class Crawled:
    """What came of a crawl, by path."""

    site: Site
    other: Site
    pages: dict[str, Page]
    none: dict[str, NoPage]


@pytest.fixture(scope="module")
def crawled(settings: Settings) -> Iterator[Crawled]:
    """One crawl of two levels over a site with everything on it."""
    video = Answer(b"\0" * 100, content_type="video/mp4")
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
    with serve({"/": "other host"}) as other:
        pages: dict[str, str | Answer] = {
            "/robots.txt": Answer("User-agent: *\nDisallow: /secret\n", content_type="text/plain"),
            "/": links(
                *("a.html", "/a.html#section", "A.pdf", "/b.docx", "/c.md", "/secret/x.html"),
                *("/missing", "/broken", "/moved", "/away", "/circle", "/video", "/big", "/bomb"),
                *("/noindex", "/nofollow", "/picture.png", "/?q=1#x", "mailto:a@b", "/error.json"),
                *("ftp://127.0.0.1/x", other.url("/linked"), "//127.0.0.1:99999/x", "/private"),
            ),
            "/a.html": links("/deep.html", "/"),
            "/deep.html": links("/too-deep.html"),
            "/too-deep.html": "too deep",
            "/A.pdf": Answer(pdf_bytes([["第一页上的文字在这里"]]), content_type="application/pdf"),
            "/b.docx": Answer(docx_bytes(), content_type=word),
            "/c.md": Answer("# Markdown\n\ntext", content_type="text/markdown"),
            "/secret/x.html": "secret",
            "/broken": Answer("oops", 500),
            "/moved": redirect("/new.html", 301),
            "/new.html": "<p>new</p>",
            "/away": redirect(other.url("/landed")),
            "/private": redirect("http://169.254.169.254/latest/meta-data"),
            "/circle": redirect("/circle2"),
            "/circle2": redirect("/circle"),
            "/video": video,
            "/big": Answer(b"x" * (MEGABYTE + 1)),
            "/bomb": Answer(
                gzip.compress(bytes(8 * MEGABYTE)), headers={"Content-Encoding": "gzip"}
            ),
            "/noindex": '<meta name="Robots" content="NOINDEX">' + links("/from-noindex"),
            "/from-noindex": "followed",
            "/nofollow": '<meta name="robots" content="nofollow">' + links("/unfollowed"),
            "/unfollowed": "not followed",
            "/error.json": Answer("{}", 403, "application/json"),
        }
        with serve(pages) as site:
            came = list(fetch_pages(settings, ask(site.url(), depth=2)))
            yield Crawled(
                site,
                other,
                {p.raw.name.removeprefix(site.url("")): p for p in came if isinstance(p, Page)},
                {p.url.removeprefix(site.url("")): p for p in came if isinstance(p, NoPage)},
            )


def test_the_site_is_crawled_to_its_depth_and_no_further(crawled: Crawled) -> None:
    assert set(crawled.pages) == {
        *("/", "/a.html", "/A.pdf", "/b.docx", "/c.md", "/new.html", "/?q=1", "/nofollow"),
        *("/deep.html", "/from-noindex"),
    }
    assert [path for path, page in crawled.pages.items() if page.is_start] == ["/"]
    assert crawled.site.asked.count("/a.html") == 1
    assert crawled.pages["/A.pdf"].raw.data.startswith(b"%PDF")
    assert crawled.pages["/A.pdf"].raw.media_type == "application/pdf"


def test_robots_are_obeyed(crawled: Crawled) -> None:
    assert crawled.site.asked[0] == "/robots.txt"
    assert "/secret/x.html" not in crawled.site.asked
    assert "robots.txt" in str(crawled.none["/secret/x.html"].error)
    assert "/unfollowed" not in crawled.site.asked


def test_other_hosts_are_not_followed_nor_redirected_to(crawled: Crawled) -> None:
    assert crawled.other.asked == []
    assert "169.254.169.254" in str(crawled.none["/private"].error)


@pytest.mark.parametrize(
    ("path", "harmless", "words"),
    [
        ("/secret/x.html", True, "robots.txt"),
        ("/noindex", True, "noindex"),
        ("/away", True, "leads away"),
        ("/private", True, "leads away"),
        ("/video", True, "video/mp4"),
        ("/missing", False, "answered 404"),
        ("/broken", False, "answered 500"),
        ("/error.json", False, "answered 403"),
        ("/circle", False, "in circles"),
        ("/big", False, "MAX_FILE_MB"),
        ("/bomb", False, "MAX_FILE_MB"),
    ],
)
def test_each_page_that_does_not_come_is_said_once(
    crawled: Crawled, path: str, harmless: bool, words: str
) -> None:
    assert len(crawled.none) == 11
    none = crawled.none[path]
    assert none.harmless is harmless
    assert words in none.error.text("en")
    assert crawled.site.url(path) in none.error.text("zh")


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def crawlers() -> set[int]:
    """The crawler processes that this process started."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        try:
            command = (path / "cmdline").read_bytes()
            parent = int((path / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError):
            continue
        if b"ingest.spider" in command and parent == os.getpid():
            found.add(int(path.name))
    return found


@pytest.mark.parametrize("reason", REASONS)
def test_reasons_say_the_same_in_both_languages(reason: str) -> None:
    english, chinese = REASONS[reason]
    assert set(re.findall(r"{\w+}", english)) == set(re.findall(r"{\w+}", chinese))


@needs_proc
def test_a_crawler_that_dies_is_said(settings: Settings) -> None:
    with serve({"/": links("/hang"), "/hang": Answer(wait=threading.Event())}) as site:
        pages = fetch_pages(settings, ask(site.url()))
        next(pages)
        wait_for(lambda: bool(crawlers()))
        for number in crawlers():
            os.kill(number, signal.SIGKILL)
        (none,) = pages
    assert isinstance(none, NoPage) and not none.harmless
    assert "ended early" in str(none.error)


def outcome(settings: Settings, request: CrawlRequest) -> list[Page | NoPage]:
    return list(fetch_pages(settings, request))


def test_a_limit_of_pages_is_kept_and_said(settings: Settings) -> None:
    pages = {f"/{n}": links(f"/{n + 1}") for n in range(9)}
    with serve({"/": links(*pages)} | pages) as site:
        came = outcome(settings, ask(site.url(), pages=3))
    assert [type(each) for each in came] == [Page, Page, Page, NoPage]
    assert isinstance(came[-1], NoPage) and came[-1].harmless
    assert "limit of 3 pages" in str(came[-1].error)


def test_a_prefix_keeps_to_a_part_of_the_site(settings: Settings) -> None:
    pages = {"/docs/": links("/docs/a", "/blog/b"), "/docs/a": "a", "/blog/b": "b"}
    with serve(pages) as site:
        came = outcome(settings, ask(site.url("/docs/"), prefix="/docs/"))
        assert "/blog/b" not in site.asked
    assert [each.raw.name for each in came if isinstance(each, Page)] == [
        site.url("/docs/"),
        site.url("/docs/a"),
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "2130706433"])
def test_private_addresses_are_refused_without_the_flag(settings: Settings, host: str) -> None:
    with serve({"/": "inside"}) as site:
        url = f"http://{host}:{site.port}/"
        (none,) = outcome(settings, ask(url, allow_private=False))
        assert site.asked == []
    assert isinstance(none, NoPage) and not none.harmless
    assert "--allow-private" in none.error.text("en")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer("gone", 404), "answered 404"),
        (redirect("http://127.0.0.1:1/"), "leads away"),
        (Answer(b"\0", content_type="video/mp4"), "video/mp4"),
    ],
)
def test_a_start_page_that_does_not_come_is_a_failure(
    settings: Settings, answer: Answer, words: str
) -> None:
    with serve({"/": answer}) as site:
        (none,) = outcome(settings, ask(site.url()))
    assert isinstance(none, NoPage) and not none.harmless
    assert words in str(none.error)


def test_unknown_hosts_closed_ports_and_slow_sites_are_told_apart(settings: Settings) -> None:
    (unknown,) = outcome(settings, ask(f"http://{'x' * 64}.invalid/"))  # DNS is not even asked
    assert isinstance(unknown, NoPage) and "host name is unknown" in str(unknown.error)
    with serve({"/robots.txt": "", "/": Answer(wait=threading.Event())}) as site:
        (slow,) = outcome(settings, ask(site.url(), timeout=0.5))
    assert isinstance(slow, NoPage) and "in time" in str(slow.error)
    (closed,) = outcome(settings, ask(site.url()))  # nobody serves it any more
    assert isinstance(closed, NoPage) and "refuses the connection" in str(closed.error)


@needs_proc
@pytest.mark.parametrize("how", ["close", "cancel"])
def test_cancel_ends_the_process(settings: Settings, how: str) -> None:
    hanging = Answer(wait=threading.Event())
    with serve({"/": links("/hang"), "/hang": hanging}) as site:
        cancel = threading.Event()
        pages = fetch_pages(settings, ask(site.url()), cancel)
        assert isinstance(next(pages), Page)
        wait_for(lambda: "/hang" in site.asked)
        assert crawlers()
        if how == "close":
            pages.close()
        else:
            threading.Timer(0.1, cancel.set).start()
            assert list(pages) == []
        assert not crawlers()


def test_the_user_agent_is_the_setting(settings: Settings) -> None:
    closed = "User-agent: Probe\nDisallow: /\n"
    with serve({"/robots.txt": Answer(closed, content_type="text/plain"), "/": "x"}) as site:
        (none,) = outcome(settings, ask(site.url()))
    assert isinstance(none, NoPage) and not none.harmless
    assert "robots.txt" in str(none.error)


@pytest.mark.parametrize("url", ["example.org", "ftp://a/b", "http://", "http://a:b/", "file:///x"])
def test_what_is_no_web_address(url: str) -> None:
    with pytest.raises(PageError, match="not a web address"):
        CrawlRequest(url)


def test_pages_flow_into_the_knowledge_base(settings: Settings) -> None:
    embeddings = open_embeddings(settings)
    pages: dict[str, str | Answer] = {
        "/": '<title>Home</title><main><h1>Home</h1><p>Start here.</p><a href="/g">g</a></main>',
        "/g": '<main><h1 id="top">Guide</h1><section id="backup"><h2>Backup</h2>'
        "<p>Copy the folder.</p></section></main>" + links("/missing", "/data"),
        "/data": Answer(b"\x01\x02\x03" * 50, content_type="application/octet-stream"),
    }
    with (
        KnowledgeBase(settings.data_dir, embeddings, embeddings.fingerprint, "web") as knowledge,
        serve(pages) as site,
    ):
        pipeline = Pipeline(settings, knowledge, embeddings)
        events = list(pipeline.crawl(ask(site.url())))
        assert isinstance(events[0], Started) and events[0].total is None
        assert [e.uri for e in events if isinstance(e, Added)] == [site.url("/"), site.url("/g")]
        assert [e.uri for e in events if isinstance(e, Failed)] == [site.url("/missing")]
        assert [e.uri for e in events if isinstance(e, Skipped)] == [site.url("/data")]
        steps = [e for e in events if isinstance(e, Progress) and e.what == "documents"]
        assert [step.done for step in steps] == [1, 2, 3]
        assert isinstance(events[-1], Finished) and events[-1].summary.failed == 1
        hit = knowledge.keyword("copy folder", 1)[0]
        assert hit.source.title == "Guide" and hit.link == site.url("/g#backup")

        again = list(pipeline.add_paths([site.url("/g")], allow_private=True))
        assert [type(e) for e in again] == [Started, Unchanged, Progress, Finished]
        refused = list(pipeline.add_paths([site.url("/g"), "ftp://x/y"]))
        assert [e.kind for e in refused if isinstance(e, Failed)] == ["page", "page"]


# Addresses


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "1.1.1.1"])
def test_public_addresses(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0.0.0.0"),
        *("100.64.0.1", "224.0.0.1", "::1", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "::"),
        *("2002:7f00:1::", "255.255.255.255"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("HTTP://Example.ORG", "http://example.org/"),
        ("https://example.org:443/A?b=C#d", "https://example.org/A?b=C"),
        ("http://user:pw@h:8080/x", "http://h:8080/x"),
        ("http://[::1]:80/", "http://[::1]/"),
    ],
)
def test_clean_urls(url: str, clean: str) -> None:
    assert clean_url(url) == clean


@pytest.mark.parametrize(
    ("url", "inside"),
    [
        ("http://h/docs/a", True),
        ("https://H/docs/", True),
        ("http://h/blog", False),
        ("http://h:8080/docs/a", False),
        ("http://h.evil/docs/a", False),
        ("http://h@evil/docs/a", False),
        ("ftp://h/docs/a", False),
        ("http://h:x/docs/a", False),
    ],
)
def test_scope(url: str, inside: bool) -> None:
    assert (url in Scope("http://h/docs/", "/docs/")) is inside
