"""``python -m benchmarks.asking [train | --data DIR ...]``: see the package."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from assistant.asking import Kind, asking
from assistant.evaluate.dataset import Question, load
from assistant.models.embedding.e5 import open_e5
from assistant.models.embedding.model import Embed
from benchmarks.asking.messages import messages
from benchmarks.asking.train import train

#: Names of documents that the labelled messages speak of.
NAMES = (
    "用户手册", "安全白皮书.pdf", "员工手册", "report.pdf", "入职指南", "说明书", "User manual",
    "User guide", "Onboarding guide", "Release notes 4.2", "Employee handbook",
    "Security whitepaper", "manual-zh.pdf", "Privacy policy", "Annual report 2023",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.asking")
    parser.add_argument("command", nargs="?", choices=["train"])
    parser.add_argument("--data", nargs="*", type=Path, default=[])
    arguments = parser.parse_args()
    if arguments.command == "train":
        train()
        return
    embed = open_e5(1).queries
    if arguments.data:
        for folder in arguments.data:
            _on_questions(folder, embed)
    else:
        _on_messages(embed)


def _on_messages(embed: Embed) -> None:
    """The small talk classifier was trained on these: see what ``train`` prints for it."""
    counts: Counter[tuple[str, Kind, Kind]] = Counter()
    for message in messages():
        found = asking(message.text, message.text, lambda: NAMES, embed=embed).kind
        counts[message.language, message.kind, found] += 1
        if found is not message.kind:
            print(f"{message.kind} taken for {found}: {message.text}")
    for (language, kind, found), count in sorted(counts.items()):
        print(f"{language} {kind} -> {found}: {count}")


def _on_questions(folder: Path, embed: Embed) -> None:
    dataset = load(folder, "dev")
    names = list(dict.fromkeys(passage.title for passage in dataset.passages))
    counts: Counter[Kind] = Counter()
    start = time.perf_counter()
    for question, kind in _kinds(dataset.questions, names, embed):
        counts[kind] += 1
        if kind is not Kind.LOOKUP:
            print(f"{dataset.name}: {kind}: {question.text}")
    spent = 1000 * (time.perf_counter() - start) / len(dataset.questions)
    print(f"{dataset.name}: {dict(counts)}, {spent:.1f} ms each with what is embedded")


def _kinds(
    questions: Sequence[Question], names: Sequence[str], embed: Embed
) -> Iterator[tuple[Question, Kind]]:
    for question in questions:
        said = {turn["role"]: turn["content"] for turn in question.turns}
        found = asking(
            question.text,
            question.gold or question.text,
            lambda: names,
            previous=said.get("assistant", ""),
            earlier=said.get("user", ""),
            embed=embed,
        )
        yield question, found.kind


if __name__ == "__main__":
    main()
