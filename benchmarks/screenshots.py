"""The pictures of the README: ``python -m benchmarks.screenshots [FOLDER]`` (default
docs/screenshots) starts the app with two small documents and a local server in the chat model's
place, and takes each page in both languages, light and dark, on a phone and a wide screen, by
turns."""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, Page, expect

from assistant.observability.figures import BOUNDS, MINUTE
from assistant.settings import ROOT
from tests.browser import open_browser, running_app
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.pages import PAGES, SECONDS, ask, show, visitor_of

FOLDER = ROOT / "docs" / "screenshots"
DOCUMENTS = {
    "星河7000使用手册.md": """# 星河7000使用手册

## 概述

星河7000是远山公司制造的便携式光谱仪，用于野外的矿石分析。

## 规格

星河7000的重量是1.8千克，机身长32厘米，电池可以连续使用12小时。

## 保修

星河7000的保修期是三年，每年需要校准一次，费用是校准费的一半。
""",
    "Aurora field notes.md": """# Aurora field notes

## Range

The Aurora rover drives 40 km on one charge and climbs slopes of 30 degrees.

## Care

Clean the solar panels every week, and store the rover above 5 degrees.
""",
}
TALKS = {
    "zh": (
        ("星河7000有多重？能用多久？", "星河7000重1.8千克，电池可以连续使用12小时[1]。"),
        ("它的保修期呢？", "保修期是三年，每年需要校准一次[1]。"),
    ),
    "en": (
        ("How far does the Aurora drive?", "The Aurora drives 40 km on one charge [1]."),
        ("And what care does it need?", "Clean its solar panels every week [1]."),
    ),
}
REWRITTEN = {
    "zh": "星河7000｜星河7000的保修期是多久？",
    "en": "Aurora rover｜What care does the Aurora rover need?",
}
MEMORIES = {
    "zh": ("我在野外队工作，用的是星河7000。", "回答请简短，先给结论。"),
    "en": ("I work in the field team.", "Keep answers short, the result first."),
}


@dataclass(frozen=True)
class Shot:
    """A picture: of which page, for whom. ``tall``: of the whole page, not of the window."""

    name: str
    path: str
    language: str
    width: int
    dark: bool = False
    tall: bool = False


SHOTS = (
    Shot("chat", "/", "zh", 1440),
    Shot("chat-en", "/", "en", 1440),
    Shot("chat-en-dark", "/", "en", 1440, dark=True),
    Shot("chat-phone", "/", "en", 360),
    Shot("chat-phone-dark", "/", "zh", 360, dark=True),
    Shot("knowledge", "/knowledge", "zh", 1440, tall=True),
    Shot("knowledge-en", "/knowledge", "en", 1440, tall=True),
    Shot("knowledge-phone", "/knowledge", "zh", 360, dark=True),
    Shot("memory", "/memory", "zh", 1440, dark=True),
    Shot("memory-en", "/memory", "en", 1440),
    Shot("status", "/status", "zh", 1440, tall=True),
    Shot("status-en-dark", "/status", "en", 1440, dark=True, tall=True),
    Shot("status-phone", "/status", "en", 360),
    Shot("admin", "/admin", "zh", 1440, tall=True),
    Shot("admin-phone", "/admin", "en", 360, dark=True, tall=True),
    Shot("guide", "/guide", "zh", 1440),
    Shot("guide-phone", "/guide", "en", 360, dark=True),
    Shot("source", "", "zh", 1440),
)


def furnish(browser: Browser, url: str, model: OpenAIServer, folder: Path) -> None:
    """Two documents instead of the samples, a conversation and memories in each language."""
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, "utf-8")
    with visitor_of(browser, "zh", 1440, dark=False) as visitor:
        page = visitor.page
        show(page, url, "/knowledge")
        rows = page.locator("#sources tbody tr")
        expect(rows).to_have_count(2, timeout=SECONDS * 4000)
        rows.nth(0).locator("input[type=checkbox]").check()
        rows.nth(1).locator("input[type=checkbox]").check()
        page.click("#sources button[data-do=ask]")
        page.click("#delete-sources")
        expect(rows).to_have_count(0, timeout=SECONDS * 1000)
        page.set_input_files("#upload input[type=file]", [folder / name for name in DOCUMENTS])
        expect(rows).to_have_count(2, timeout=SECONDS * 4000)
        for words in (*MEMORIES["zh"], *MEMORIES["en"]):
            remember(page, url, words)
    for language, talk in TALKS.items():
        with visitor_of(browser, language, 1440, dark=False) as visitor:
            show(visitor.page, url, "/")
            for turn, (question, answer) in enumerate(talk, 1):
                if turn > 1:
                    model.replies.append(Reply((REWRITTEN[language],)))
                ask(visitor.page, model, question, answer, turns=turn)
                model.replies.clear()


