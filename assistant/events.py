"""The events of a turn, in the order they happen.

The page, the command line, the API, the tests and the benchmarks all consume this one stream:
``(step | notice)* memory* rewrite? source* (thinking | token | revise | source
| notice)* (done | error)``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field

#: Kinds of replies: from the documents; that they hold nothing; the same with what the model knows
#: itself; small talk; about the library; a question back.
REPLIES = ("answer", "refusal", "own", "smalltalk", "library", "clarify")


@dataclass(frozen=True)
class Event:
    """Base. ``name`` is fixed for programs; ``as_json`` is the wire form."""

    @property
    def name(self) -> str:
        return type(self).__name__.lower()

    def as_json(self) -> dict[str, object]:
        return {"event": self.name, **asdict(self)}


@dataclass(frozen=True)
class Step(Event):
    """The turn enters a stage: "queue" (others are answered first), "documents" (waiting for the
    first ones to be read in), "model" (waiting for it to load), "rewrite", "retrieve", "answer";
    "reply" where the model is asked without documents."""

    stage: str
    seconds: float  # since the turn began; in the queue, since it was asked
    place: int = 0  # in the queue: 1 is the next; told again as it changes


@dataclass(frozen=True)
class Notice(Event):
    """Something that the reader should know while the turn goes on, such as Redis being away."""

    kind: str
    message: str


@dataclass(frozen=True)
class Rewrite(Event):
    """The standalone question. ``changed`` is False where the question stood as it was; ``way``
    tells how it came, one of ``rewriting.standalone.WAYS``."""

    question: str
    standalone: str
    changed: bool
    way: str = ""


@dataclass(frozen=True)
class Memory(Event):
    """A long-term memory that was used: an earlier "turn" or a "fact" to complete the question, a
    "preference" for the answer."""

    text: str
    conversation_id: str
    when: float
    id: str = ""
    kind: str = "turn"


@dataclass(frozen=True)
class Source(Event):
    """A passage given to the model, under the number that citations use. One that bears the answer
    out comes again, with ``marks`` and a link that marks them, and replaces the first."""

    n: int
    id: str
    title: str
    location: str
    quote: str  # the sentences of the passage that the model was given
    score: float
    link: str  # opens the passage in the app
    url: str = ""  # the original on the web, where there is one
    kept: str = ""  # why it was found: "both", "dense", "keyword", "rerank" or "neighbour"
    dense_rank: int | None = None
    keyword_rank: int | None = None
    rerank_rank: int | None = None
    marks: tuple[tuple[int, int], ...] = ()  # of ``quote``: the words that bear the answer out


@dataclass(frozen=True)
class Thinking(Event):
    """A piece of a reasoning model's thoughts: shown folded, never stored as the answer."""

    text: str


@dataclass(frozen=True)
class Token(Event):
    """A piece of the answer."""

    text: str


@dataclass(frozen=True)
class Revise(Event):
    """Replaces what was streamed: the whole answer after its citations were checked, or nothing
    where it turned out to be thoughts."""

    answer: str
    cited: tuple[int, ...]
    unsupported: tuple[str, ...] = ()  # sentences that no passage bears


@dataclass(frozen=True)
class Done(Event):
    """The end of a good turn. ``timings`` are seconds since the turn began."""

    conversation_id: str
    answer: str
    refused: bool
    timings: dict[str, float] = field(default_factory=dict)
    stopped: bool = False
    incomplete: str = (
        ""  # why the answer ends early: "stopped", "broken", "cut", "repeated", "recited"
    )
    model: str = ""  # that answered, as "provider:model"
    tokens: dict[str, int] = field(default_factory=dict)  # "prompt" and "answer"
    turn_id: str = ""
    kind: str = ""  # of the reply: one of ``REPLIES``


@dataclass(frozen=True)
class Error(Event):
    """The end of a turn that failed: what happened and what to do, never an answer."""

    kind: str
    message: str
