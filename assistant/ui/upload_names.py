"""The files of one upload, as the browser sent them: each once, each under a name of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Chosen:
    """``is_repeated``: the same content came under this name before."""

    path: Path
    name: str
    is_repeated: bool = False


def chosen_files(files: Sequence[str]) -> list[Chosen]:
    """Gradio puts a file into a folder that is named after its content, so the same path is the
    same file. Files of different folders may have the same name: the second is numbered, for
    documents of one name would replace each other.

    >>> [file.name for file in chosen_files(["/t/1/a.md", "/t/2/a.md", "/t/2/b.md"])]
    ['a.md', 'a (2).md', 'b.md']
    """
    chosen: list[Chosen] = []
    seen: set[Path] = set()
    taken: set[str] = set()
    for path in map(Path, files):
        if path in seen:
            chosen.append(Chosen(path, path.name, is_repeated=True))
            continue
        seen.add(path)
        name = _free(path, taken)
        taken.add(name)
        chosen.append(Chosen(path, name))
    return chosen


def _free(path: Path, taken: set[str]) -> str:
    name, number = path.name, 2
    while name in taken:
        name, number = f"{path.stem} ({number}){path.suffix}", number + 1
    return name
