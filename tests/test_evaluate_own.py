"""One's own questions to one's own knowledge base: written, imported, collected, measured."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from assistant.evaluate import metrics
from assistant.evaluate.__main__ import main
from assistant.evaluate.library import open_library
from assistant.evaluate.own.live import LiveSet, load_live
from assistant.evaluate.own.questions import (
    OwnQuestions,
    forget_conversation,
    own_folder,
    question_row,
)
from assistant.evaluate.own.ratings import collect
from assistant.knowledge.records import NewChunk
from assistant.knowledge.store import KnowledgeBase
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Turn, text_parts
from assistant.models.embedding.choice import open_embeddings
from assistant.models.embedding.model import EmbeddingModel
from assistant.settings import Settings
from tests import commands
from tests.memories import embedded, unit
from tests.redis_servers import RedisServer

PUMP = (
    "The pump of the Marlo 3 moves 40 litres a minute.",
    "Clean the filter of the Marlo 3 every month.",
    "马罗三号的保修期是三十个月。",
)

pytest_plugins = ["tests.memory_fixtures"]
LAMP = ("The lamp of the Osten 9 takes 12 watts.", "The lamp has a filter of glass.")


@pytest.fixture(scope="module")
def embeddings() -> Iterator[EmbeddingModel]:
    model = open_embeddings(Settings.load({"EMBEDDING_CACHE_MB": "0"}, None))
    yield model
    model.close()


@pytest.fixture
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Settings:
    commands.prepare(monkeypatch, tmp_path / "data")
    return Settings.load()


@pytest.fixture
def knowledge(settings: Settings, embeddings: EmbeddingModel) -> Iterator[KnowledgeBase]:
    with KnowledgeBase(settings.data_dir, embeddings, embeddings.fingerprint) as knowledge:
        ingest(knowledge, embeddings, "/docs/pump.pdf", "The Marlo 3", PUMP)
        ingest(knowledge, embeddings, "/docs/lamp.pdf", "The Osten 9", LAMP)
        yield knowledge


def ingest(
    knowledge: KnowledgeBase, embeddings: EmbeddingModel, uri: str, title: str, texts: Any
) -> None:
    chunks = [NewChunk(text, page=page) for page, text in enumerate(texts, 1)]
    vectors = embeddings.embed_passages([chunk.embedding_text for chunk in chunks])
    knowledge.add_embedded(uri, title, "pdf", 100, "hash", chunks, vectors)


def own(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> Any:
    assert main(["own", *arguments, "--json"]) == code
    return json.loads(capsys.readouterr().out)


def live(settings: Settings) -> LiveSet:
    return load_live(own_folder(settings), "dev", settings)


def test_a_written_question_is_measured_on_the_knowledge_base(
    settings: Settings,
    knowledge: KnowledgeBase,
    embeddings: EmbeddingModel,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own(capsys, "add", "How much does the pump move?", "--source", "pump.pdf", "--page", "1")
    own(
        capsys,
        "add",
        "保修多久？",
        "--text",
        "保修期是三十个月",
        "--after",
        "马罗三号？",
        "是水泵。",
    )
    own(capsys, "add", "What does it cost?", "--unanswerable")
    dataset = live(settings).dataset
    assert [question.text for question in dataset.questions] == [
        "How much does the pump move?",
        "保修多久？",
    ]
    assert [question.text for question in dataset.unanswerable] == ["What does it cost?"]
    assert [turn["role"] for turn in dataset.questions[1].turns] == ["user", "assistant"]
    library = open_library(dataset, settings, embeddings)
    try:
        for question in dataset.questions:
            vector = embeddings.embed_questions([question.text])[0]
            hits = library.knowledge("").dense(vector, 5)
            found = [library.passage_id(hit) for hit in hits]
            assert len(found) == 5
            assert metrics.ranking(question.relevant, found)["recall@5"] == 1
            assert len(question.relevant) == 1
    finally:
        library.close()


def test_a_question_is_kept_once_and_may_be_judged_anew(
    settings: Settings, knowledge: KnowledgeBase, capsys: pytest.CaptureFixture[str]
) -> None:
    first = own(capsys, "add", "Filter?", "--source", "lamp.pdf", "--rewrite", "Which filter?")
    again = own(capsys, "judge", first["id"], "--source", "the marlo 3", "--answer", "monthly")
    assert again == first
    (row,) = own(capsys, "list")["questions"]
    assert row["metadata"]["evidence"] == [{"source": "/docs/pump.pdf"}]
    assert row["metadata"]["gold_rewrite"] == "Which filter?"
    assert row["metadata"]["answers"] == ["monthly"]
    (question,) = live(settings).dataset.questions
    assert len(question.relevant) == 3  # any passage of the source will do
    assert metrics.ranking(question.relevant, list(question.relevant))["ndcg@10"] == 1
    assert own(capsys, "remove", first["id"], "nobody")["removed"] == 1
    assert own(capsys, "list")["questions"] == []


@pytest.mark.parametrize(
    ("arguments", "english", "chinese", "code"),
    [
        (["--source", "pumpe.pdf"], "Similar ones: pump.pdf", "相近的有：pump.pdf", 1),
        (["--source", "pump.pdf", "--page", "9"], "no passage with p. 9", "没有包含p. 9的段落", 1),
        (["--source", "lamp.pdf", "--text", "40 litres"], "40 litres", "40 litres", 1),
        (["--text", "nowhere at all"], "nowhere at all", "nowhere at all", 1),
        ([], "--unanswerable", "--unanswerable", 2),
    ],
)
def test_evidence_that_is_not_there_is_said(
    knowledge: KnowledgeBase,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    english: str,
    chinese: str,
    code: int,
) -> None:
    for language, told in (("en", english), ("zh", chinese)):
        monkeypatch.setenv("LANG", f"{language}_XX.UTF-8")
        assert main(["own", "add", "Why?", *arguments]) == code
        assert told in capsys.readouterr().err


def test_an_ambiguous_source_is_said(
    knowledge: KnowledgeBase, embeddings: EmbeddingModel, capsys: pytest.CaptureFixture[str]
) -> None:
    ingest(knowledge, embeddings, "/other/pump.pdf", "Another", LAMP)
    assert main(["own", "add", "Why?", "--source", "pump.pdf"]) == 1
    assert "/docs/pump.pdf, /other/pump.pdf" in capsys.readouterr().err
    own(capsys, "add", "Why?", "--source", "/other/pump.pdf")


TABLE = (
    ("问题", "来源", "页", "原文", "答案", "可回答"),
    ("水泵每分钟多少升？", "pump.pdf", "1", "", "40 升", "是"),
    ("保修多久？", "", "", "保修期是三十个月", "", ""),
    ("价格是多少？", "", "", "", "", "否"),
    ("", "pump.pdf", "", "", "", ""),
    ("坏一", "none.pdf", "", "", "", ""),
    ("坏二", "pump.pdf", "零", "", "", ""),
    ("坏三", "", "", "", "答案", ""),
    ("坏四", "pump.pdf", "", "", "", "也许"),
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_a_table_is_imported_and_its_bad_rows_are_named(
    settings: Settings,
    knowledge: KnowledgeBase,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    encoding: str,
) -> None:
    path = tmp_path / "questions.csv"
    with path.open("w", newline="", encoding=encoding) as file:
        csv.writer(file, delimiter=";" if encoding == "gb18030" else ",").writerows(TABLE)
    assert main(["own", "import", str(path), "--json"]) == 1
    told = capsys.readouterr()
    result = json.loads(told.out)
    assert (result["imported"], result["questions"]) == (3, 3)
    assert [bad["line"] for bad in result["bad"]] == [5, 6, 7, 8, 9]
    assert f"{path}, line 7: page is 零" in told.err
    dataset = live(settings).dataset
    assert (len(dataset.questions), len(dataset.unanswerable)) == (2, 1)
    assert dataset.questions[0].answers == ["40 升"]


def test_json_lines_bring_conversations(
    settings: Settings,
    knowledge: KnowledgeBase,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    turns = [{"role": "user", "content": "Marlo?"}, {"role": "assistant", "content": "A pump."}]
    rows = [
        {
            "question": "Its filter?",
            "source": "pump.pdf",
            "turns": turns,
            "rewrite": "Marlo filter?",
        },
        {"question": "Bad turns", "source": "pump.pdf", "turns": [{"role": "x"}]},
        ["no object"],
        {"question": "x" * 9000, "source": "pump.pdf"},
    ]
    path = tmp_path / "questions.jsonl"
    path.write_text("\n".join([*map(json.dumps, rows), "{"]) + "\n", "utf-8")
    result = own(capsys, "import", str(path), code=1)
    assert [bad["line"] for bad in result["bad"]] == [2, 3, 4, 5]
    (question,) = live(settings).dataset.questions
    assert (question.turns, question.gold) == (turns, "Marlo filter?")


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.csv", b"what,where\na,b\n", "question"),
        ("a.csv", b"", "question"),
        ("a.csv", b"question\n\xff\xff\xff\n", "neither UTF-8 nor"),
        ("a.csv", None, "can't be read"),
        ("a.csv", b'question\n"' + b"x" * 200_000, "line 2, is not CSV"),
    ],
)
def test_a_file_that_is_no_table_is_said(
    knowledge: KnowledgeBase,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    name: str,
    content: bytes | None,
    told: str,
) -> None:
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert main(["own", "import", str(path)]) == 2
    assert told in capsys.readouterr().err


def test_judgements_outlive_a_new_splitting_and_a_move(
    settings: Settings,
    knowledge: KnowledgeBase,
    embeddings: EmbeddingModel,
    capsys: pytest.CaptureFixture[str],
) -> None:
    own(capsys, "add", "How much?", "--source", "pump.pdf", "--text", "moves 40 litres a minute")
    own(capsys, "add", "Which watts?", "--source", "lamp.pdf")
    before = live(settings).dataset.questions[0].relevant
    for source in knowledge.sources():
        knowledge.delete_source(source.id)
    parts = ("The pump of the Marlo 3 moves", "40 litres a minute. Clean the", "filter monthly.")
    ingest(knowledge, embeddings, "/moved/pump.pdf", "The Marlo 3", parts)
    found = live(settings)
    assert found.lost == [own(capsys, "list")["questions"][1]["_id"]]
    (question,) = found.dataset.questions
    assert question.relevant and not set(question.relevant) & set(before)
    texts = {passage.id: passage.text for passage in found.dataset.passages}
    assert "40 litres a minute. Clean the" in [texts[id] for id in question.relevant]


def test_files_are_private_and_users_apart(
    settings: Settings, knowledge: KnowledgeBase, capsys: pytest.CaptureFixture[str]
) -> None:
    names = ("local", "../../x", "Ann", "ann", ".", "", "李", "x" * 300, "a/b", "a\nb")
    folders = {own_folder(settings, name) for name in names}
    assert len(folders) == len(names)
    root = settings.data_dir / "evaluate" / "own"
    for folder in folders:
        assert folder.resolve().is_relative_to(root.resolve())
        assert folder.parent.parent == root
    lowered = {str(folder).lower() for folder in folders}  # a disk that knows no case
    assert len(lowered) == len(names)
    own(capsys, "add", "Why?", "--source", "pump.pdf", "--user", "../../x")
    assert own(capsys, "list")["questions"] == []
    files = [path for path in root.rglob("*") if path.is_file()]
    assert len(files) == 3
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_a_set_that_can_not_be_measured_is_said(
    settings: Settings, knowledge: KnowledgeBase, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["rewrite", "--own"]) == 2
    assert "no questions of your own" in capsys.readouterr().err
    questions = OwnQuestions(own_folder(settings))
    questions.put([question_row("Why?", origin="rated")])
    assert main(["rewrite", "--own"]) == 2
    assert "1 wait to be judged" in capsys.readouterr().err
    (questions.path / "queries.jsonl").write_text("{\n", "utf-8")
    assert main(["own", "list"]) == 2
    assert "queries.jsonl can't be read" in capsys.readouterr().err
    (questions.path / "set.json").write_text("[]", "utf-8")
    assert main(["rewrite", "--own"]) == 2
    assert "set.json can't be read" in capsys.readouterr().err


def turn(id: str, question: str, **more: Any) -> Turn:
    return Turn(
        id, text_parts(question), **{"answer": "好。", "standalone": question, "time": 1.0} | more
    )


def rate(store: LongTermMemory, conversation: str, one: Turn, rating: int, why: str = "") -> None:
    store.add("ann", conversation, one, unit(1), text=one.text)
    store.rate("ann", conversation, one.id, rating, why)


def test_what_was_rated_in_the_chat_is_collected(
    settings: Settings,
    knowledge: KnowledgeBase,
    memory: LongTermMemory,
) -> None:
    pump, filter_, _ = knowledge.chunks(knowledge.sources()[1].id)
    sources = (
        {"n": 1, "id": filter_.id, "quote": filter_.text},
        {"n": 2, "id": "gone", "quote": pump.text},
        {"n": 3, "id": "never", "quote": "what is stored nowhere"},
    )
    answer = "Clean it every month [1]. It moves 40 litres [2]. And more [3]."
    first = turn("t1", "Which pump?", answer="The Marlo 3.")
    good = turn(
        "t2",
        "How is it kept?",
        answer=answer,
        sources=sources,
        standalone="How is the Marlo 3 kept?",
        parent="t1",
    )
    memory.add("ann", "c1", first, unit(1), text=first.text)
    rate(memory, "c1", good, 1)
    rate(memory, "c2", turn("t3", "What does it cost?", answer="没有。", refused=True), 1)
    rate(memory, "c2", turn("t4", "How loud is it?"), -1, "beside the point")
    rate(memory, "c2", turn("t5", "Not rated"), 0)
    questions = OwnQuestions(own_folder(settings, "ann"))
    done = collect(memory, "ann", knowledge, questions)
    assert (done.rated, done.new, done.removed, done.pending) == (3, 3, 0, 1)
    rows = {row["text"]: row["metadata"] for row in questions.rows()}
    kept = rows["How is it kept?"]
    assert kept["evidence"] == [
        {"source": "/docs/pump.pdf", "page": 2, "text": filter_.text},
        {"source": "/docs/pump.pdf", "page": 1, "text": pump.text},
    ]
    assert kept["gold_rewrite"] == "How is the Marlo 3 kept?"
    assert [message["content"] for message in kept["turns"]] == ["Which pump?", "The Marlo 3."]
    assert rows["What does it cost?"]["answerable"] is False
    assert rows["How loud is it?"]["reason"] == "beside the point"
    found = load_live(questions.path, "dev", settings)
    assert [one.text for one in found.dataset.questions] == ["How is it kept?"]
    assert len(found.pending) == 1


def test_collected_questions_follow_the_chat(
    settings: Settings,
    knowledge: KnowledgeBase,
    memory: LongTermMemory,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for place, text in enumerate(("Withdrawn?", "Forgotten?", "Judged?")):
        rate(memory, f"c{place}", turn(f"t{place}", text), -1)
    questions = OwnQuestions(own_folder(settings, "ann"))
    assert collect(memory, "ann", knowledge, questions).new == 3
    (judged,) = (row for row in questions.rows() if row["text"] == "Judged?")
    own(capsys, "judge", judged["_id"], "--source", "pump.pdf", "--user", "ann")
    memory.rate("ann", "c0", "t0", 0)
    memory.forget("ann", "c1")
    done = collect(memory, "ann", knowledge, questions)
    assert (done.rated, done.new, done.removed, done.pending) == (1, 0, 2, 0)
    (row,) = questions.rows()
    assert (row["text"], row["metadata"]["origin"]) == ("Judged?", "written")
    questions.put([question_row("My own?", origin="written", answerable=False)])
    assert forget_conversation(settings, "bob", None) == 0
    assert forget_conversation(settings, "ann", "c0") == 0
    assert forget_conversation(settings, "ann", "c2") == 1
    assert [row["text"] for row in questions.rows()] == ["My own?"]
    assert forget_conversation(settings, "ann", None) == 0


def test_collecting_by_the_command(
    settings: Settings,
    knowledge: KnowledgeBase,
    server: RedisServer,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)
    memory_ = LongTermMemory(lambda: server.url, embed=embedded)
    try:
        rate(memory_, "c", turn("t", "Why?"), -1)
    finally:
        memory_.close()
    assert own(capsys, "collect", "--user", "ann")["pending"] == 1
    (row,) = own(capsys, "list", "--pending", "--user", "ann")["questions"]
    assert row["text"] == "Why?"
