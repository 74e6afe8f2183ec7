"""Whether a statement is another value of a known fact: its features, its weights, its pairs."""

import json
from collections.abc import Sequence

import numpy as np
import pytest

from assistant.memory.facts import Statement, merged
from assistant.memory.facts.likeness import UNRELATED, Likeness
from assistant.memory.facts.near import nearest
from assistant.memory.facts.replacing import chances, features, shipped
from assistant.memory.facts.topics import TOPICS
from assistant.memory.facts.values import measures, names_and_numbers
from assistant.memory.records import Fact, Said
from assistant.models.embedding.e5 import open_e5
from benchmarks.memory_month import pairs


@pytest.fixture(scope="module")
def likeness() -> Likeness:
    return Likeness(open_e5(1).queries)


def known(*texts: str) -> dict[str, Fact]:
    places = [(Said("c", f"t{number}", float(number)),) for number in range(len(texts))]
    return {
        str(number): Fact(str(number), "fact", text, places[number], float(number))
        for number, text in enumerate(texts)
    }


def chance(likeness: Likeness, old: str, new: str, change: int = 0) -> float:
    near = nearest(list(known(old, "我对花生过敏", "I keep bees").values()), new, likeness)
    found = dict(
        zip((n.fact.text for n in near), chances(near, said(new, change), likeness), strict=True)
    )
    return found[old]


def said(text: str, change: int = 0, is_sure: bool = True) -> Statement:
    return Statement(text, "fact", "zh", change, is_sure)


def test_every_feature_has_a_weight(likeness: Likeness) -> None:
    near = nearest(list(known("我住在上海").values()), "我搬到杭州了", likeness)
    (found,) = features(near, said("我搬到杭州了", 2), likeness)
    assert set(found) == set(shipped())


def test_nothing_known_nothing_replaced(likeness: Likeness) -> None:
    assert chances([], said("我住在上海"), likeness) == []


@pytest.mark.parametrize(
    ("old", "new", "beside"),
    [
        ("我们用 vLLM 0.6", "我们用 vLLM 0.9", "我们用的是 Debian 12"),
        ("我们生产环境用 MySQL 8.0", "我们生产环境用 MySQL 8.4", "我们测试环境用 MySQL 5.7"),
        ("our cluster runs Ubuntu 22.04", "our cluster runs Ubuntu 24.04", "it has nine nodes"),
        ("我住在上海", "我住在杭州", "我爸妈住在杭州"),
    ],
)
def test_the_same_matter_is_told_from_another(
    likeness: Likeness, old: str, new: str, beside: str
) -> None:
    assert chance(likeness, old, new) > 0.8 > 0.5 > chance(likeness, old, beside)


def test_words_of_change_make_it_likelier(likeness: Likeness) -> None:
    plain, changed = (chance(likeness, "我住在苏州", "在宁波租房", change) for change in (0, 2))
    assert changed > plain


@pytest.mark.parametrize("is_sure", [True, False])
def test_what_is_unsure_is_kept_only_in_the_place_of_a_fact(
    likeness: Likeness, is_sure: bool
) -> None:
    facts, place = known("我们用 vLLM 0.6", "我对花生过敏"), Said("c", "t9", 9.0)
    changes = merged(facts, said("我们用 vLLM 0.9", is_sure=is_sure), place, likeness)
    (fact,) = changes.put
    assert (fact.id, fact.text, fact.history[0].text) == ("0", "我们用 vLLM 0.9", "我们用 vLLM 0.6")
    changes = merged(facts, said("我每周打网球", is_sure=is_sure), place, likeness)
    assert bool(changes.put) is is_sure


def test_topics_are_alike_across_languages(likeness: Likeness) -> None:
    assert len(TOPICS["zh"]) == len(TOPICS["en"]) == len(set(TOPICS["en"]))
    chinese, car, home = likeness.topics(
        ["我开的是一辆沃尔沃", "I drive a Volvo", "I live in Leeds"]
    )
    assert float(chinese @ car) > float(chinese @ home)


def test_topics_are_measured_in_the_models_own_spread() -> None:
    generator = np.random.default_rng(1)
    vectors: dict[str, np.ndarray] = {}

    def embed(texts: Sequence[str], shared: float = 0.0) -> np.ndarray:
        for text in texts:
            vectors.setdefault(text, np.append(unit(generator.normal(size=8)), 0.0))
        rows = np.stack([vectors[text] for text in texts])
        rows[:, -1] = shared
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    texts = ["I use Go", UNRELATED["en"][0]]
    wide = Likeness(embed).topics(texts)
    narrow = Likeness(lambda texts: embed(texts, 3.0)).topics(texts)
    assert wide == pytest.approx(narrow, rel=1e-3, abs=1e-3)
    assert wide.shape == (2, len(TOPICS["en"]))


def test_values_by_their_looks() -> None:
    assert names_and_numbers("我们用 Debian 12") == ({"debian"}, {"12"})
    assert measures("8 张 A100 80G") == {"张", "g"}
    assert measures("we're five people") == {"people"}


def test_the_pairs_are_whole() -> None:
    cases = pairs.read(pairs.FOLDER)
    assert len(cases) > 350
    for case in cases:
        assert case.known
        assert case.said[0] not in [text for text, _ in case.known]
        assert case.replaces is None or 0 <= case.replaces < len(case.known)
    replaced = [case for case in pairs.of_month() if case.replaces is not None]
    assert len(replaced) == 50
    rows = [json.loads(x) for f in pairs.FOLDER.glob("*.jsonl") for x in f.read_text().splitlines()]
    assert len({row["id"] for row in rows}) == len(rows)


def unit(vector: np.ndarray) -> np.ndarray:
    return np.asarray(vector / np.linalg.norm(vector))
