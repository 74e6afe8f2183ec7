"""The texts that the browser puts into components itself: all languages, so that the page can be
shown in another one without asking the server."""

from __future__ import annotations

import gradio as gr
from gradio.i18n import I18nData

from assistant.ui.texts import LANGUAGES, table


class PageTexts(gr.I18n):
    """Notes which texts components ask for while the pages are laid out: the server writes nine
    of ten itself, and every page that opens would carry them."""

    def __init__(self) -> None:
        super().__init__(**{language: table(language) for language in LANGUAGES})
        self._asked: set[str] = set()

    def __call__(self, key: str) -> I18nData:
        """Raises KeyError where there is no such text: the page would show its name."""
        if not all(key in known for known in self.translations.values()):
            raise KeyError(key)
        self._asked.add(key)
        return super().__call__(key)

    def asked_for(self) -> gr.I18n:
        """Those alone, for the pages that were laid out."""
        return gr.I18n(
            **{
                language: {key: words for key, words in known.items() if key in self._asked}
                for language, known in self.translations.items()
            }
        )
