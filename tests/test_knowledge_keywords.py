"""Segmentation, and the keyword search built on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from assistant.knowledge import keyword_search
from assistant.knowledge.keywords import (
    FIRST_TERMS,
    LAST_TERMS,
    matching_terms,
    query_terms,
    segment,
    stem,
)
from assistant.knowledge.simplified import simplified
from assistant.knowledge.store import KnowledgeBase
from tests.knowledge_samples import add, open_knowledge


def test_chinese_runs_become_pairs_and_a_last_character() -> None:
    assert segment("向量库") == ["向量", "量库", "库"]
    assert segment("猫") == ["猫"]
    assert segment("用Python做") == ["用", "python", "做"]
    assert segment("カタカナ・テスト") == ["カタ", "タカ", "カナ", "ナ", "テス", "スト", "ト"]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("add_texts", {"add_texts", "add", "text"}),
        ("KnowledgeBase", {"knowledgebas", "knowledg", "bas"}),
        ("kb.add_texts", {"kb.add_texts", "add_texts", "kb", "add", "text"}),
        ("max-age", {"max-age", "max", "age"}),
        ("HTTPServer", {"httpserver", "http", "server"}),
        ("E1234", {"e1234", "1234"}),
        ("3.11.7", {"3.11.7", "3.11"}),
        ("python3.11", {"python3.11", "3.11", "python"}),
        ("src/app.py", {"src/app.py", "app.py", "src", "app", "py"}),
        ("C++ C#", {"c++", "c", "c#"}),
        ("__init__", {"__init__", "init"}),
        ("std::vector", {"std::vector", "std", "vector"}),
        ("ＡＢＣ１２", {"abc12", "abc", "12"}),
        ("café 1,000", {"caf", "1000"}),
        ("Привет", {"привет"}),
        ("--- … ！", set()),
    ],
)
def test_identifiers_are_whole_and_in_parts(text: str, tokens: set[str]) -> None:
    assert set(segment(text)) == tokens


def test_stemming_joins_the_forms_of_a_word() -> None:
    groups = [
        "store stores stored storing",
        "embed embeds embedded embedding embeddings",
        "query queries",
        "index indexes indexed indexing",
        "cache caches cached caching",
        "try tries tried trying",
        "add adds added adding",
        "use uses used using",
        "class classes",
    ]
    for words in groups:
        assert len({stem(word) for word in words.split()}) == 1, words
    for word in ("string", "this", "status", "speed", "bus", "need"):
        assert stem(word) == word


def test_stop_words_go_unless_nothing_remains() -> None:
    assert query_terms("What is a vector index?") == ["vector", "index"]
    assert query_terms("什么是向量数据库？") == ["向量", "量数", "数据", "据库"]
    assert query_terms("请问猫的价格是多少") == ["猫", "价格"]
    assert query_terms("旅行的目的") == ["旅行", "目的"]
    assert query_terms("what is this") == ["what", "is", "this"]
    assert query_terms("是什么") == ["是什", "什么"]
    assert query_terms("？！") == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("資料庫裡的臺灣軟體", "资料库里的台湾软体"),
        ("頭髮與發現，皇后以後", "头发与发现，皇后以后"),
        ("看著週末的廣場，為什麼乾淨？", "看着周末的广场，为什么干净？"),
        ("網路連線逾時 E1042 ＡＢＣ", "网路连线逾时 e1042 abc"),
    ],
)
def test_traditional_and_simplified_are_the_same(one: str, other: str) -> None:
    assert segment(one) == segment(other)
    assert query_terms(one) == query_terms(other)
    assert matching_terms(query_terms(one), other) == set(query_terms(one))


def test_simplified_text_has_its_characters_at_their_places() -> None:
    text = "Error 0x80070057：檔案「報告.docx」無法開啟 𠮷野家 한국어 ひらがな"
    plain = simplified(text)
    assert plain == "Error 0x80070057：档案「报告.docx」无法开启 𠮷野家 한국어 ひらがな"
    assert simplified(plain) == plain and len(plain) == len(text)
    every = "".join(map(chr, range(0x3400, 0xA000)))
    assert simplified(simplified(every)) == simplified(every)
    assert simplified("") == "" and simplified("plain") == "plain"


def test_a_long_question_is_searched_by_its_ends() -> None:
    words = [f"q{first}{second}z" for first in "abcdefgh" for second in "abcdefgh"]
    assert query_terms(" ".join(words[:48])) == words[:48]
    assert query_terms(" ".join(words)) == words[:FIRST_TERMS] + words[-LAST_TERMS:]


def test_matching_terms_follow_the_index() -> None:
    terms = query_terms("猫 storing E1234")
    assert matching_terms(terms, "我的猫很可爱") == {"猫"}
    assert matching_terms(terms, "It stores error E1234.") == {"stor", "e1234", "1234"}
    assert matching_terms(terms, "无关") == set()


@pytest.fixture
def knowledge(tmp_path: Path) -> Iterator[KnowledgeBase]:
    with open_knowledge(tmp_path) as knowledge:
        yield knowledge


CHUNKS = (
    "向量数据库把文本变成向量，再按相似度检索。",
    "我家的猫很可爱，它喜欢晒太阳。",
    "The index stores embeddings; see KnowledgeBase.add_texts for storing more.",
    "Error E1042: the file /etc/redis/redis.conf can't be read since version 3.11.7.",
    "旅行的目的地是北京，价格为 1,200 元。",
    "Set max_marginal_relevance=True to use MMR in the naïve retriever.",
)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("什么是向量数据库？", 0),
        ("猫", 1),
        ("库", 0),
        ("光", None),
        ("太阳", 1),
        ("embedding", 2),
        ("store embeddings", 2),
        ("add_texts", 2),
        ("knowledgebase", 2),
        ("knowledge base", 2),
        ("E1042", 3),
        ("1042", 3),
        ("redis.conf", 3),
        ("/etc/redis/redis.conf", 3),
        ("3.11", 3),
        ("3.11.7", 3),
        ("3.12", None),
        ("目的地", 4),
        ("1200", 4),
        ("max_marginal_relevance", 5),
        ("marginal relevance", 5),
        ("ＭＭＲ", 5),
        ("naive", 5),
        ("資料庫", None),
        ("數據庫", 0),
        ("價格", 4),
    ],
)
def test_keyword_search(knowledge: KnowledgeBase, query: str, expected: int | None) -> None:
    add(knowledge, "/a.md", *CHUNKS)
    hits = knowledge.keyword(query, 3)
    if expected is None:
        assert hits == []
    else:
        assert hits[0].text == CHUNKS[expected]
        assert hits[0].keyword_rank == 1
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)
        assert hits[0].score > 0


@pytest.mark.parametrize(
    "query",
    [
        *('"', "'", "*", "^", "-", "--", "(", ")", ":", "NEAR", "NEAR(a b)", "AND", "OR NOT"),
        *('"unclosed', "a AND", "words : x", "{a b}", "a\x00b", "\ud800", "%_", "; DROP TABLE", ""),
        *("1:猫", "\\", "+ # @", "C++ C# .NET", "猫" * 5000, "x" * 5000, "a " * 5000, "🐈‍⬛"),
    ],
)
def test_no_query_is_a_syntax_error(knowledge: KnowledgeBase, query: str) -> None:
    add(knowledge, "/a.md", *CHUNKS)
    assert len(knowledge.keyword(query, 3)) <= 3


def test_headings_are_searched(knowledge: KnowledgeBase) -> None:
    from assistant.knowledge.records import NewChunk

    add(knowledge, "/a.md", chunks=[NewChunk("It is 300 m long.", ("Guangzhou Bridge",))])
    assert knowledge.keyword("guangzhou", 1)[0].heading_path == ("Guangzhou Bridge",)


def test_collections_keep_their_words_apart(knowledge: KnowledgeBase) -> None:
    other = knowledge.collection("other")
    add(knowledge, "/a.md", "alpha beta")
    add(other, "/a.md", "alpha gamma 猫")
    assert [hit.text for hit in knowledge.keyword("alpha", 5)] == ["alpha beta"]
    assert [hit.text for hit in other.keyword("alpha", 5)] == ["alpha gamma 猫"]
    assert knowledge.keyword("gamma 猫", 5) == []


def test_deleted_text_leaves_the_keyword_index(knowledge: KnowledgeBase) -> None:
    source, _ = add(knowledge, "/a.md", "alpha", "beta")
    add(knowledge, "/a.md", "beta")
    assert knowledge.keyword("alpha", 5) == []
    add(knowledge, "/b.md", "something about alpha")
    assert len(knowledge.keyword("alpha", 1)) == 1  # what is gone takes no place
    assert len(knowledge.keyword("beta", 5)) == 1
    knowledge.delete_source(source.id)
    assert knowledge.keyword("beta", 5) == []


def test_rare_terms_choose_the_rows_and_all_terms_score_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = Random(3)
    common, rare = ["服务器", "数据", "backup", "index"], ["玄武岩", "E4711", "quorum", "刻度盘"]
    with open_knowledge(tmp_path) as knowledge:
        for n in range(40):
            texts = [
                " ".join(
                    random.choices(common, k=random.randrange(1, 9))
                    + random.choices(["x", *rare], [60, 1, 1, 1, 1])
                )
                + f" {n}.{m}"
                for m in range(10)
            ]
            add(knowledge, f"/{n}.md", *texts)
        for question in (
            "玄武岩 数据 index",
            "quorum 服务器 backup 数据",
            "E4711",
            "刻度盘 quorum 数据",
        ):
            monkeypatch.setattr(keyword_search, "SCORED", 30_000)
            every = knowledge.keyword(question, 400)
            monkeypatch.setattr(keyword_search, "SCORED", 60)
            fast = [(hit.id, hit.score) for hit in knowledge.keyword(question, 10)]
            asked = [term for term in question.split() if term in rare]
            expected = [
                (hit.id, hit.score) for hit in every if any(term in hit.text for term in asked)
            ][:10]
            assert expected
            assert [pair[0] for pair in fast[: len(expected)]] == [pair[0] for pair in expected]
            assert dict(fast[: len(expected)]) == pytest.approx(dict(expected))
            assert len(fast) == min(10, len(every))
        # Only common words: bounded, and still an answer.
        monkeypatch.setattr(keyword_search, "SCORED", 60)
        assert len(knowledge.keyword("数据 backup", 10)) == 10
        only = knowledge.keyword("数据 backup", 10, {"source": "/7.md"})
        assert {hit.source.uri for hit in only} <= {"/7.md"}
