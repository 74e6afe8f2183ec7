"""Prompts: what ships loads, and what can't be used is refused at start."""

from pathlib import Path

import pytest

from assistant.errors import PromptError
from assistant.prompts import LANGUAGES, VARIABLES, language_of, load_prompts


def test_all_prompts_load_and_end_with_their_variables() -> None:
    prompts = load_prompts()
    for name, variables in VARIABLES.items():
        for language in LANGUAGES:
            values = {variable: f"<{variable} {{braces}}>" for variable in variables}
            last = prompts.get(name, language).messages(**values)[-1].content
            assert all(value in last for value in values.values())


def test_the_fixed_part_is_byte_identical() -> None:
    prompt = load_prompts().get("rewrite", "zh")
    first = prompt.messages(history="a", question="b")
    second = prompt.messages(history="c", question="d")
    assert first[:-1] == second[:-1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no headers",
        "--- user ---\n{context}",  # a variable is missing
        "--- user ---\n{context} {question} {more}",
        "--- user ---\n{context} {question}\n--- assistant ---\nends with the assistant",
        "--- robot ---\n{context} {question}",
    ],
)
def test_an_unusable_prompt_is_refused(tmp_path: Path, text: str) -> None:
    for name in VARIABLES:
        for language in LANGUAGES:
            body = "--- user ---\n" + " ".join(f"{{{v}}}" for v in VARIABLES[name])
            (tmp_path / f"{name}.{language}.txt").write_text(body, "utf-8")
    (tmp_path / "answer.zh.txt").write_text(text, "utf-8")
    with pytest.raises(PromptError, match=r"answer\.zh\.txt"):
        load_prompts(tmp_path)


def test_a_missing_prompt_is_named(tmp_path: Path) -> None:
    with pytest.raises(PromptError, match="can't be read"):
        load_prompts(tmp_path)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("什么是向量检索？", "zh"),
        ("faiss 的 IndexIDMap2 怎么用", "zh"),
        ("How does FAISS work?", "en"),
        ("What does 向量 mean in English, and how is it pronounced by native speakers?", "en"),
        ("", "en"),
        ("123", "en"),
    ],
)
def test_language_of(text: str, language: str) -> None:
    assert language_of(text) == language
