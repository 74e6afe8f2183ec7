"""From a standalone question to a checked answer: retrieval, answering, citations, refusal.

Each kind of question has its way: small talk needs no documents, an overview of the library no
model, a summary passages from the whole document, a comparison a search for each thing. Whether
the documents hold the answer is decided by retrieval and support (``answerability``), twice: before
the model is asked, where nothing near was found, and when what it said is checked.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable

from assistant import answerability, asking, events, replies
from assistant.answer_events import answer_events
from assistant.answering import passage_document, plain_messages, stuffed_messages
from assistant.asking import Asking, Kind
from assistant.citations import Checked, check_citations, contradictions
from assistant.errors import BadAnswer, ModelError
from assistant.injection import without_commands
from assistant.knowledge.records import Hit
from assistant.models.embedding.embedded import meanings
from assistant.models.embedding.model import EmbeddingModel
from assistant.passages import Passage, select_passages
from assistant.prompts import Prompts, language_of
from assistant.retrieval import Found, Retriever
from assistant.rewriting.standalone import Standalone
from assistant.sections import sections
from assistant.turn_progress import TurnProgress, joined_spans, source_event

log = logging.getLogger(__name__)

ATTEMPTS = 2  # small models sometimes end before they begin
_SOURCE = re.compile(r"/source/(\d+)")
ROOMY = 1000  # tokens of passages from which on hits are joined with their neighbours
SHOWN = 120  # characters of a command in a notice

Chain = Runnable[dict[str, object], BaseMessage]


@dataclass(frozen=True)
class Answerer:
    """``own_knowledge``: after a refusal the model may say what it knows itself, marked so."""

    retriever: Retriever
    embeddings: EmbeddingModel
    prompts: Prompts
    calibration: answerability.Calibration
    own_knowledge: bool = False

    def asked(self, now: TurnProgress) -> Asking:
        """What kind of question ``now.standalone`` is."""
        turns = now.before.history.turns
        return asking.asking(
            now.question,
            now.standalone.text,
            lambda: asking.library_names(now.library.sources()),
            previous=turns[-1].answer if turns else "",
            earlier=turns[-1].text if turns else "",
            embed=meanings(self.embeddings),
        )

    def answer(
        self, now: TurnProgress, asked: Asking, stopped: threading.Event
    ) -> Iterator[events.Event]:
        """Answer from the documents of ``now.library``, or say that they don't hold the answer.

        Raises:
            ModelError: the question can't be embedded, or the chat model gives no answer.
        """
        yield now.step("retrieve")
        found = self._find(now, asked)
        if found.notice is not None:
            yield events.Notice(found.notice.kind, found.notice.text(now.language))
        if not found.hits:
            yield from said(now, "refusal", replies.NOTHING)
            return
        passages, commands = without_commands(self._passages(now, asked, found), _question(now))
        if commands:
            shown = " ".join(commands[0].split())[:SHOWN]
            yield _notice(now, "injection", replies.INJECTION, sentence=shown)
        now.sources = [source_event(passage) for passage in passages]
        yield from now.sources
        language = language_of(now.question)
        choices = asking.clarifying(found, language) if asked.kind is Kind.UNCLEAR else ""
        if choices:
            yield from said(now, "clarify", {language: choices})
        elif not self._is_near(asked, now, found) or not passages:
            yield from self._refuse(now, stopped)
        else:
            yield from self._answer(now, asked, found, passages, stopped)

    def small_talk(self, now: TurnProgress, stopped: threading.Event) -> Iterator[events.Event]:
        """Answer without documents."""
        now.kind = "smalltalk"
        yield now.step("reply")
        yield from self._plain(now, "smalltalk", now.question, stopped)

    def about_library(self, now: TurnProgress, asked: Asking) -> Iterator[events.Event]:
        """Answer from the list of documents, in our own words."""
        language, topic = language_of(now.question), " ".join(asked.subjects)
        near: tuple[Hit, ...] = ()
        if topic and not now.library.is_empty:
            near = now.library.search(self.retriever, Standalone(now.question, topic)).hits
        text = asking.library_answer(now.library.sources(), language, topic, near)
        yield from said(now, "library", {language: text})

    def _find(self, now: TurnProgress, asked: Asking) -> Found:
        match asked.kind:
            case Kind.SUMMARY:
                budget = self._budget(now)
                count = self.embeddings.count_tokens
                recent = now.library.meant(now.question, _recent_sources(now))
                hits = asking.summary_hits(now.library, asked, budget, count, recent)
                return Found(hits=tuple(hits))
            case Kind.COMPARE:
                searching = now.library.searched_by(self.retriever)
                return asking.compared(searching, asked, now.standalone)
            case _:
                return now.library.search(self.retriever, now.standalone)

    def _passages(self, now: TurnProgress, asked: Asking, found: Found) -> list[Passage]:
        if asked.kind is Kind.SUMMARY:  # cut to the budget already
            return [Passage(n, hit, hit.text) for n, hit in enumerate(found.hits, 1)]
        question, count, budget = _question(now), self.embeddings.count_tokens, self._budget(now)
        hits: Sequence[Hit] = found.hits
        if budget >= ROOMY:
            hits = sections(now.library, hits, budget, count)
        return select_passages(hits, question, budget, count)

    def _budget(self, now: TurnProgress) -> int:
        """Tokens of passages that can be read in time."""
        return now.chat.reading().passage_tokens(
            self.embeddings.count_tokens(_question(now)), now.elapsed() - now.waited
        )

    def _is_near(self, asked: Asking, now: TurnProgress, found: Found) -> bool:
        if asked.kind is not Kind.LOOKUP:
            return True
        return answerability.before(_question(now), found, self.calibration).answered

    def _answer(
        self,
        now: TurnProgress,
        asked: Asking,
        found: Found,
        passages: Sequence[Passage],
        stopped: threading.Event,
    ) -> Iterator[events.Event]:
        question = _question(now)
        if pairs := contradictions(question, passages):
            told = "; ".join(f"[{one}] / [{other}]" for one, other in pairs)
            yield _notice(now, "contradiction", replies.CONTRADICTION, pairs=told)
        yield now.step("answer")
        prompts = self.prompts.now()
        chain = stuffed_messages(now.chat.model().bind(stopped=stopped), prompts)
        inputs: dict[str, object] = {
            "input": question,
            "context": [passage_document(passage) for passage in passages],
            "wishes": now.wishes,
        }
        system = _system(prompts, "answer", question)
        yield from self._stream(now, chain, system, inputs, stopped)
        checked = self._checked(now, passages)
        if asked.kind is Kind.LOOKUP and not now.incomplete:
            verdict = answerability.after(question, found, passages, checked, self.calibration)
            if not verdict.answered:
                yield from self._refuse(now, stopped)
                return
        now.answer, now.unsupported = checked.answer, checked.unsupported
        marked = _marked_sources(passages, checked)
        now.sources = [marked.get(source.n, source) for source in now.sources]
        yield from marked.values()
        yield events.Revise(checked.answer, checked.cited, checked.unsupported)

    def _checked(self, now: TurnProgress, passages: Sequence[Passage]) -> Checked:
        try:
            embed = meanings(self.embeddings)
            return check_citations(now.answer, passages, _question(now), embed)
        except ModelError as error:
            # The answer is there already: it is checked by its words alone.
            log.warning("citations are checked without vectors: %s", error)
            return check_citations(now.answer, passages, _question(now))

    def _refuse(self, now: TurnProgress, stopped: threading.Event) -> Iterator[events.Event]:
        """The documents don't hold the answer; what the model said instead is taken back."""
        language = language_of(now.question)
        now.refused, now.kind, now.unsupported = True, "refusal", ()
        now.answer = replies.REFUSAL[language]
        if not self.own_knowledge or stopped.is_set():
            yield events.Revise(now.answer, ())
            return
        now.kind = "own"
        now.answer += f"\n\n> {replies.OWN_KNOWLEDGE[language]}\n\n"
        yield events.Revise(now.answer, ())
        yield now.step("reply")
        yield from self._plain(now, "own", _question(now), stopped)

    def _plain(
        self, now: TurnProgress, name: str, question: str, stopped: threading.Event
    ) -> Iterator[events.Event]:
        """What the model says by a prompt without documents."""
        prompts = self.prompts.now()
        chain = plain_messages(now.chat.model().bind(stopped=stopped), prompts, name)
        system = _system(prompts, name, question)
        yield from self._stream(now, chain, system, {"input": question}, stopped)

    def _stream(
        self,
        now: TurnProgress,
        chain: Chain,
        system: str,
        inputs: dict[str, object],
        stopped: threading.Event,
    ) -> Iterator[events.Event]:
        """The chat model's words, added to the answer so far."""
        before = now.answer
        for _ in range(ATTEMPTS):
            stream = chain.stream(inputs)
            try:
                yield from answer_events(now, stream, system)
            finally:
                # Closes the connection, so that a server stops writing what nobody reads.
                close: Callable[[], None] = getattr(stream, "close", lambda: None)
                close()
            if stopped.is_set():
                now.incomplete = "stopped"
            if now.answer != before or now.incomplete:
                return
        raise BadAnswer(
            "The chat model gave an empty answer {attempts} times: ask again, or in other words.",
            "聊天模型连续 {attempts} 次没有给出任何内容：请重试，或换一种问法。",
            attempts=ATTEMPTS,
        )


