"""Every string of the pages, in Chinese and English, and which of the two a visitor reads."""

from __future__ import annotations

from assistant.ui.texts.admin import ADMIN
from assistant.ui.texts.attached import ATTACHED
from assistant.ui.texts.chat import CHAT
from assistant.ui.texts.chat_models import CHAT_MODELS
from assistant.ui.texts.knowledge import KNOWLEDGE
from assistant.ui.texts.library import LIBRARY
from assistant.ui.texts.memory import MEMORY
from assistant.ui.texts.source import SOURCE
from assistant.ui.texts.status import GUIDE, HEAD, STATUS
from assistant.ui.texts.talks import TALKS
from assistant.ui.texts.users import USERS

#: key -> (Chinese, English).
TEXTS: dict[str, tuple[str, str]] = {
    # The terminal
    "app_ready": ("知识库助手已就绪：{url}（Ctrl+C 退出）", "Ready: {url} (Ctrl+C ends it)"),
    # All pages
    "app": ("知识库助手", "Knowledge Assistant"),
    "chat": ("对话", "Chat"),
    "knowledge": ("知识库", "Knowledge"),
    "pages": ("页面", "Pages"),
    "chat_model": ("聊天模型", "Chat model"),
    "memory": ("长期记忆", "Memory"),
    "starting": ("启动中", "starting"),
    "ready": ("就绪", "ready"),
    "all_ready": ("就绪", "Ready"),
    **ADMIN,
    **CHAT,
    **SOURCE,
    **CHAT_MODELS,
    **KNOWLEDGE,
    **LIBRARY,
    **MEMORY,
    **HEAD,
    **STATUS,
    **GUIDE,
    **TALKS,
    **ATTACHED,
    **USERS,
}

LANGUAGES = ("zh", "en")


def text(key: str, language: str, /, **fields: object) -> str:
    """The string ``key`` in ``language`` with its fields filled in.

    >>> text("job_count", "en", done=1, total=3)
    '1 of 3 documents'
    """
    return TEXTS[key][LANGUAGES.index(language)].format(**fields)


def table(language: str) -> dict[str, str]:
    """All strings in ``language``, with their fields open."""
    return {key: pair[LANGUAGES.index(language)] for key, pair in TEXTS.items()}


def visitor_language(setting: str, accept_language: str) -> str:
    """ "zh" or "en": ``LANGUAGE`` where it is set, else the first of the two that the browser
    asks for, else English.

    >>> visitor_language("auto", "fr;q=0.9, zh-TW;q=0.8, en;q=0.7")
    'zh'
    """
    if setting in LANGUAGES:
        return setting
    wanted = [_preference(part) for part in accept_language.split(",")]
    for _, tag in sorted(wanted, key=lambda pair: -pair[0]):
        if tag in LANGUAGES:
            return tag
    return "en"


def _preference(part: str) -> tuple[float, str]:
    tag, _, quality = part.partition(";")
    try:
        weight = float(quality.strip().removeprefix("q=") or 1)
    except ValueError:
        weight = 0.0
    return weight, tag.strip().lower().partition("-")[0]
