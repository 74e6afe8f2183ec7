"""Documents that citations lead into, and the app in which they are opened, for the tests of the
sources' pages and of the panel beside the chat."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser, Page, expect

from assistant.knowledge.records import Hit, Source
from assistant.knowledge.store import KnowledgeBase
from assistant.memory.address import RedisAddress
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Turn, text_parts
from assistant.settings import Settings
from ingest.pipeline import Pipeline
from tests.browser import App, Visitor, running_app
from tests.library_desk import shared_embeddings
from tests.openai_server import openai_server
from tests.pages import visitor_of
from tests.samples.pdf import PdfPage, pdf

WAIT = 20_000.0
GUIDE = """# 极光使用指南 Aurora guide

## 充电 Charging

充满电需要90分钟。**请勿**在高温下充电，温度超过40度会自动停止。

- 使用随附的 `USB-C` 线
- 指示灯变绿表示充满
  - 闪烁表示故障

| 电量 | 时间 | 灯 |
| --- | --- | --- |
| 50% | 40 分钟 | 橙色 |
| 100% | 90 分钟 | 绿色 |

## 命令 Commands

用下面的命令检查电池：

```bash
aurora --battery --verbose   # <script>alert(1)</script>
```

![远程图片](https://evil.example/x.png) 见 [说明](https://evil.example/)。
"""
ENGLISH = (
    "The Aurora 7000 is a portable spectrometer for field work.",
    "It weighs 1.8 kilograms and is 32 centimetres long.",
    "Calibrate it once a year; the warranty covers three years.",
    "Keep the lens dry. Never open the housing while it is on.",
)
CHINESE = (
    "极光7000的保修期是三年，每年需要校准一次。",
    "镜头应保持干燥，通电时不要打开外壳。",
    "校准须在二十摄氏度的室内进行，约需十五分钟。",
)


def manual() -> bytes:
    """Two pages: one in English, one in Chinese."""
    first, second = PdfPage(), PdfPage()
    first.text("Aurora 7000 manual", 72, 760, 22, "bold").text(
        "Specifications", 72, 715, 15, "bold"
    )
    first.lines(ENGLISH, 72, 685, 12).rule(72, 610, 520, 610)
    second.text("保修与校准", 72, 760, 20).lines(CHINESE, 72, 720, 13)
    return pdf([first, second], title="Aurora 7000 manual")


@dataclass
class Cited:
    """Words of a document, as an answer's source."""

    source: Source
    chunk: Hit
    words: str

    def link(self) -> str:
        begin = self.chunk.text.index(self.words)
        place = self.chunk.position
        mark = f"?mark={place}:{begin}-{begin + len(self.words)}" if self.words else ""
        return f"/source/{self.source.id}{mark}#chunk-{place}"

    def stored(self, n: int) -> dict[str, object]:
        begin = self.chunk.text.index(self.words)
        return {
            "n": n, "id": f"x{n}", "title": self.source.title, "location": self.chunk.location,
            "quote": self.chunk.text, "score": 1.0, "link": self.link(),
            "marks": [[begin, begin + len(self.words)]],
        }  # fmt: skip


def add_documents(folder: Path, data_dir: Path) -> None:
    """The guide and the manual, read as any document."""
    settings = Settings.load({"DATA_DIR": str(data_dir), "EMBEDDING_CACHE_MB": "0"}, None)
    (folder / "guide.md").write_text(GUIDE, "utf-8")
    (folder / "manual.pdf").write_bytes(manual())
    with closing(knowledge_in(data_dir)) as knowledge:
        pipeline = Pipeline(settings, knowledge, shared_embeddings())
        for _ in pipeline.add_paths([folder / "guide.md", folder / "manual.pdf"]):
            pass


def knowledge_in(data_dir: Path) -> KnowledgeBase:
    embeddings = shared_embeddings()
    return KnowledgeBase(data_dir, embeddings.embed_questions, embeddings.fingerprint)


def cited(knowledge: KnowledgeBase, name: str, words: str) -> Cited:
    """The passage of the document that holds ``words``."""
    [source] = [one for one in knowledge.sources() if Path(one.uri).name == name]
    chunk = next(chunk for chunk in knowledge.chunks(source.id) if words in chunk.text)
    return Cited(source, chunk, words)


@dataclass
class SourceDesk:
    """The running app with the documents, and its memory."""

    app: App
    memory: LongTermMemory
    folder: Path
    passages: Sequence[Cited]

    def store(self, id: str, answer: str, *, cites: Sequence[Cited] = ()) -> None:
        found = cites or self.passages
        sources = tuple(one.stored(n) for n, one in enumerate(found, 1))
        turn = Turn(
            "t1", text_parts("极光多重？怎样充电？"), answer, "极光多重？怎样充电？", time.time(),
            sources=sources, timings={"total": 2.0}, kind="answer", model="vllm:test",
        )  # fmt: skip
        self.memory.add("local", id, turn, np.ones(384, dtype=np.float32), text=turn.text)

    @contextmanager
    def conversation(
        self, browser: Browser, language: str, width: int, *, dark: bool = False, id: str = "a"
    ) -> Iterator[tuple[Visitor, Page]]:
        with visitor_of(browser, language, width, dark=dark) as visitor:
            page = visitor.page
            page.set_default_timeout(WAIT)
            page.goto(f"{self.app.url}/?c={id}")
            expect(page.locator("#chat .sources").first).to_be_visible(timeout=WAIT)
            page.wait_for_selector(".source-panel", state="attached")
            yield visitor, page


ANSWER = (
    "极光7000重1.8千克，长32厘米[1]。充满电需要90分钟[2]，电池可以用命令检查[3]。\n\n"
    "保修期是三年，每年校准一次[4]。"
)


@contextmanager
def source_desk(folder: Path) -> Iterator[SourceDesk]:
    data_dir = folder / "data"
    data_dir.mkdir()
    (data_dir / "sample-added").touch()
    add_documents(folder, data_dir)
    with closing(knowledge_in(data_dir)) as knowledge:
        passages = [
            cited(knowledge, "manual.pdf", "It weighs 1.8 kilograms and is 32 centimetres long."),
            cited(knowledge, "guide.md", "充满电需要90分钟"),
            cited(knowledge, "guide.md", "aurora --battery"),
            cited(knowledge, "manual.pdf", "保修期是三年，每年需要校准一次"),
        ]
    with openai_server() as model:
        given = {
            "DATA_DIR": str(data_dir),
            "CHAT_MODEL": "vllm:test",
            "VLLM_BASE_URL": model.url,
            "GRACE_SECONDS": "5",
        }
        address = RedisAddress(Settings.load(given, None))
        memory = LongTermMemory(address.url)
        with running_app(**given) as app:
            assert app.url
            desk = SourceDesk(app, memory, folder, passages)
            desk.store("a", ANSWER)
            yield desk
        memory.close()
        address.close()
