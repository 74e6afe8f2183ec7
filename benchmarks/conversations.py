"""Waits and answers of the embedded default over whole turns.

    python -m benchmarks.conversations DATA [--each 10] [--think 0] [--output FILE]

DATA is a folder with ``zh_kdconv`` and ``en_mtrag`` in BEIR layout (corpus.jsonl, queries.jsonl
with the conversation in each question's metadata, qrels/dev.tsv) and ``vectors/SET.npy`` (float16
passage vectors of the corpus rows). From each set ``--each`` conversations are taken, two questions
each, through the app's own path: memory, rewriting, retrieval, answering, citations.

An answer "holds the reference" in zh_kdconv if it contains the value of an annotated fact (a value
longer than 20 characters: 60 % of its character pairs), in en_mtrag if it contains 30 % of the
distinct content words of the reference answer, without the words of the question.
``--think`` is how many seconds the person reads before the follow-up.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from assistant import events
from assistant.knowledge.keywords import query_terms
from assistant.knowledge.records import NewChunk
from assistant.memory.records import Turn, text_parts
from assistant.parts import Parts, open_parts
from assistant.settings import Settings

SETS = ("zh_kdconv", "en_mtrag")


@dataclass
class Question:
    """One question of a set with the conversation before it."""

    id: str
    text: str
    history: list[Turn]
    references: list[str]
    facts: list[str]
    relevant: set[str]


@dataclass
class Result:
    """What a turn took and gave."""

    set: str
    id: str
    position: int
    question: str
    standalone: str = ""
    answer: str = ""
    reference: str = ""
    holds: bool = False
    retrieved: bool = False  # a relevant passage was among those given
    cited: int = 0
    first_token: float = 0.0
    total: float = 0.0
    rewrite: float = 0.0
    prompt_tokens: int = 0
    tokens_per_second: float = 0.0
    notices: list[str] = field(default_factory=list)


def main() -> None:
    arguments = _arguments()
    results: list[Result] = []
    memory: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.sets:
            settings = Settings.load(_environment(Path(folder) / name), env_file=None)
            parts = open_parts(settings)
            try:
                _fill(parts, arguments.data, name)
                parts.turns.warm_up()
                memory[f"{name} idle"] = _resident_gb()
                for conversation in _conversations(arguments.data / name, arguments.each):
                    results += _run(parts, name, conversation, arguments.think)
                    print(_line(results[-2]), _line(results[-1]), sep="\n", flush=True)
                memory[f"{name} after"] = _resident_gb()
            finally:
                parts.close()
    _report(results, memory)
    if arguments.output:
        rows = "\n".join(json.dumps(vars(row), ensure_ascii=False) for row in results)
        arguments.output.write_text(rows + "\n", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--each", type=int, default=10)
    parser.add_argument("--think", type=float, default=0.0)
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--output", type=Path)
    return parser.parse_args()


def _environment(folder: Path) -> dict[str, str]:
    return {"DATA_DIR": str(folder), "GRACE_SECONDS": "1"}


def _fill(parts: Parts, data: Path, name: str) -> None:
    """Store the corpus with the vectors that lie beside it: one source a passage."""
    vectors = np.load(data / "vectors" / f"{name}.npy").astype(np.float32)
    for row, vector in zip(_json_lines(data / name / "corpus.jsonl"), vectors, strict=True):
        title, text = row["title"], row["text"].removeprefix(row["title"]).strip()
        chunk = NewChunk(text or title, (title,) if title and text else ())
        unit = (vector / np.linalg.norm(vector))[None]
        parts.knowledge.add_embedded(
            row["_id"], title or row["_id"], "text", len(text), row["_id"], [chunk], unit
        )


def _conversations(folder: Path, count: int) -> Iterator[list[Question]]:
    """Two consecutive questions of each of ``count`` conversations, spread over the set."""
    relevant: dict[str, set[str]] = {}
    for line in (folder / "qrels" / "dev.tsv").read_text("utf-8").splitlines()[1:]:
        query, passage, _ = line.split("\t")
        relevant.setdefault(query, set()).add(passage)
    groups: dict[str, list[Question]] = {}
    for row in _json_lines(folder / "queries.jsonl"):
        if row["_id"] not in relevant:
            continue
        meta = row["metadata"]
        group = meta.get("dialog") or meta.get("conversation")
        groups.setdefault(group, []).append(_question(row, relevant[row["_id"]]))
    pairs = [sorted(group, key=lambda q: len(q.history))[:2] for group in groups.values()]
    pairs = [pair for pair in pairs if len(pair) == 2]
    yield from pairs[:: max(1, len(pairs) // count)][:count]


def _question(row: dict[str, Any], relevant: set[str]) -> Question:
    meta = row["metadata"]
    messages = [turn["content"] for turn in meta["turns"]]
    pairs = zip(messages[0::2], [*messages[1::2], ""], strict=False)
    history = [
        Turn(
            f"{row['_id']}-{n}",
            text_parts(asked),
            answered,
            asked,
            float(n),
            parent=f"{row['_id']}-{n - 1}" if n else "",
        )
        for n, (asked, answered) in enumerate(pairs)
    ]
    facts = [fact[2] for fact in meta.get("facts") or ()]
    return Question(row["_id"], row["text"], history, meta["answers"], facts, relevant)


def _run(parts: Parts, name: str, pair: Sequence[Question], think: float) -> list[Result]:
    results = []
    for position, question in enumerate(pair):
        _remember(parts, question)
        if position and think:
            for chat, messages in parts.conversation.next_prompts(question.id, question.id):
                chat.warm(messages)
            time.sleep(think)
        result = Result(name, question.id, position, question.text)
        result.reference = " / ".join(question.facts or question.references)
        _turn(parts, question, result)
        results.append(result)
    return results


def _remember(parts: Parts, question: Question) -> None:
    """Both memories hold the set's own conversation before ``question``, of a user who has no
    other, so that it follows what people really said."""
    for turn in question.history:
        vector = parts.embeddings.embed_questions([turn.standalone])[0]
        parts.long_term.add(question.id, question.id, turn, vector, text=turn.standalone)
    parts.memory.short_term.fill(question.id, question.id, question.history)


def _turn(parts: Parts, question: Question, result: Result) -> None:
    began, tokens, ended = time.monotonic(), 0, 0.0
    passages: list[events.Source] = []
    for event in parts.conversation.turn(question.id, question.id, question.text):
        match event:
            case events.Rewrite(standalone=standalone):
                result.standalone = standalone
                result.rewrite = time.monotonic() - began
            case events.Source(marks=()):
                passages.append(event)
            case events.Token():
                tokens += 1
                ended = time.monotonic() - began
                result.first_token = result.first_token or ended
            case events.Revise(cited=cited):
                result.cited = len(cited)
            case events.Done(answer=answer):
                result.answer = answer
    result.total = time.monotonic() - began
    result.tokens_per_second = (tokens - 1) / max(ended - result.first_token, 1e-9)
    text = "".join(f"[{p.n}] {p.title}: {p.quote}\n" for p in passages)
    result.prompt_tokens = parts.embeddings.count_tokens(text + result.standalone) + 60
    ids = {int(p.link.split("/")[2].split("#")[0]) for p in passages}
    given = {source.uri for each in ids if (source := parts.knowledge.source(each))}
    result.retrieved = bool(given & question.relevant)
    result.holds = _holds(result.answer, question)


def _holds(answer: str, question: Question) -> bool:
    if question.facts:
        return any(_contains(answer, fact) for fact in question.facts)
    said = set(query_terms(answer)) - set(query_terms(question.text))
    for reference in question.references:
        wanted = set(query_terms(reference)) - set(query_terms(question.text))
        if wanted and len(wanted & said) >= 0.3 * len(wanted):
            return True
    return False


def _contains(answer: str, fact: str) -> bool:
    flat, value = _flat(answer), _flat(fact)
    if len(value) <= 20:
        return bool(value) and value in flat
    pairs = {value[i : i + 2] for i in range(len(value) - 1)}
    return sum(pair in flat for pair in pairs) >= 0.6 * len(pairs)


def _flat(text: str) -> str:
    text = re.sub(r"(?<!\d)0(?=\d)", "", text)  # 06月 is 6月
    return "".join(char for char in text.lower() if char.isalnum())


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _resident_gb() -> float:
    """Resident memory of this process and the chat model's server, in GB (Linux)."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            command = (status.parent / "cmdline").read_bytes()
            ours = b"benchmarks.conversations" in command or b"models/local/server.py" in command
            if ours or b"valkey-server" in command:
                text = status.read_text()
                total += int(text.split("VmRSS:")[1].split()[0]) if "VmRSS:" in text else 0
        except (FileNotFoundError, ProcessLookupError):
            continue
    return round(total / 1e6, 2)


