"""The stuff-documents chain: numbered passages and the question to the chat model, streamed.

Passages are data: they are fenced (``fencing.py``), so that none can pass for a part of the prompt.
"""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.documents import Document
from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import BaseMessage
from langchain_core.output_parsers import StrOutputParser
from langchain_core.prompt_values import ChatPromptValue, PromptValue
from langchain_core.runnables import Runnable, RunnableLambda

from assistant.fencing import fenced, without_marks
from assistant.knowledge.records import Hit
from assistant.passages import Passage
from assistant.prompts import Prompts, language_of

_WISHES = {"zh": "（回答方式，用户的要求：{}）", "en": "(How to answer, as the user wishes: {})"}


def stuff_documents_chain(
    model: Runnable[LanguageModelInput, BaseMessage], prompts: Prompts
) -> Runnable[dict[str, object], str]:
    """LangChain's stuff-documents chain: ``{input, context}`` -> the answer, streamed."""
    chain = stuffed_messages(model, prompts) | StrOutputParser()
    return chain.with_config(run_name="stuff_documents_chain")


def stuffed_messages(
    model: Runnable[LanguageModelInput, BaseMessage], prompts: Prompts
) -> Runnable[dict[str, object], BaseMessage]:
    """The same with the model's whole messages, thoughts and all.

    ``context`` is a list of documents (numbered from 1 in that order; a document whose metadata
    has ``rendered`` is taken as it is). ``wishes`` may list, in the user's words, how they want to
    be answered. The prompt is in the language of ``input``.
    """

    def prompt(inputs: dict[str, object]) -> ChatPromptValue:
        question = str(inputs["input"])
        context: Sequence[Document] = inputs["context"]  # type: ignore[assignment]
        lines = [
            str(document.metadata.get("rendered") or f"[{n}] {fenced(document.page_content)}")
            for n, document in enumerate(context, 1)
        ]
        language = language_of(question)
        wishes: Sequence[str] = inputs.get("wishes") or ()  # type: ignore[assignment]
        asked = {
            "context": "\n".join(lines),
            "question": without_marks(question + _wished(wishes, language)),
        }
        return prompts.get("answer", language).invoke(asked)

    stuffed: Runnable[dict[str, object], PromptValue] = RunnableLambda(prompt, name="stuffed")
    return stuffed | model


def plain_messages(
    model: Runnable[LanguageModelInput, BaseMessage], prompts: Prompts, name: str
) -> Runnable[dict[str, object], BaseMessage]:
    """``{input}`` -> the model's messages by the prompt ``name``, which takes a question alone."""

    def prompt(inputs: dict[str, object]) -> PromptValue:
        question = str(inputs["input"])
        asked = {"question": without_marks(question)}
        return prompts.get(name, language_of(question)).invoke(asked)

    plain: Runnable[dict[str, object], PromptValue] = RunnableLambda(prompt, name=name)
    return plain | model


def _wished(wishes: Sequence[str], language: str) -> str:
    """The wishes as lines below the question, each on one line: they are the user's words, and
    must not pose as a part of the prompt."""
    flat = [" ".join(wish.split()) for wish in wishes]
    return f"\n{_WISHES[language].format('; '.join(flat))}" if flat else ""


def as_document(hit: Hit) -> Document:
    """A hit as LangChain has it."""
    return Document(
        id=hit.id,
        page_content=hit.text,
        metadata={
            **hit.metadata,
            "source": hit.source.uri,
            "title": hit.source.title,
            "location": hit.location,
            "score": hit.score,
        },
    )


def passage_document(passage: Passage) -> Document:
    """A numbered passage as a document of the stuff-documents chain."""
    document = as_document(passage.hit)
    document.page_content = passage.quote
    number = f"[{passage.n}] "
    document.metadata["rendered"] = number + fenced(passage.render().removeprefix(number))
    return document
