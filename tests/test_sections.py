"""Hits that grow to whole sections, and copies that take no place."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from assistant.knowledge.records import Hit, NewChunk
from assistant.knowledge.store import KnowledgeBase
from assistant.repeats import without_repeats
from assistant.sections import sections
from tests.knowledge_samples import add, open_knowledge
from tests.passages import hit

SETUP = ("Setup one two three.", "Setup four five six.", "Setup seven eight nine.")
PORTS = ("Ports are open. They listen early.", "They listen early. Port 7860 is the page.")


@pytest.fixture
def knowledge(tmp_path: Path) -> Iterator[KnowledgeBase]:
    chunks = [NewChunk(text, ("Guide", "Setup")) for text in SETUP]
    chunks += [NewChunk(text, ("Guide", "Ports")) for text in PORTS]
    with open_knowledge(tmp_path) as knowledge:
        add(knowledge, "/guide.md", chunks=chunks)
        add(knowledge, "/other.md", "Other words.")
        yield knowledge


def words(text: str) -> int:
    return len(text.split())


def found(knowledge: KnowledgeBase, *texts: str) -> list[Hit]:
    every = [hit for source in knowledge.sources() for hit in knowledge.chunks(source.id)]
    by_text = {hit.text: hit for hit in every}
    return [replace(by_text[text], kept="both") for text in texts]


def test_hits_grow_to_their_sections_ends(knowledge: KnowledgeBase) -> None:
    hits = found(knowledge, SETUP[1], "Other words.", PORTS[1])
    grown = sections(knowledge, hits, 100, words)
    assert [one.text for one in grown] == [
        "\n\n".join(SETUP),
        "Other words.",
        "Ports are open. They listen early. Port 7860 is the page.",  # its overlap once
    ]
    assert [one.kept for one in grown] == ["neighbour", "both", "neighbour"]
    assert [(one.id, one.position) for one in grown] == [(one.id, one.position) for one in hits]
    shares = [[one.text[part.start : part.end] for part in one.parts] for one in grown]
    assert shares == [list(SETUP), [], [PORTS[0], " Port 7860 is the page."]]
    assert PORTS[1][grown[2].parts[1].skipped :] == shares[2][1]


def test_the_budget_is_kept_and_the_best_grows_first(knowledge: KnowledgeBase) -> None:
    hits = found(knowledge, SETUP[1], PORTS[0])
    for budget in range(10, 24):
        grown = sections(knowledge, hits, budget, words)
        assert sum(words(one.text) for one in grown) <= budget
        assert len(grown) == 2
    assert sections(knowledge, hits, 10, words) == hits  # no room to grow
    # What comes after is taken before what stands earlier.
    assert sections(knowledge, hits, 14, words)[0].text == "\n\n".join(SETUP[1:])
    assert sections(knowledge, hits, 18, words)[0].text == "\n\n".join(SETUP)


def test_what_does_not_fit_is_left_out_but_for_the_best(knowledge: KnowledgeBase) -> None:
    hits = found(knowledge, SETUP[0], PORTS[1], "Other words.")
    assert [one.text for one in sections(knowledge, hits, 1, words)] == [SETUP[0]]
    texts = [one.text for one in sections(knowledge, hits, 6, words)]
    assert texts == [SETUP[0], "Other words."]
    assert sections(knowledge, [], 100, words) == []


def test_hits_of_one_section_become_one(knowledge: KnowledgeBase) -> None:
    hits = found(knowledge, SETUP[2], SETUP[0])
    (whole,) = sections(knowledge, hits, 12, words)
    assert whole.text == "\n\n".join(SETUP) and whole.id == hits[0].id
    apart = sections(knowledge, hits, 8, words)
    assert [one.text for one in apart] == [SETUP[2], SETUP[0]]


def below(heading: str, text: str) -> Hit:
    return replace(hit(text), heading_path=(heading,))


def test_copies_and_parts_of_better_hits_are_left_out() -> None:
    text = "The pump starts at 06:00 and stops at 22:00, but not on Sundays."
    best = below("Pump", text)
    copies = [
        below("Pump", text),
        below("PUMP", text.upper().replace(", ", " \n ")),
        below("Pump", "and stops at 22:00"),
        below("Pump", f"Note: {text}"),
    ]
    others = [
        below("Fan", text),  # the same is said of another thing
        below("Pump", text.replace("22:00", "23:00")),
        below("Pump", text.replace("but not", "but also")),
        below("Pump", f"{text} In winter it needs oil, which is sold at the counter."),
    ]
    assert without_repeats([best, *copies, *others], 99) == [best, *others]
    assert without_repeats([best, *copies, *others], 2) == [best, others[0]]
    assert without_repeats([], 3) == []


def test_chinese_copies() -> None:
    one, other = "退货期限为三十天，运费由卖家承担。", "退货期限为三十天，运费由买家承担。"
    hits = [below("售后", one), below("售后", f"{one}\n"), below("售后", other)]
    assert [hit.text for hit in without_repeats(hits, 9)] == [one, other]
