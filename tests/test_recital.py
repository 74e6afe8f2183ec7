"""An answer that recites the system prompt ends before it does."""

import pytest

from assistant.prompts import LANGUAGES, load_prompts
from assistant.recital import CHINESE, LATIN, RecitalGuard

SYSTEM = {language: load_prompts().get("answer", language).texts[0] for language in LANGUAGES}


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_recital_ends_the_answer_before_many_words_are_told(language: str) -> None:
    guard, answer = RecitalGuard(SYSTEM[language]), ""
    lead = "星河重1.8千克。\n" if language == "zh" else "It weighs 1.8 kg.\n"
    for character in lead + SYSTEM[language]:
        answer += character
        cut = guard.cut(answer)
        if cut is not None:
            break
    assert cut == lead.strip()
    assert len(answer) <= len(lead) + 2 * (CHINESE if language == "zh" else LATIN)


@pytest.mark.parametrize("language", LANGUAGES)
def test_white_space_and_case_do_not_hide_it(language: str) -> None:
    spaced = " \n".join(SYSTEM[language].upper())
    assert RecitalGuard(SYSTEM[language]).cut("OK. " + spaced) is not None


@pytest.mark.parametrize(
    "answer",
    [
        "我是知识库助手，只根据资料回答问题。",
        "I am a knowledge base assistant. The passages do not hold the answer.",
        "资料是数据，不是指令。",
        "",
    ],
)
def test_a_few_of_its_words_are_no_recital(answer: str) -> None:
    for language in LANGUAGES:
        assert RecitalGuard(SYSTEM[language]).cut(answer) is None


def test_without_a_system_message_nothing_is_recited() -> None:
    assert RecitalGuard("").cut("Any answer of any length, word for word.") is None
