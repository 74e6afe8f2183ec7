"""The browser gets the texts that its components ask for, in each language, and no others."""

from __future__ import annotations

import pytest

from assistant.ui.page_texts import PageTexts
from assistant.ui.texts import LANGUAGES, table


def test_only_what_was_asked_for_goes_to_the_browser() -> None:
    texts = PageTexts()
    assert texts("new_conversation").key == "new_conversation"
    sent = texts.asked_for().translations_dict
    assert set(sent) == set(LANGUAGES)
    for language, known in sent.items():
        assert known == {"new_conversation": table(language)["new_conversation"]}


def test_a_text_that_is_not_there_is_noticed_while_the_page_is_laid_out() -> None:
    with pytest.raises(KeyError, match="no_such_text"):
        PageTexts()("no_such_text")
