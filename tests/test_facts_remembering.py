"""Learning in the background, into memory that is there, away, slow or paused."""

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from assistant.errors import BadAnswer, MemoryUnavailable
from assistant.memory.address import RedisAddress
from assistant.memory.facts import Remembering, remembering
from assistant.memory.long_term import FactChanges, LongTermMemory
from assistant.memory.records import Fact, Turn, text_parts
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings

SOON = 10.0


def turn(id: str, text: str, parent: str = "", answer: str = "好的。", at: float = 1.0) -> Turn:
    return Turn(id, text_parts(text), answer, text, at, parent=parent)


class Memory:
    """Facts in a dictionary, and faults on demand."""

    def __init__(self) -> None:
        self.facts: dict[str, dict[str, Fact]] = {}
        self.faults: list[Exception] = []
        self.paused_users: set[str] = set()
        self.calls = 0
        self.gate = threading.Event()
        self.gate.set()

    def paused(self, user: str) -> bool:
        return user in self.paused_users

    def update_facts(
        self, user: str, change: Callable[[Mapping[str, Fact]], FactChanges], vectors: Any
    ) -> FactChanges:
        assert self.gate.wait(SOON)
        self.calls += 1
        if self.faults:
            raise self.faults.pop(0)
        known = self.facts.setdefault(user, {})
        change(dict(known))  # a race lost: decided anew
        changes = change(dict(known))
        self.facts[user] = changes.applied(known)
        return changes

    def texts(self, user: str) -> list[str]:
        return [fact.text for fact in self.facts.get(user, {}).values()]


