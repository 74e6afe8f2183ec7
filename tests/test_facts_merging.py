"""What a new statement does to known facts, with the real embedding model."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import pytest

from assistant.memory.facts import merged, statements
from assistant.memory.facts.likeness import UNRELATED, Likeness
from assistant.memory.records import Fact, Said
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.e5 import open_e5
from assistant.settings import Settings

EMBED = open_e5(1).queries


@pytest.fixture(scope="module")
def likeness(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Likeness]:
    folder = str(tmp_path_factory.mktemp("data"))
    embeddings = open_embeddings(Settings.load({"DATA_DIR": folder}, env_file=None))
    yield Likeness(embeddings.embed_questions)
    embeddings.close()


def said(number: int) -> Said:
    return Said("c", f"t{number}", float(number))


def told(likeness: Likeness, *messages: str) -> Mapping[str, Fact]:
    """The facts after these messages."""
    facts: dict[str, Fact] = {}
    for number, message in enumerate(messages):
        found = statements(message, EMBED)
        assert found, message
        for statement in found:
            facts = merged(facts, statement, said(number), likeness).applied(facts)
    return facts


def active(facts: Mapping[str, Fact]) -> list[str]:
    return [fact.text for fact in facts.values()]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("我住在上海", "我搬到杭州了"),
        ("我们推理集群是 8 张 A100 80G", "A100 全退了，推理集群现在是 16 张 H20"),
        ("代码示例都用 Go", "示例代码别用 Go 了，改成 Python"),
        ("我用 3090 跑模型", "我不再用 3090 了"),
        ("向量库这边用的 Milvus 2.3", "Milvus 上周升到 2.4 了"),
        ("平时一天两杯美式", "咖啡我已经戒了"),
        ("叫我老王就行", "以后叫我王哥"),
        ("我们用 vLLM 0.6", "现在用的是 vLLM 0.9"),
        ("我开的是老捷达", "买了辆新车，特斯拉"),
        ("我住在上海", "我住在杭州"),
        ("我今年三十岁", "我三十一岁了"),
        ("我们用的聊天模型是 DeepSeek", "聊天模型换成 Qwen3 了"),
        ("the release is in March", "the release slipped to May"),
        ("I live in Suzhou", "I moved to Hangzhou"),
        ("our cluster runs Kubernetes 1.29", "our cluster runs Kubernetes 1.31"),
        ("I live in Stockport", "We've moved house, we're in Glossop now"),
        ("we are still on Postgres 14", "Postgres was upgraded to 16 last night"),
        ("our database is SQL Server 2016", "our database is SQL Server 2019"),
        ("My main language is Python", "My main language is Rust now"),
        ("I'm vegetarian", "I've started eating fish again"),
        ("always answer in English", "from now on answer in Chinese"),
    ],
)
def test_a_change_supersedes_the_fact_that_it_changes(
    likeness: Likeness, old: str, new: str
) -> None:
    others = ("我对花生过敏", "I keep bees at home", "我每周二晚上打羽毛球")
    facts = told(likeness, old, *others, new)
    assert len(facts) == 4
    (changed,) = [fact for fact in facts.values() if fact.history]
    assert new.startswith(changed.text)
    assert changed.said == (said(4),)
    assert [(version.text, version.said) for version in changed.history] == [(old, (said(0),))]
    assert changed.history[0].until == changed.updated == 4.0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I use Python at work", "I use Go at work as well"),
        ("I use Python at work", "I use Go at work"),
        ("我喜欢爬山", "我喜欢喝茶"),
        ("我养了一只狗", "我还养了一只猫"),
        ("我们生产环境用 MySQL 8.0", "我们测试环境用 MySQL 5.7"),
        ("我住在上海", "我爸妈住在绵阳"),
        ("我对花生过敏", "我对青霉素过敏"),
        ("I use Python", "I also use Rust"),
        ("phase one ends in May", "phase two ends in August"),
        ("my daughter is five", "my son is two"),
        ("I have a dog called Rex", "I have two cats"),
        ("I have a 4090 at home", "I have a 3090 at work"),
        ("我对花生过敏", "我女儿对牛奶过敏"),
        ("我用 Mac 写代码", "我也用 Windows 玩游戏"),
        ("我们推理集群是 8 张 A100", "我在推理平台组"),
    ],
)
def test_different_facts_stay_side_by_side(likeness: Likeness, one: str, other: str) -> None:
    assert active(told(likeness, one, other)) == [one, other]


def test_a_change_of_nothing_known_is_a_new_fact(likeness: Likeness) -> None:
    facts = told(likeness, "我对花生过敏", "we dropped Qdrant and moved all vectors into pgvector")
    assert len(facts) == 2
    assert not any(fact.history for fact in facts.values())


@pytest.mark.parametrize("again", ["我对花生过敏", "我对花生过敏。", "我花生过敏"])
def test_the_same_again_adds_where_it_was_said(likeness: Likeness, again: str) -> None:
    (fact,) = told(likeness, "我对花生过敏", again).values()
    assert fact.text == "我对花生过敏"
    assert fact.said == (said(0), said(1))
    assert fact.updated == 1.0


def test_a_refusal_is_not_the_same(likeness: Likeness) -> None:
    assert len(told(likeness, "我喜欢喝酒", "我不喜欢喝酒")) == 2


def test_learning_a_message_twice_changes_nothing(likeness: Likeness) -> None:
    facts = dict(told(likeness, "我住在上海", "我搬到杭州了"))
    for number, message in enumerate(("我住在上海", "我搬到杭州了")):
        (statement,) = statements(message, EMBED)
        assert not merged(facts, statement, said(number), likeness)


def test_statements_of_one_message_do_not_replace_each_other(likeness: Likeness) -> None:
    message = "我们把 GitLab 换成 Gitea 了，CI 也换成 Drone 了，Wiki 换成 Outline 了"
    facts = told(likeness, message)
    assert len(facts) == 3


def test_a_change_keeps_the_pin_and_earlier_versions(likeness: Likeness) -> None:
    facts = dict(told(likeness, "我住在上海", "我搬到杭州了"))
    facts = {id: replace(fact, pinned=True) for id, fact in facts.items()}
    (statement,) = statements("我又搬到成都了", EMBED)
    (fact,) = merged(facts, statement, said(9), likeness).put
    assert fact.pinned
    assert [version.text for version in fact.history] == ["我住在上海", "我搬到杭州了"]


def test_likeness_is_measured_in_the_models_own_spread() -> None:
    """A model whose cosines lie elsewhere gives the same likeness."""
    generator = np.random.default_rng(0)
    known: dict[str, np.ndarray] = {}

    def embed(texts: list[str]) -> np.ndarray:
        for text in texts:
            known.setdefault(text, generator.normal(size=8))
        return unit(np.stack([known[text] for text in texts]))

    def narrow(texts: list[str]) -> np.ndarray:
        vectors = embed(texts)
        shared = np.full((len(vectors), 1), 2.0)
        return unit(np.hstack([vectors, shared]))  # cosines 0.8 + 0.2 x

    texts = ["I use Go", *UNRELATED["en"][:3]]
    wide, tight = (Likeness(f).to_all(texts[0], texts[1:]) for f in (embed, narrow))
    assert wide == pytest.approx(tight, rel=1e-4)
    assert Likeness(embed).to_all("I use Go", []) == []


def test_vectors_are_computed_once_and_kept_within_bounds() -> None:
    asked: list[str] = []

    def embed(texts: list[str]) -> np.ndarray:
        asked.extend(texts)
        return unit(np.ones((len(texts), 2)))

    likeness = Likeness(embed, kept=2)
    likeness.vectors(["a", "b", "a"])
    likeness.vectors(["b"])
    assert asked == ["a", "b"]
    likeness.vectors(["c"])
    likeness.vectors(["b", "a"])
    assert asked == ["a", "b", "c", "a"]


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)