def remember(page: Page, url: str, words: str) -> None:
    show(page, url, "/memory")
    page.click("#memory-write")
    page.fill("#memory-draft textarea", words)
    page.click("#memory-save")
    expect(page.locator("#memories")).to_contain_text(words, timeout=SECONDS * 1000)


def take(browser: Browser, url: str, shot: Shot, target: Path) -> None:
    with visitor_of(browser, shot.language, shot.width, dark=shot.dark) as visitor:
        page = visitor.page
        page.set_viewport_size({"width": shot.width, "height": 900 if shot.width > 500 else 740})
        if shot.path:
            show(page, url, shot.path)
        else:
            open_source(page, url, shot)
        if shot.path == "/":
            open_talk(page, shot)
        page.wait_for_timeout(900)
        page.screenshot(path=target / f"{shot.name}.png", full_page=shot.tall)


def open_talk(page: Page, shot: Shot) -> None:
    title = TALKS[shot.language][0][0]
    link = page.locator("#talks a").filter(has_text=title).first.get_attribute("href") or "/"
    page.goto(page.url.split("?")[0].rstrip("/") + link)
    page.wait_for_selector("#chat .times", timeout=SECONDS * 1000)
    if shot.width > 500:
        page.locator("#chat details.sources summary").last.click()


def open_source(page: Page, url: str, shot: Shot) -> None:
    """As the first citation of the conversation leads there."""
    show(page, url, "/")
    open_talk(page, shot)
    link = page.locator("#chat a[href^='/source/']").first.get_attribute("href") or ""
    page.goto(f"{url}{link}")
    page.evaluate("window.scrollTo(0, 0)")


def smaller(path: Path) -> None:
    """With 128 colours: a third of the size, and no eye sees it."""
    from PIL import Image

    with Image.open(path) as picture:
        few = picture.convert("RGB").quantize(
            128, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
        )
    few.save(path, optimize=True)


def write_week(data: Path) -> None:
    """Figures of a week, so that the plots show something."""
    import json
    import math
    import random
    import time

    draw = random.Random(7)
    now = int(time.time()) // MINUTE * MINUTE
    rows = []
    for back in range(7 * 24 * 60, 0, -3):
        at = now - back * MINUTE
        hour = time.localtime(at).tm_hour
        if draw.random() > 0.9 * math.exp(-(((hour - 14) / 5) ** 2)):
            continue
        first = min(range(64), key=lambda n: abs(BOUNDS[n] - draw.lognormvariate(0.1, 0.4)))
        found = min(range(64), key=lambda n: abs(BOUNDS[n] - draw.lognormvariate(-2.6, 0.3)))
        wrong = {"model_timeout": 1} if draw.random() < 0.03 else {}
        row = {"at": at, "n": 1, "errors": wrong, "first": {first: 1}, "search": {found: 1}}
        rows.append(json.dumps(row))
    path = data / "logs" / "figures.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(rows) + "\n", "utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=FOLDER)
    parser.add_argument("--only", default="", help="names that begin with this")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name, openai_server() as model, open_browser() as browser:
        data = Path(name, "data")
        write_week(data)
        settings = {"DATA_DIR": data, "CHAT_MODEL": "vllm:qwen3-8b", "VLLM_BASE_URL": model.url}
        model.models.append({"id": "qwen3-8b", "max_model_len": 32768})
        with running_app(**settings) as app:
            furnish(browser, app.url, model, Path(name))
            for shot in SHOTS:
                if shot.name.startswith(options.only):
                    take(browser, app.url, shot, options.folder)
                    smaller(options.folder / f"{shot.name}.png")
            app.stop()
    size = sum(path.stat().st_size for path in options.folder.glob("*.png"))
    print(f"{len(SHOTS)} pictures of {len(PAGES)} pages and a source: {size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
