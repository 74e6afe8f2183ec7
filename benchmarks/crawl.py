"""This crawler beside LangChain's loaders on one local site.

``python -m benchmarks.crawl SITE_DIR [--start index.html] [--closed FOLDER]`` serves a copy of the
folder on loopback, with a robots.txt that closes one subfolder, and lets each way fetch it in a
process of its own:

- this crawler, by links; then once more with nothing changed,
- LangChain's ``RecursiveUrlLoader``, by links, with the extractor of its documentation,
- LangChain's ``SitemapLoader``, which is given a sitemap of all pages.

Said of each: pages, those among them that robots.txt closes, code blocks that are still blocks,
anchors of headings that are still known, seconds, CPU seconds and peak memory. Nothing is
embedded. The server's own time is not counted; it runs beside, which costs all the same.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from benchmarks.served import serve_folder

SITEMAP = "all-pages.xml"  # under a name of its own: the others go by links
COLUMNS = (
    "pages", "closed", "code", "anchors", "requests", "unchanged", "seconds", "read_seconds",
    "cpu_seconds", "peak_mb",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("--start", default="index.html")
    parser.add_argument("--closed", help="the subfolder that robots.txt closes")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--way", help=argparse.SUPPRESS)
    parser.add_argument("--root", default="", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        found = WAYS[options.way](options)
        sys.stdout.write(json.dumps(found) + "\n")
        return
    rows = measure(options)
    if options.json:
        sys.stdout.write(json.dumps(rows) + "\n")
        return
    sys.stdout.write(" " * 22 + "".join(f"{name:>13}" for name in COLUMNS) + "\n")
    for name, row in rows.items():
        cells = "".join(f"{row.get(column, ''):>13}" for column in COLUMNS)
        sys.stdout.write(f"{name:22}{cells}\n")


def measure(options: argparse.Namespace) -> dict[str, dict[str, Any]]:
    """The figures of each way, by its name."""
    with tempfile.TemporaryDirectory(prefix="crawl-benchmark-") as folder:
        site = Path(folder, "site")
        shutil.copytree(options.site, site, ignore_dangling_symlinks=True)
        closed = options.closed or _largest_folder(site)
        with serve_folder(site) as root:
            (site / "robots.txt").write_text(f"User-agent: *\nDisallow: /{closed}/\n")
            (site / SITEMAP).write_text(_sitemap(site, root))
            rows = {}
            for way in WAYS:
                data = ["--closed", closed, "--root", root, "--way", way]
                command = [sys.executable, "-m", "benchmarks.crawl", folder, *data]
                done = subprocess.run(
                    [*command, "--start", options.start],
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    check=True,
                )
                rows[way] = json.loads(done.stdout)
    return rows


def _largest_folder(site: Path) -> str:
    """The subfolder with the fewest pages above ten: most of the site stays open."""
    counts = {
        each.name: len(list(each.rglob("*.html"))) for each in site.iterdir() if each.is_dir()
    }
    return min(
        (name for name in counts if counts[name] >= 10), key=counts.__getitem__, default="none"
    )


def _sitemap(site: Path, root: str) -> str:
    pages = sorted(path.relative_to(site).as_posix() for path in site.rglob("*.html"))
    rows = "".join(f"<url><loc>{escape(f'{root}/{page}')}</loc></url>" for page in pages)
    return f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{rows}</urlset>'


def ours(options: argparse.Namespace) -> dict[str, Any]:
    return _our_crawl(options, is_second=False)


def ours_again(options: argparse.Namespace) -> dict[str, Any]:
    return _our_crawl(options, is_second=True)


def _our_crawl(options: argparse.Namespace, *, is_second: bool) -> dict[str, Any]:
    from assistant.settings import Settings
    from ingest.crawl import CrawlEnd, CrawlRequest, Page, Same, fetch_pages, open_memory
    from ingest.load import load_raw
    from ingest.state import State

    settings = replace(Settings.load(env_file=None), data_dir=options.site / "data")
    request = CrawlRequest(
        f"{options.root}/{options.start}", depth=100, pages=5000, delay=0.0, concurrency=8,
        allow_private=True,
    )  # fmt: skip
    began, pages, same, requests = time.monotonic(), [], 0, 0
    with State(settings.data_dir) as state:
        memory = open_memory(state, "benchmark", request.url)
        hashes = options.site / "hashes.json"
        memory.begin(json.loads(hashes.read_text()) if is_second else {})
        for message in fetch_pages(settings, request, memory):
            if isinstance(message, Page):
                pages.append(message.raw)
                memory.stored(message.raw.name, "same")
            elif isinstance(message, Same):
                same += 1
            elif isinstance(message, CrawlEnd):
                requests = message.requests
    seconds = time.monotonic() - began
    cpu, peak = _used()
    if not is_second:
        hashes.write_text(json.dumps({page.name: "same" for page in pages}))
    began = time.monotonic()
    blocks = [block for page in pages for block in load_raw(page).blocks]
    return {
        **_said([page.name for page in pages], options),
        "code": sum(block.kind == "code" for block in blocks),
        "anchors": sum(block.kind == "heading" and bool(block.anchor) for block in blocks),
        "requests": requests,
        "unchanged": same,
        "seconds": round(seconds, 1),
        "read_seconds": round(time.monotonic() - began, 1),
        "cpu_seconds": round(cpu, 1),
        "peak_mb": peak,
    }


def recursive_loader(options: argparse.Namespace) -> dict[str, Any]:
    from bs4 import BeautifulSoup

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_community.document_loaders import RecursiveUrlLoader

    def text(page: str) -> str:
        return re.sub(r"\n\n+", "\n\n", BeautifulSoup(page, "lxml").text).strip()

    loader = RecursiveUrlLoader(
        f"{options.root}/{options.start}",
        max_depth=100,
        base_url=options.root,
        extractor=text,
        prevent_outside=True,
    )
    return _loaded(loader.lazy_load(), options)


def sitemap_loader(options: argparse.Namespace) -> dict[str, Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_community.document_loaders import SitemapLoader

        loader = SitemapLoader(f"{options.root}/{SITEMAP}", continue_on_failure=True)
        loader.requests_per_second = 1000
        loader.show_progress = False
        return _loaded(loader.lazy_load(), options)


def _loaded(documents: Iterable[Any], options: argparse.Namespace) -> dict[str, Any]:
    began = time.monotonic()
    found = list(documents)
    seconds = time.monotonic() - began
    cpu, peak = _used()
    texts = [document.page_content for document in found]
    return {
        **_said([document.metadata["source"] for document in found], options),
        "code": sum(text.count("\n```") // 2 for text in texts),
        "anchors": sum(len(re.findall(r"\]\(#|\{#", text)) for text in texts),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "peak_mb": peak,
    }


def _said(urls: list[str], options: argparse.Namespace) -> dict[str, int]:
    closed = f"{options.root}/{options.closed}/"
    return {"pages": len(set(urls)), "closed": sum(url.startswith(closed) for url in urls)}


def _used() -> tuple[float, int]:
    """CPU seconds and megabytes at their highest, of this process and those that it ran."""
    each = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    unit = 1024 * 1024 if sys.platform == "darwin" else 1024
    seconds = sum(used.ru_utime + used.ru_stime for used in each)
    return seconds, sum(used.ru_maxrss for used in each) // unit


WAYS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "ours": ours,
    "ours again": ours_again,
    "RecursiveUrlLoader": recursive_loader,
    "SitemapLoader": sitemap_loader,
}


if __name__ == "__main__":
    main()
