"""Makes hits and passages for tests."""

from assistant.knowledge.records import Hit, Source
from assistant.passages import Passage


def hit(text: str, n: int = 1, title: str = "文档", score: float = 1.0) -> Hit:
    source = Source(n, "default", f"/tmp/{n}.md", title, "md", 1, len(text), "hash", 0.0, 0.0)
    return Hit(id=f"c{n}", text=text, score=score, source=source, position=0)


def passage(n: int, text: str, title: str = "文档") -> Passage:
    return Passage(n, hit(text, n, title), text)
