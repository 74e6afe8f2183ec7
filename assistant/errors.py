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

import math

from assistant.observability import request_ids


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

    def __reduce__(self) -> tuple[object, ...]:
        """So that an error passes from a worker process whole, in both languages."""
        return _restored, (type(self), self.messages)


def _restored(kind: type[AssistantError], messages: dict[str, str]) -> AssistantError:
    error = kind.__new__(kind)
    error.messages = messages
    error.args = (messages["en"],)
    return error


class InternalError(AssistantError):
    """A fault of the program itself, caught at its edge; the log has its trace."""

    kind = "internal"

    def __init__(self, error: Exception) -> None:
        id = request_ids.current()
        super().__init__(
            "Something went wrong inside ({name}). Try again; the log has the details{en_id}.",
            "程序内部出错（{name}）。请重试；详情见日志{zh_id}。",
            name=type(error).__name__,
            en_id=f" under {id}" if id else "",
            zh_id=f"（{id}）" if id else "",
        )


class TryLater(AssistantError):
    """Not now: ``seconds`` says when it is worth trying again."""

    kind = "try_later"

    def __init__(self, en: str, zh: str, /, *, seconds: float, **fields: object) -> None:
        self.seconds = max(1, math.ceil(seconds))
        super().__init__(en, zh, seconds=self.seconds, **fields)


class TooManyQuestions(TryLater):
    """One user asks more than the limits allow."""

    kind = "too_many"


class Overloaded(TryLater):
    """All users together ask more than can wait, or the app is about to end."""

    kind = "overloaded"


class SettingsError(AssistantError):
    """A setting in ``.env`` or the environment can't be used."""

    kind = "settings"


class KeyMissing(SettingsError):
    """A model's service needs a key, and the settings have none."""

    kind = "key_missing"


class ModelError(AssistantError):
    """A model can't be had or can't answer."""

    kind = "model"


class ModelFileError(ModelError):
    """A model file can't be fetched, or what came is not the file that was asked for."""

    kind = "model_file"


class ModelUnavailable(ModelError):
    """The model's server can't be reached, is failing or is not ready."""

    kind = "model_unavailable"


class ModelTimeout(ModelUnavailable):
    """The model's server did not answer in time."""

    kind = "model_timeout"


class StreamBroken(ModelUnavailable):
    """The connection broke off in the middle of an answer."""

    kind = "stream_broken"


class ModelRefused(ModelError):
    """The model's server answered with an error, which none of the classes below tells better."""

    kind = "model_refused"


class KeyRefused(ModelRefused):
    """The key is wrong, or doesn't allow this model."""

    kind = "key_refused"


class QuotaExhausted(ModelRefused):
    """The account has no quota or no money left."""

    kind = "quota"


class RateLimited(ModelRefused):
    """Too many requests in a short time."""

    kind = "rate_limit"


class ContentFiltered(ModelRefused):
    """The service's filter stopped the question, the passages or the answer."""

    kind = "content_filter"


class ModelUnknown(ModelRefused):
    """The service has no such model, or it is not opened for this account."""

    kind = "model_unknown"


class ContextTooLong(ModelRefused):
    """The prompt and the answer don't fit the model's context."""

    kind = "context_too_long"


class BadAnswer(ModelError):
    """What the service sent can't be read, or is nothing."""

    kind = "bad_answer"


class ModelStopped(ModelError):
    """The reader stopped the call; not a fault."""

    kind = "stopped"


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


class ConversationBusy(ConversationError):
    """The conversation is still answering another question."""

    kind = "conversation_busy"


class PromptError(AssistantError):
    """A prompt file is missing or lacks a variable."""

    kind = "prompt"
