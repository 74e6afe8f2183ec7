"""A documentation site crawled into a knowledge base, and crawled again.

``python -m benchmarks.ingest SITE_DIR [--start index.html]`` serves the folder on loopback and

1. crawls it whole: pages, chunks, seconds, chunks a second,
2. embeds the same chunks with the same model and nothing else: the ratio is what the pipeline
   leaves of the model's speed,
3. crawls it again with nothing changed,
4. changes 5 pages, removes 2, adds 1, and crawls twice more (a page goes when it was missed twice):
   exactly those may be touched.
"""

from __future__ import annotations

import argparse
import json
import random
import resource
import shutil
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from assistant.knowledge.opening import open_knowledge
from assistant.knowledge.store import KnowledgeBase
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings
from benchmarks.served import serve_folder
from ingest.crawl import CrawlRequest, open_memory
from ingest.events import Added, Crawled, Event, Failed, Finished, Removed
from ingest.pipeline import Pipeline
from ingest.state import State

CHANGED, REMOVED = 5, 2


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("site", type=Path)
    parser.add_argument("--start", default="index.html")
    parser.add_argument("--pages", type=int, default=5000)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ingest-benchmark-") as folder:
        site = Path(folder, "site")
        shutil.copytree(options.site, site, ignore_dangling_symlinks=True)
        settings = replace(
            Settings.load(env_file=None), data_dir=Path(folder, "data"), embedding_cache_mb=0
        )
        found = measure(settings, site, options.start, options.pages)
    if options.json:
        sys.stdout.write(json.dumps(found) + "\n")
        return
    for name, value in found.items():
        sys.stdout.write(f"{name:28} {value}\n")


def measure(settings: Settings, site: Path, start: str, pages: int) -> dict[str, Any]:
    embeddings = open_embeddings(settings)
    embeddings.embed_passages(["warm"])
    with (
        serve_folder(site) as root,
        open_knowledge(settings, embeddings) as knowledge,
        State(settings.data_dir) as state,
    ):
        request = CrawlRequest(
            f"{root}/{start}", depth=100, pages=pages, delay=0.0, concurrency=8, allow_private=True
        )

        def crawl() -> list[Event]:
            pipeline = Pipeline(settings, knowledge, embeddings)
            with closing(open_memory(state, "default", request.url)) as memory:
                return list(pipeline.crawl(request, memory))

        found = first_crawl(crawl(), knowledge)
        found |= raw_speed(knowledge, embeddings)
        found["of the raw speed"] = round(found["chunks/s"] / found["raw chunks/s"], 3)
        second = summary_of(crawl())
        found["second crawl, seconds"] = round(second.seconds, 2)
        found["second crawl, pages"] = f"{second.unchanged} unchanged, {touched(second)} touched"
        found["times faster"] = round(found["seconds"] / second.seconds, 1)
        expected = change(site, start, random.Random(7))
        third = crawl() + crawl()
        found["after changes"] = told(third, root, expected)
    found["peak memory MB"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    found["largest child MB"] = children.ru_maxrss // 1024
    found["children CPU s"] = round(children.ru_utime + children.ru_stime, 1)
    return found


def summary_of(events: list[Event]) -> Any:
    return next(event.summary for event in events if isinstance(event, Finished))


def touched(summary: Any) -> int:
    return int(summary.added + summary.updated + summary.removed)


def first_crawl(events: list[Event], knowledge: KnowledgeBase) -> dict[str, Any]:
    summary = summary_of(events)
    crawled = next(event for event in events if isinstance(event, Crawled))
    counts = {name: n for name, n in asdict(summary).items() if n and name != "seconds"}
    chunks = knowledge.stats()["default"]["chunks"]
    failed = [str(event.error)[:90] for event in events if isinstance(event, Failed)]
    return {
        "first crawl": counts,
        "failures": failed[:5],
        "requests": crawled.requests,
        "chunks": chunks,
        "seconds": round(summary.seconds, 1),
        "chunks/s": round(chunks / summary.seconds, 2),
    }


def raw_speed(knowledge: KnowledgeBase, embeddings: EmbeddingModel) -> dict[str, Any]:
    """The same texts in the same order and batches, with nothing else to do."""
    texts = [
        "\n".join([*chunk.heading_path, chunk.text])
        for source in sorted(knowledge.sources(), key=lambda source: source.id)
        for chunk in knowledge.chunks(source.id)
    ]
    texts = list(dict.fromkeys(texts))
    begin = time.monotonic()
    embeddings.embed_passages(texts)
    seconds = time.monotonic() - begin
    return {"raw seconds": round(seconds, 1), "raw chunks/s": round(len(texts) / seconds, 2)}


def change(site: Path, start: str, chance: random.Random) -> dict[str, set[str]]:
    """Change, remove and add pages; which."""
    pages = sorted(path for path in site.rglob("*.html") if path.name != Path(start).name)
    pages = [page for page in pages if not page.is_symlink() and page.stat().st_size > 2000]
    chosen = chance.sample(pages, CHANGED + REMOVED)
    for page in chosen[:CHANGED]:
        text = page.read_text("utf-8")
        page.write_text(text.replace("</h1>", " (changed)</h1>", 1), "utf-8")
    for page in chosen[CHANGED:]:
        page.unlink()
    new = site / "a-new-page.html"
    new.write_text("<html><body><h1>New</h1><p>A page that was not there before.</p></body></html>")
    first = site / start
    first.write_text(
        first.read_text("utf-8").replace("</body>", '<a href="a-new-page.html">.</a></body>')
    )

    def names(paths: list[Path]) -> set[str]:
        return {path.relative_to(site).as_posix() for path in paths}

    # The page that links to the new one has changed, too, if only its links count as text.
    return {
        "updated": names(chosen[:CHANGED]),
        "removed": names(chosen[CHANGED:]),
        "added": names([new]),
        "may": {start},
    }


def told(events: list[Event], root: str, expected: dict[str, set[str]]) -> str:
    came: dict[str, set[str]] = {"updated": set(), "removed": set(), "added": set()}
    for event in events:
        if isinstance(event, Added):
            came["added" if event.is_new else "updated"].add(event.uri.removeprefix(f"{root}/"))
        elif isinstance(event, Removed):
            came["removed"].add(event.uri.removeprefix(f"{root}/"))
    came["updated"] -= expected["may"]
    if all(came[name] == expected[name] for name in came):
        return "exactly those: " + ", ".join(f"{len(came[name])} {name}" for name in came)
    return f"expected {expected}, came {came}"


if __name__ == "__main__":
    main()
