"""Questions beside a running ingest.

``python -m benchmarks.beside chat FOLDER [--questions 8]``: the time to first token alone and while
``python -m ingest add FOLDER`` runs, by turns.

``python -m benchmarks.beside cron [--minutes 10]``: a folder and a site that change all the time
are followed by ``python -m ingest sync`` every minute, while questions are asked without a pause.
At the end every question must have been answered, and the knowledge base must hold exactly the
chunks that a fresh ingest of the same documents gives.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assistant import events
from assistant.knowledge.store import KnowledgeBase
from assistant.parts import Parts, open_parts
from assistant.settings import ROOT, Settings
from benchmarks.served import serve_folder

QUESTIONS = (
    "怎么抓取网站？",
    "How do I add documents?",
    "支持哪些文件格式？",
    "Where are the documents stored?",
    "怎样更换聊天模型？",
    "Can I use a GPU?",
    "如何备份知识库？",
    "What does an answer cite?",
)
SHOULD = 1.5  # times the first token alone


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    chat = commands.add_parser("chat")
    chat.add_argument("folder", type=Path)
    chat.add_argument("--questions", type=int, default=len(QUESTIONS))
    cron = commands.add_parser("cron")
    cron.add_argument("--minutes", type=int, default=10)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="beside-") as folder:
        environment = {"DATA_DIR": str(Path(folder, "data")), "GRACE_SECONDS": "1"}
        if options.command == "chat":
            beside_chat(environment, options.folder, options.questions)
        else:
            beside_cron(environment, Path(folder), options.minutes)


@contextmanager
def opened(environment: dict[str, str]) -> Iterator[Parts]:
    """The app's parts, ready, with the sample documents."""
    ingest(environment, "add", str(ROOT / "data" / "sample"), "--json")
    parts = open_parts(Settings.load(environment, None))
    try:
        parts.turns.warm_up()
        parts.embeddings.warm()
        yield parts
    finally:
        parts.close()


