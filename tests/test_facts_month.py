"""How the scripted month is scored."""

import json
from pathlib import Path

import pytest

from assistant.memory.records import Fact, Said, Version
from benchmarks.memory_month import scripts
from benchmarks.memory_month.__main__ import plain_items
from benchmarks.memory_month.scoring import Item, Score, items_of, overlaps, score
from benchmarks.memory_month.scripts import Person

CONVERSATIONS = [
    {
        "id": "b",
        "user": "u",
        "day": 5,
        "language": "zh",
        "turns": [{"user": "我搬到杭州了，怎么落户？", "assistant": "你有车。", "documents": []}],
        "plants": [
            {
                "id": "p2",
                "turn": 0,
                "text": "我搬到杭州了",
                "slot": "home",
                "kind": "fact",
                "replaces": "p1",
            }
        ],
        "traps": [
            {
                "turn": 0,
                "where": "assistant",
                "kind": "assistant",
                "text": "你在银行工作，家里养狗",
            }
        ],
    },
    {
        "id": "a",
        "user": "u",
        "day": 0,
        "language": "zh",
        "turns": [
            {"user": "我住在上海，我同事住在北京。", "assistant": "好", "documents": []},
            {"user": "我喜欢猫", "assistant": "好", "documents": []},
        ],
        "plants": [
            {
                "id": "p1",
                "turn": 0,
                "text": "我住在上海",
                "slot": "home",
                "kind": "fact",
                "replaces": None,
            },
            {
                "id": "p3",
                "turn": 1,
                "text": "我喜欢猫",
                "slot": "pet",
                "kind": "fact",
                "replaces": None,
            },
        ],
        "traps": [{"turn": 0, "where": "user", "kind": "other", "text": "我同事住在北京"}],
    },
]


@pytest.fixture
def person(tmp_path: Path) -> Person:
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in CONVERSATIONS)
    (tmp_path / "dev.zh.jsonl").write_text(lines + "\n", "utf-8")
    (person,) = scripts.read("dev", tmp_path)
    return person


def test_messages_come_in_the_order_of_days(person: Person) -> None:
    assert [(m.turn, m.parent) for m in person.messages] == [
        ("a.0", ""),
        ("a.1", "a.0"),
        ("b.0", ""),
    ]
    times = [message.time for message in person.messages]
    assert times == sorted(times)


def test_a_perfect_memory(person: Person) -> None:
    said = {name: (Said(name[0], name, 1.0),) for name in ("a.0", "a.1", "b.0")}
    facts = [
        Fact(
            "1",
            "fact",
            "我搬到杭州了",
            said["b.0"],
            2.0,
            history=(Version("我住在上海", said["a.0"], 2.0),),
        ),
        Fact("2", "fact", "我喜欢猫", said["a.1"], 1.0),
    ]
    result = score(person, items_of(facts))
    assert (result.precision, result.recall, result.following) == (1, 1, 1)
    assert (result.items, result.caught, result.echoed, result.verbatim) == (3, 0, 0, 3)


def test_faults_are_counted(person: Person) -> None:
    items = [
        Item("我搬到杭州了", frozenset({"b.0"})),
        Item("我住在上海", frozenset({"a.0"})),  # still active
        Item("我同事住在北京", frozenset({"a.0"})),  # a trap
        Item("你在银行工作，家里养狗", frozenset({"b.0"})),  # echoed
        Item("我喜欢猫", frozenset({"b.0"})),  # said elsewhere
    ]
    result = score(person, items)
    assert (result.right, result.items) == (2, 5)
    assert (result.found, result.plants) == (2, 3)
    assert (result.followed, result.changes) == (0, 1)
    assert (result.caught, result.echoed) == (2, 2)
    assert result.missed == ["u: 我喜欢猫"]


def test_a_plant_that_nothing_replaces_must_be_active(person: Person) -> None:
    items = [Item("我喜欢猫", frozenset({"a.1"}), is_active=False)]
    assert score(person, items).found == 0
    items = [Item("我住在上海", frozenset({"a.0"}), is_active=False)]
    assert score(person, items).found == 1


def test_scores_add_up(person: Person) -> None:
    one = score(person, [Item("我喜欢猫", frozenset({"a.1"}))])
    both = one + one
    assert (both.items, both.found, both.plants) == (2, 2, 6)
    assert both.recall == one.recall
    assert Score().as_json()["precision"] == 1.0


def test_the_plain_way_takes_every_sentence_with_i(person: Person) -> None:
    assert [item.text for item in plain_items(person)] == [
        "我住在上海，我同事住在北京。",
        "我喜欢猫",
        "我搬到杭州了，怎么落户？",
    ]


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("我住在上海", "我 住在「上海」。", True),
        ("I use Go", "i use go daily", True),
        ("", "a", False),
    ],
)
def test_overlap(a: str, b: str, expected: bool) -> None:
    assert overlaps(a, b) is expected


def test_a_missing_half_is_said(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="test"):
        scripts.read("test", tmp_path)


def test_plants_of_the_shipped_half_stand_in_their_messages() -> None:
    people = scripts.read("dev")
    assert len(people) >= 5
    for one in people:
        typed = {message.turn: message.text for message in one.messages}
        known = {plant.id for plant in one.plants}
        for plant in one.plants:
            assert plant.text in typed[plant.turn], plant.id
            assert plant.replaces is None or plant.replaces in known, plant.id
