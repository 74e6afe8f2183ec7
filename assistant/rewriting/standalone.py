"""What rewriting gives: a question that can be searched by itself."""

from __future__ import annotations

from dataclasses import dataclass

#: How a standalone question came: as typed, since nothing was to be resolved; by the model; joined
#: with its subject, since the model could not be used or was not trusted; edited by the user; as
#: typed, since rewriting is switched off.
WAYS = ("typed", "model", "joined", "edited", "off")


@dataclass(frozen=True)
class Standalone:
    """A question that can be searched by itself.

    ``background`` are the earlier messages that the question may lean on, oldest first, for
    :func:`assistant.retrieval.question_vector`; empty where it leans on none.
    """

    question: str  # as typed
    text: str
    background: tuple[str, ...] = ()
    way: str = "typed"

    def __post_init__(self) -> None:
        if self.way not in WAYS:
            raise ValueError(f"way must be one of {', '.join(WAYS)}; it is {self.way!r}")

    @property
    def changed(self) -> bool:
        return self.text != self.question