def _line(row: Result) -> str:
    marks = f"{'R' if row.retrieved else '-'}{'H' if row.holds else '-'}c{row.cited}"
    return (
        f"{row.set} {marks} first {row.first_token:5.1f}s (rewrite {row.rewrite:4.1f}s) "
        f"total {row.total:5.1f}s  {row.prompt_tokens:4} prompt tokens, "
        f"{row.tokens_per_second:4.1f}/s\n   Q {row.question}\n   -> {row.standalone}\n"
        f"   A {row.answer!r}\n   = {row.reference[:200]!r}"
    )


def _report(results: Sequence[Result], memory: dict[str, float]) -> None:
    print()
    for name in dict.fromkeys([*(row.set for row in results), "all"]):
        rows = [row for row in results if name in (row.set, "all")]
        first = sorted(row.first_token for row in rows)
        print(
            f"{name}: n {len(rows)}; first token p50 {statistics.median(first):.1f} s, "
            f"p95 {first[int(0.95 * (len(first) - 1) + 0.5)]:.1f} s; "
            f"tokens/s {statistics.median(row.tokens_per_second for row in rows):.1f}; "
            f"prompt tokens {statistics.median(row.prompt_tokens for row in rows):.0f}; "
            f"passage given {sum(row.retrieved for row in rows)}, "
            f"holds the reference {sum(row.holds for row in rows)}, "
            f"with citation {sum(row.cited > 0 for row in rows)}"
        )
    print("resident GB:", memory)


if __name__ == "__main__":
    main()