@pytest.fixture(scope="module")
def embeddings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddingModel]:
    folder = str(tmp_path_factory.mktemp("data"))
    model = open_embeddings(Settings.load({"DATA_DIR": folder}, env_file=None))
    yield model
    model.close()


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
def learner(
    memory: Memory, embeddings: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Remembering]:
    monkeypatch.setattr(remembering, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(remembering, "BUSY_PAUSE", 0.01)
    worker = Remembering(memory, embeddings, lambda: False)
    yield worker
    memory.gate.set()
    worker.close()


def test_facts_are_learned_with_their_place(memory: Memory, learner: Remembering) -> None:
    learner.learn("li", "c1", turn("t1", "我住在上海，怎么办居住证？", at=7.0))
    assert learner.wait(SOON)
    (fact,) = memory.facts["li"].values()
    assert (fact.text, fact.kind, fact.updated) == ("我住在上海", "fact", 7.0)
    assert [(s.conversation_id, s.turn_id) for s in fact.said] == [("c1", "t1")]


def test_only_what_the_user_typed_is_looked_at(memory: Memory, learner: Remembering) -> None:
    asked = Turn(
        "t1",
        text_parts("那我的配置够吗？"),
        "够的：你用的是 H20，我住在云上，我喜欢 Go。",
        "我用的是 H20 96G，够吗？",
        1.0,
        sources=({"text": "我们的系统使用 Oracle。"},),
        memories=({"text": "我住在上海"},),
    )
    learner.learn("li", "c1", asked)
    assert learner.wait(SOON)
    assert memory.calls == 0


def test_users_are_kept_apart(memory: Memory, learner: Remembering) -> None:
    learner.learn("li", "c1", turn("t1", "我住在上海"))
    learner.learn("wu", "c1", turn("t1", "我住在北京"))
    assert learner.wait(SOON)
    assert (memory.texts("li"), memory.texts("wu")) == (["我住在上海"], ["我住在北京"])


def test_nothing_is_learned_from_a_user_who_paused(memory: Memory, learner: Remembering) -> None:
    memory.paused_users.add("li")
    learner.learn("li", "c1", turn("t1", "我住在上海"))
    assert learner.wait(SOON)
    assert memory.calls == 0


def test_learning_twice_adds_nothing(memory: Memory, learner: Remembering) -> None:
    for _ in range(2):
        learner.learn("li", "c1", turn("t1", "我住在上海，我有两只猫"))
    assert learner.wait(SOON)
    assert [len(fact.said) for fact in memory.facts["li"].values()] == [1, 1]


def test_what_is_taken_back_goes(memory: Memory, learner: Remembering) -> None:
    learner.learn("li", "c1", turn("t1", "我住在上海，我有两只猫"))
    learner.learn("li", "c2", turn("t2", "忘掉我住在上海这件事"))
    assert learner.wait(SOON)
    assert memory.texts("li") == ["我有两只猫"]


def test_what_was_just_said_can_be_taken_back(memory: Memory, learner: Remembering) -> None:
    learner.learn("li", "c1", turn("t0", "我有两只猫"))
    learner.learn("li", "c1", turn("t1", "我在看心理医生，我住在上海", parent="t0"))
    learner.learn("li", "c1", turn("t2", "算了，别记这个", parent="t1"))
    assert learner.wait(SOON)
    assert memory.texts("li") == ["我有两只猫"]


def test_messages_wait_while_redis_is_away(memory: Memory, learner: Remembering) -> None:
    memory.faults = [MemoryUnavailable("away", "不在") for _ in range(5)]
    learner.learn("li", "c1", turn("t1", "我住在上海"))
    learner.learn("li", "c1", turn("t2", "我搬到杭州了", at=2.0))
    assert learner.wait(SOON)
    (fact,) = memory.facts["li"].values()
    assert (fact.text, fact.history[0].text) == ("我搬到杭州了", "我住在上海")


def test_a_message_that_cannot_be_embedded_holds_nothing_up(
    memory: Memory, learner: Remembering, caplog: pytest.LogCaptureFixture
) -> None:
    memory.faults = [BadAnswer("bad", "坏") for _ in range(remembering.ATTEMPTS)]
    learner.learn("li", "c1", turn("t1", "我住在上海"))
    learner.learn("li", "c1", turn("t2", "我有两只猫"))
    assert learner.wait(SOON)
    assert memory.texts("li") == ["我有两只猫"]
    assert "not learned from" in caplog.text
    assert "上海" not in caplog.text


def test_a_fault_of_our_own_holds_nothing_up(
    memory: Memory, learner: Remembering, caplog: pytest.LogCaptureFixture
) -> None:
    memory.faults = [ZeroDivisionError("boom")]
    learner.learn("li", "c1", turn("t1", "我住在上海"))
    learner.learn("li", "c1", turn("t2", "我有两只猫"))
    assert learner.wait(SOON)
    assert memory.texts("li") == ["我有两只猫"]


def test_the_oldest_message_gives_way(
    memory: Memory,
    learner: Remembering,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(remembering, "MOST_WAITING", 2)
    for _ in range(2):
        memory.gate.clear()
        caplog.clear()
        said = ("我住在上海", "我住在北京", "我有两只猫", "我养了两条狗")
        for number, text in enumerate(said):
            learner.learn("li", "c1", turn(f"t{number}", text))
        memory.gate.set()
        assert learner.wait(SOON)
        told = [record for record in caplog.records if "left out" in record.getMessage()]
        assert len(told) == 1, "once for each flood"
    assert "我有两只猫" in memory.texts("li")
    assert "我养了两条狗" in memory.texts("li")


def test_answers_come_first(
    memory: Memory, embeddings: EmbeddingModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remembering, "BUSY_PAUSE", 0.01)
    answering = threading.Event()
    answering.set()
    worker = Remembering(memory, embeddings, answering.is_set)
    worker.learn("li", "c1", turn("t1", "我住在上海"))
    assert not worker.wait(0.1)
    assert memory.calls == 0
    answering.clear()
    assert worker.wait(SOON)
    worker.close()
    assert memory.texts("li") == ["我住在上海"]


def test_closing_ends_a_wait(memory: Memory, embeddings: EmbeddingModel) -> None:
    worker = Remembering(memory, embeddings, lambda: True)
    worker.learn("li", "c1", turn("t1", "我住在上海"))
    worker.close()
    worker.learn("li", "c1", turn("t2", "我有两只猫"))
    assert memory.calls == 0
    Remembering(memory, embeddings, lambda: False).close()  # one that never learned


def test_facts_reach_a_real_server(tmp_path: Path, embeddings: EmbeddingModel) -> None:
    address = RedisAddress(Settings.load({"DATA_DIR": str(tmp_path)}, env_file=None))
    memory = LongTermMemory(address.url)
    worker = Remembering(memory, embeddings, lambda: False)
    try:
        worker.learn("li", "c1", turn("t1", "我住在上海，以后回答都用表格"))
        worker.learn("li", "c1", turn("t2", "我搬到杭州了", at=2.0))
        assert worker.wait(SOON)
        facts = {fact.text: fact for fact in memory.facts("li")}
        assert set(facts) == {"我搬到杭州了", "以后回答都用表格"}
        assert [old.text for old in facts["我搬到杭州了"].history] == ["我住在上海"]
        memory.pause("li", True)
        worker.learn("li", "c1", turn("t3", "我有两只猫"))
        assert worker.wait(SOON)
        assert len(memory.facts("li")) == 2
        assert memory.facts("wu") == []
    finally:
        worker.close()
        memory.close()
        address.close()
