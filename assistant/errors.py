"""The error tree. Every error says what happened and what to do, in English and in Chinese.

An error is raised where the fault is understood and rendered once, at the edge (page, command
line, API), in the reader's language:

>>> error = DocumentError("{name} is empty.", "{name} 是空文件。", name="a.txt")
>>> str(error)
'a.txt is empty.'
>>> error.text("zh")
'a.txt 是空文件。'
"""

from __future__ import annotations


class AssistantError(Exception):
    """Base of all errors that a user may see.

    Args:
        en, zh: the message in each language, with ``{name}`` fields: what was expected, what
            came, what to do next.
        fields: values for the fields.
    """

    #: Short stable word for programs (logs, JSON output, metrics).
    kind = "error"

    def __init__(self, en: str, zh: str, /, **fields: object) -> None:
        self.messages = {"en": en.format(**fields), "zh": zh.format(**fields)}
        super().__init__(self.messages["en"])

    def text(self, language: str) -> str:
        """The message in ``language`` ("zh..." or anything else for English)."""
        return self.messages["zh" if language.startswith("zh") else "en"]


class InternalError(AssistantError):
    """A fault of the program itself, caught at its edge; the log has its trace."""

    kind = "internal"

    def __init__(self, error: Exception) -> None:
        super().__init__(
            "Something went wrong inside ({name}). Try again; the log has the details.",
            "程序内部出错（{name}）。请重试；详情见日志。",
            name=type(error).__name__,
        )


class SettingsError(AssistantError):
    """A setting in ``.env`` or the environment can't be used."""

    kind = "settings"


class ModelError(AssistantError):
    """A model can't be had or can't answer."""

    kind = "model"


class ModelFileError(ModelError):
    """A model file can't be fetched, or what came is not the file that was asked for."""

    kind = "model_file"


class ModelUnavailable(ModelError):
    """The model's server can't be reached or is not ready."""

    kind = "model_unavailable"


class ModelRefused(ModelError):
    """The model's server answered with an error (key, quota, limit, bad request)."""

    kind = "model_refused"


class ServiceError(AssistantError):
    """An embedded server (Redis protocol, chat model) can't be started or attached to."""

    kind = "service"


class KnowledgeError(AssistantError):
    """The knowledge base can't do what was asked."""

    kind = "knowledge"


class KnowledgeLocked(KnowledgeError):
    """Another process is writing and did not finish within the wait."""

    kind = "locked"


class DocumentError(AssistantError):
    """A document can't be read (type, encryption, damage, emptiness)."""

    kind = "document"


class PageError(DocumentError):
    """A web page can't be fetched or may not be."""

    kind = "page"


class MemoryUnavailable(AssistantError):
    """Redis can't be reached; the chat goes on without long-term memory."""

    kind = "memory"


class ConversationError(AssistantError):
    """A turn can't be run as asked (unknown conversation, already answering, too long)."""

    kind = "conversation"


class PromptError(AssistantError):
    """A prompt file is missing or lacks a variable."""

    kind = "prompt"
