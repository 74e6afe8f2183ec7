"""The crawler's process: its limits, what ends it, and the network that it may reach."""

from __future__ import annotations

import datetime
import ssl
import threading
import time
from pathlib import Path

import pytest

from assistant.settings import Settings
from ingest.crawl import CrawlEnd, NoPage, Page, fetch_pages
from tests.crawling import ask, crawl, crawl_settings, crawlers
from tests.site import Answer, links, redirect, serve
from tests.waiting import wait_for

needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="reads /proc")


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return crawl_settings(tmp_path_factory.mktemp("crawl") / "data")


def test_a_limit_of_pages_is_kept_and_said(settings: Settings) -> None:
    pages = {f"/{n}": links(f"/{n + 1}") for n in range(9)}
    with serve({"/": links(*pages)} | pages) as site:
        came = crawl(settings, ask(site.url(), pages=3, concurrency=1), site)
    assert len(came.pages) == 3 and came.none["/"].harmless
    assert "limit of 3 pages" in came.why("/")
    assert came.end is not None and (came.end.complete, came.end.reason) == (False, "pages")


@needs_proc
@pytest.mark.parametrize("how", ["close", "cancel"])
def test_cancel_ends_the_process(settings: Settings, how: str) -> None:
    hanging = Answer(wait=threading.Event())
    with serve({"/": links("/hang"), "/hang": hanging}) as site:
        cancel = threading.Event()
        pages = fetch_pages(settings, ask(site.url()), None, cancel)
        assert isinstance(next(pages), Page)
        wait_for(lambda: "/hang" in site.asked)
        assert crawlers()
        if how == "close":
            pages.close()
        else:
            cancel.set()
            (end,) = pages
            assert isinstance(end, CrawlEnd) and (end.complete, end.reason) == (False, "cancelled")
        assert not crawlers()


def test_downloads_wait_while_pages_pile_up(settings: Settings) -> None:
    names = [f"/{n}" for n in range(90)]
    with serve({"/": links(*names), **{name: f"<p>{name}</p>" for name in names}}) as site:
        pages = fetch_pages(settings, ask(site.url(), concurrency=1))
        next(pages)
        seen = -1
        while len(site.asked) != seen:  # until nothing comes any more
            seen = len(site.asked)
            time.sleep(0.4)
        assert 32 < seen < 60
        assert sum(isinstance(each, Page) for each in pages) == 90


# The network


def test_private_addresses_are_refused_without_the_flag(settings: Settings) -> None:
    hosts = ("127.0.0.1", "localhost", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]")
    with serve({"/": "inside"}) as site:
        urls = [f"http://{host}:{site.port}/" for host in hosts]
        came = crawl(settings, ask(urls[0], more_urls=urls[1:], allow_private=False), site)
        assert site.asked == []
    assert len(came.none) == len(hosts) and not came.pages
    for none in came.none.values():
        assert not none.harmless and "--allow-private" in none.error.text("en")


def test_what_is_allowed_to_be_private_is_the_site_alone(settings: Settings) -> None:
    """Not even robots.txt may lead elsewhere on the private network."""
    with serve({"/robots.txt": "", "/": "other"}) as other, serve({"/": "x"}) as site:
        site.pages["/robots.txt"] = redirect(f"http://127.0.0.2:{other.port}/robots.txt")
        came = crawl(settings, ask(site.url()), site)
        assert other.asked == []
    assert "robots.txt can't be had" in came.why("/")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (redirect("http://127.0.0.1:1/"), "leads away"),
        (Answer(b"\0", content_type="video/mp4"), "video/mp4"),
    ],
)
def test_a_start_page_that_does_not_come_is_a_failure(
    settings: Settings, answer: Answer, words: str
) -> None:
    with serve({"/": answer}) as site:
        came = crawl(settings, ask(site.url(), sitemap=False), site)
    assert not came.none["/"].harmless and words in came.why("/")
    assert came.end is not None and came.end.reason == "down"


def test_unknown_hosts_and_closed_ports_are_told_apart(settings: Settings) -> None:
    with serve({}) as site:
        url = f"http://{'x' * 64}.invalid/"  # DNS is not even asked
        came = crawl(settings, ask(url, more_urls=(f"http://127.0.0.1:{site.port}/",)), site)
        assert "host name is unknown" in came.why(url)
    came = crawl(settings, ask(site.url()), site)  # nobody serves it any more
    assert "refuses the connection" in came.why("/")
    assert came.end is not None and came.end.reason == "down"


def certificate(folder: Path) -> ssl.SSLContext:
    """Of nobody that is trusted."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(today)
        .not_valid_after(today + datetime.timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / "certificate.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context


def test_a_certificate_that_cannot_be_trusted_is_said(settings: Settings, tmp_path: Path) -> None:
    with serve({"/": "secret"}, certificate(tmp_path)) as site:
        came = crawl(settings, ask(site.url()), site)
        assert site.asked == []
    assert "no certificate that can be trusted" in came.why("/")


# Politeness


def test_a_site_that_asks_for_a_long_pause_is_left(settings: Settings) -> None:
    busy = Answer("busy", 429, headers={"Retry-After": "3600"})
    names = [f"/{n}" for n in range(20)]
    with serve({"/": links(*names), **dict.fromkeys(names, busy)}) as site:
        came = crawl(settings, ask(site.url(), concurrency=1), site)
        assert len(site.asked) < 8
    assert "come back after: 3600" in next(iter(came.none.values())).error.text("en")
    assert came.end is not None and (came.end.complete, came.end.reason) == (False, "busy")


def test_pauses_of_robots_txt_are_kept(settings: Settings) -> None:
    names = [f"/{n}" for n in range(4)]
    times: list[float] = []

    def timed(target: str) -> str:
        times.append(time.monotonic())
        return f"<p>{target}</p>"

    pages = {"/": links(*names), "/robots.txt": "User-agent: Probe\nCrawl-delay: 0.3\n"}
    with serve({**pages, **dict.fromkeys(names, timed)}) as site:
        came = crawl(settings, ask(site.url(), concurrency=4, sitemap=False), site)
    assert len(came.pages) == 5
    # Over all of them, with room: a busy machine notes a single one late.
    assert times[-1] - times[0] > 0.2 * (len(times) - 1)


def test_the_user_agent_is_the_setting(settings: Settings) -> None:
    closed = "User-agent: Probe\nDisallow: /\n"
    with serve({"/robots.txt": Answer(closed, content_type="text/plain"), "/": "x"}) as site:
        came = crawl(settings, ask(site.url()), site)
        assert site.asked == ["/robots.txt", "/sitemap.xml"] or site.asked == ["/robots.txt"]
    assert not came.none["/"].harmless and "robots.txt" in came.why("/")
    assert isinstance(came.none["/"], NoPage)