def ingest(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "ingest", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def ask(parts: Parts, question: str, number: int) -> tuple[float, str]:
    """Seconds to the first token of a new conversation, and the answer."""
    began = time.monotonic()
    first, answer = 0.0, ""
    for event in parts.conversation.turn("bench", f"c{number}", question):
        if isinstance(event, events.Token):
            first = first or time.monotonic() - began
        elif isinstance(event, events.Done):
            answer = event.answer
    return first, answer


def beside_chat(environment: dict[str, str], folder: Path, count: int) -> None:
    """Each question is asked once alone and once beside, in two rounds with a chat server each: a
    question that a server has read before is answered from its cache."""
    seconds: dict[str, list[float]] = {"alone": [], "beside": []}
    for turn in range(2):
        with opened(environment) as parts:
            ask(parts, "Which licence is it under?", -1)
            for number in range(count):
                question = QUESTIONS[number % len(QUESTIONS)]
                how = ("alone", "beside")[(number + turn) % 2]
                with ingesting(environment, folder, f"c{turn}{number}", how):
                    seconds[how].append(ask(parts, question, number)[0])
                sys.stdout.write(f"{question:36} {seconds[how][-1]:6.2f} s {how}\n")
                sys.stdout.flush()
        time.sleep(5)  # the server ends after its grace
    alone, beside = (statistics.median(seconds[how]) for how in ("alone", "beside"))
    sys.stdout.write(
        f"median {alone:.2f} s alone, {beside:.2f} s beside: {beside / alone:.2f} times (at most "
        f"{SHOULD})\n"
    )


@contextmanager
def ingesting(
    environment: dict[str, str], folder: Path, collection: str, how: str
) -> Iterator[None]:
    """Beside an ingest that reads and embeds for the whole time; nothing where it is alone."""
    if how == "alone":
        yield
        return
    command = [sys.executable, "-m", "ingest", "add", str(folder), "--collection", collection]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=os.environ | environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as running:
        time.sleep(8)  # reading and embedding are both under way
        yield
        if running.poll() is not None:
            sys.stdout.write("(the ingest had ended: give a larger folder)\n")
        running.terminate()


def beside_cron(environment: dict[str, str], folder: Path, minutes: int) -> None:
    docs, site = folder / "docs", folder / "site"
    chance = random.Random(11)
    for number in range(40):
        write(docs / f"{number}.md", number, 0)
        write(site / f"{number}.html", number, 0)
    index(site)
    with opened(environment) as parts, serve_folder(site) as root:
        data = Path(environment["DATA_DIR"])
        (data / "sources.toml").write_text(
            f'[[source]]\nname = "docs"\nfolder = "{docs}"\nschedule = "always"\n\n'
            f'[[source]]\nname = "site"\nsite = "{root}/index.html"\nschedule = "always"\n'
            "allow_private = true\ndelay = 0\nmisses = 1\n",
            "utf-8",
        )
        asked = Asking(parts)
        asked.start()
        for minute in range(minutes):
            began = time.monotonic()
            done = ingest(environment, "sync", "--json")
            report = json.loads(done.stdout) if done.stdout else {}
            told = {
                row["name"]: {
                    name: row[name] for name in ("added", "updated", "removed", "unchanged")
                }
                for row in report.get("sources", ())
            }
            sys.stdout.write(
                f"minute {minute + 1}: code {done.returncode}, {time.monotonic() - began:.1f} s, "
                f"{told} {done.stderr[-300:]}\n"
            )
            sys.stdout.flush()
            if minute == minutes - 1:
                break
            change(docs, site, chance, minute + 1)
            time.sleep(max(0.0, 60 - (time.monotonic() - began)))
        asked.stop()
        sys.stdout.write(asked.told())
        sys.stdout.write(compared(environment, folder, docs, site, root))


class Asking(threading.Thread):
    """Asks without a pause until it is stopped."""

    def __init__(self, parts: Parts) -> None:
        super().__init__(daemon=True)
        self._parts = parts
        self._halt = threading.Event()
        self.firsts: list[float] = []
        self.failures: list[str] = []

    def run(self) -> None:
        number = 0
        while not self._halt.is_set():
            number += 1
            try:
                first, answer = ask(self._parts, QUESTIONS[number % len(QUESTIONS)], number)
                if not answer:
                    raise ValueError("an empty answer")
                self.firsts.append(first)
            except Exception as error:  # noqa: BLE001 - counted
                self.failures.append(repr(error))

    def stop(self) -> None:
        self._halt.set()
        self.join()

    def told(self) -> str:
        middle = statistics.median(self.firsts) if self.firsts else 0
        return (
            f"{len(self.firsts)} questions answered, {len(self.failures)} failed "
            f"{self.failures[:3]}; first token p50 {middle:.1f} s\n"
        )


def write(path: Path, number: int, version: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    words = " ".join(f"word{number}x{version}y{each}" for each in range(12))
    if path.suffix == ".md":
        text = f"# Document {number}\n\nVersion {version}: {words}.\n\n## More\n\nStays as it is.\n"
    else:
        text = (
            f"<html><body><main><h1>Page {number}</h1><p>Version {version}: {words}.</p>"
            f"<h2 id='more'>More</h2><p>Page {number} stays as it is.</p></main></body></html>"
        )
    path.write_text(text, "utf-8")


def index(site: Path) -> None:
    links = "".join(
        f'<li><a href="{page.name}">{page.stem}</a></li>'
        for page in sorted(site.glob("*.html"))
        if page.name != "index.html"
    )
    (site / "index.html").write_text(f"<html><body><h1>Index</h1><ul>{links}</ul></body></html>")


def change(docs: Path, site: Path, chance: random.Random, version: int) -> None:
    """Change three, remove one and add one of each."""
    for folder, suffix in ((docs, ".md"), (site, ".html")):
        there = sorted(path for path in folder.glob(f"*{suffix}") if path.stem != "index")
        for path in chance.sample(there, 3):
            write(path, int(path.stem), version)
        chance.choice(there).unlink()
        write(folder / f"{1000 + version}{suffix}", 1000 + version, version)
    index(site)


def compared(environment: dict[str, str], folder: Path, docs: Path, site: Path, root: str) -> str:
    """What the knowledge base holds against a fresh ingest of the same documents."""
    fresh = environment | {"DATA_DIR": str(folder / "fresh")}
    ingest(fresh, "add", str(ROOT / "data" / "sample"), str(docs))
    ingest(fresh, "crawl", f"{root}/index.html", "--allow-private", "--delay", "0")
    ours, theirs = (held(Path(each["DATA_DIR"])) for each in (environment, fresh))
    lost, doubled = theirs - ours, ours - theirs
    return (
        f"{sum(ours.values())} chunks; a fresh ingest has {sum(theirs.values())}: "
        f"{sum(lost.values())} lost, {sum(doubled.values())} doubled or stale\n"
    )


def held(data_dir: Path) -> Counter[tuple[str, str]]:
    with KnowledgeBase(data_dir, None, "") as knowledge:
        return Counter(
            (source.uri, chunk.text)
            for source in knowledge.sources()
            for chunk in knowledge.chunks(source.id)
        )


if __name__ == "__main__":
    main()
