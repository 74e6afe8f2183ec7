"""Facts without what was said in a place that is gone."""

from dataclasses import replace

from assistant.memory.records import Fact, Said, Version
from assistant.memory.withdrawal import (
    FactChanges,
    beyond,
    following,
    joined,
    said_in,
    withdrawn,
    without,
)
from tests.memories import fact, turn

HERE, THERE = Said("here", "1", 1.0), Said("there", "2", 2.0)
GONE = said_in(["here"])


def versions(*said: tuple[str, tuple[Said, ...]]) -> tuple[Version, ...]:
    return tuple(Version(text, places, float(n)) for n, (text, places) in enumerate(said, 10))


def test_a_fact_said_nowhere_else_goes() -> None:
    assert without(fact("f", "x", ("here", "1", 1.0)), GONE) is None


def test_what_was_said_elsewhere_too_stays_with_that() -> None:
    left = without(replace(fact("f", "x"), said=(HERE, THERE)), GONE)
    assert left == replace(fact("f", "x"), said=(THERE,))


def test_words_of_the_memory_page_stay() -> None:
    written = fact("f", "x")
    assert without(written, GONE) == written


def test_a_fact_falls_back_to_its_newest_version_that_remains() -> None:
    history = versions(("oldest", (THERE,)), ("older", (HERE, THERE)), ("old", (HERE,)))
    pinned = replace(fact("f", "new"), said=(HERE,), history=history, pinned=True)
    left = without(pinned, GONE)
    assert left == Fact("f", "fact", "older", (THERE,), 2.0, True, versions(("oldest", (THERE,))))


def test_a_version_said_there_leaves_the_history_of_a_fact_that_stays() -> None:
    history = versions(("older", (HERE,)), ("typed", ()))
    left = without(replace(fact("f", "new"), said=(THERE,), history=history), GONE)
    assert left is not None and [one.text for one in left.history] == ["typed"]


def test_a_fact_falls_back_to_what_was_typed() -> None:
    history = versions(("typed", ()))
    left = without(replace(fact("f", "new"), said=(HERE,), history=history), GONE)
    assert left is not None and (left.text, left.said, left.updated) == ("typed", (), 10.0)


def test_only_what_changes_is_told() -> None:
    gone, stays = fact("a", "x", ("here", "1", 1.0)), fact("b", "y", ("there", "1", 1.0))
    assert withdrawn([gone, stays], GONE) == FactChanges((), ("a",))
    assert not withdrawn([stays], GONE)
    assert FactChanges((stays,), ("a",)).applied({"a": gone}) == {"b": stays}


def test_what_follows_a_turn_is_found_through_all_branches() -> None:
    turns = {
        id: turn(id, id=id, parent=parent)
        for id, parent in {"a": "", "b": "a", "c": "b", "d": "b", "e": "a", "f": "d"}.items()
    }
    assert following(turns, "b") == {"b", "c", "d", "f"}
    assert following(turns, "unknown") == {"unknown"}
    loop = {id: turn(id, id=id, parent=parent) for id, parent in {"a": "b", "b": "a"}.items()}
    assert following(loop, "a") == {"a", "b"}


def test_the_oldest_go_beyond_the_bound_and_pinned_ones_never() -> None:
    facts = {str(n): replace(fact(str(n), "x", updated=n), pinned=n == 0) for n in range(5)}
    assert beyond(facts, 5) == ()
    assert beyond(facts, 3) == ("1", "2")
    assert beyond(facts, 0) == ("1", "2", "3", "4")


def test_what_was_held_joins_what_came_meanwhile() -> None:
    now = replace(fact("f", "Uses H20", updated=2.0), said=(THERE,), pinned=True)
    held = replace(fact("g", "uses h20", updated=1.0), said=(HERE,))
    assert joined(held, now) == replace(now, said=(HERE, THERE))
    newer = replace(fact("f", "uses H800", updated=3.0), said=(HERE,), history=versions(("a", ())))
    assert joined(newer, now) == replace(newer, pinned=True)
