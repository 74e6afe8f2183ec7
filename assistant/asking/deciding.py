"""What kind of message a turn has to do with."""

from __future__ import annotations

from assistant.asking.classifier import THRESHOLD, smalltalk_probability
from assistant.asking.comparison_wording import compared_things
from assistant.asking.kinds import Asking, Kind
from assistant.asking.library_wording import library_topic, wanted_document
from assistant.asking.naming import Names, is_generic, named
from assistant.asking.smalltalk import is_smalltalk, without_greeting
from assistant.asking.summary_wording import summary_object
from assistant.asking.unclear import is_unclear
from assistant.models.embedding.model import Embed


def asking(
    question: str,
    standalone: str,
    names: Names,
    *,
    previous: str = "",
    earlier: str = "",
    embed: Embed | None = None,
) -> Asking:
    """The kind of a message, by rules: some 0.2 ms, 10 ms more where ``embed`` is asked.

    Args:
        question: as typed; ``standalone`` as completed from the conversation.
        names: reads the titles and file names of the library; called where they matter.
        previous: the assistant's last message, empty at a conversation's beginning.
        earlier: the user's last question, empty at a conversation's beginning.
        embed: texts to questions' vectors of the embedded model; without it a statement that
            only the classifier can tell from small talk is a look-up.

    Raises:
        ModelError: ``embed`` failed.
    """
    if is_smalltalk(question, previous):
        return Asking(Kind.SMALLTALK)
    return (
        _library(without_greeting(question), names)
        or _summary(question, standalone, names)
        or _comparison(question, standalone)
        or _statement(question, embed)
        or _unclear(question, standalone, earlier, embed)
        or Asking(Kind.LOOKUP)
    )


def _library(question: str, names: Names) -> Asking | None:
    topic = library_topic(question)
    if topic is not None:
        return Asking(Kind.LIBRARY, (topic,) if topic else ())
    wanted = wanted_document(question)
    if wanted and named(wanted, names()):
        return Asking(Kind.LIBRARY, (wanted,))
    return None


def _summary(question: str, standalone: str, names: Names) -> Asking | None:
    for text in dict.fromkeys((question, standalone)):
        meant = summary_object(without_greeting(text))
        if meant is None:
            continue
        if found := named(meant, names()) if not is_generic(meant) else []:
            return Asking(Kind.SUMMARY, tuple(found))
    meant = summary_object(without_greeting(question))
    return Asking(Kind.SUMMARY) if meant is not None and is_generic(meant) else None


def _comparison(question: str, standalone: str) -> Asking | None:
    for text in dict.fromkeys((standalone, question)):
        if things := compared_things(without_greeting(text)):
            return Asking(Kind.COMPARE, things)
    return None


def _statement(question: str, embed: Embed | None) -> Asking | None:
    if embed is None or smalltalk_probability(question, embed) < THRESHOLD:
        return None
    return Asking(Kind.SMALLTALK)


def _unclear(question: str, standalone: str, earlier: str, embed: Embed | None) -> Asking | None:
    text = question if earlier else standalone
    return Asking(Kind.UNCLEAR) if is_unclear(text, earlier, embed) else None