def said(now: TurnProgress, kind: str, texts: replies.Texts) -> Iterator[events.Event]:
    """A reply in our own words."""
    now.kind, now.refused = kind, kind == "refusal"
    now.answer = texts[language_of(now.question)]
    yield events.Token(now.answer)


def _system(prompts: Prompts, name: str, question: str) -> str:
    """The system message, which an answer must not recite."""
    return prompts.get(name, language_of(question)).texts[0]


def _question(now: TurnProgress) -> str:
    return now.standalone.text


def _recent_sources(now: TurnProgress) -> list[int]:
    """Ids of the documents that the last answer was given from."""
    turns = now.before.history.turns
    links = [str(source.get("link", "")) for source in turns[-1].sources] if turns else []
    return [int(found[1]) for link in links if (found := _SOURCE.match(link))]


def _notice(now: TurnProgress, kind: str, texts: replies.Texts, **values: str) -> events.Notice:
    return events.Notice(kind, texts[now.language].format(**values))


def _marked_sources(passages: Sequence[Passage], checked: Checked) -> dict[int, events.Source]:
    """The cited sources, with the words marked that bear the answer out."""
    spans: dict[int, list[tuple[int, int]]] = {}
    for claim in checked.claims:
        for one in claim.evidence:
            spans.setdefault(one.n, []).append((one.start, one.end))
    return {
        passage.n: source_event(passage, joined_spans(spans[passage.n]))
        for passage in passages
        if passage.n in spans
    }
