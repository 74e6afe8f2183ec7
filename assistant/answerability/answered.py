"""What an answer tells about whether the documents hold it: its support, and what it admits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from assistant.answerability.admission import admission
from assistant.answerability.words import asked_terms, held, holds_answer, is_foreign, plain
from assistant.citations.markers import without_marks
from assistant.citations.records import NOTHING, SUPPORTED, Checked, Claim
from assistant.knowledge.keywords import query_terms
from assistant.knowledge.records import Hit
from assistant.passages import Passage

READ = 5  # candidates that may tell the same
TELLS = 0.6  # share of the answer's own terms that a candidate holds to tell the same
LONGEST = 1500  # characters of a candidate that are read
ADMISSION = 0.6  # share of an answer that admits, from which it is no answer

#: The names of what :func:`answer_features` gives.
NAMES = ("support", "borne", "asked_there", "thing_there", "told_again", "owns")
#: Those that hold across languages.
OF_MEANING = ("support", "borne", "owns")


def answer_features(
    question: str, candidates: Sequence[Hit], passages: Sequence[Passage], checked: Checked
) -> dict[str, float]:
    """The features of an answer that was made of ``passages``.

    - ``support``: the share of the claims' words that the passages bear; ``borne``: of the claims
    - ``asked_there``: the share of the question's terms in the sentences that bear a claim
    - ``thing_there``: whether those hold a date or number where one is asked for
    - ``told_again``: the share of the best candidates that hold what the answer says of its own
    - ``owns``: whether it says anything that the question did not

    Of passages in another language all are missing where none bears a claim, and those that
    compare words where one does.
    """
    claims = [claim for claim in checked.claims if claim.kind != NOTHING]
    borne = [claim for claim in claims if claim.kind == SUPPORTED]
    evidence = list(_evidence(borne, passages))
    asked = asked_terms(question)
    there = max((len(held(asked, one)) for one in evidence), default=0) / max(1, len(asked))
    own = _own_terms(question, claims)
    best = sorted(candidates, key=lambda hit: -hit.score)[:READ]
    again = sum(len(held(own, plain(hit.text[:LONGEST]))) >= TELLS * len(own) for hit in best)
    found = {
        "support": checked.support,
        "borne": len(borne) / len(claims) if claims else 0.0,
        "asked_there": there,
        "thing_there": float(any(holds_answer(question, one) for one in evidence)),
        "told_again": again / len(best) if own and best else 0.0,
        "owns": float(bool(own)),
    }
    if is_foreign(question, [passage.quote for passage in passages]):
        kept = OF_MEANING if borne else ()
        return {name: found[name] for name in kept}
    return found


def is_no_answer(checked: Checked) -> bool:
    """Whether the answer is none by its own words: it admits so and no passage bears the rest."""
    share = admission(without_marks(checked.answer))
    if share >= ADMISSION:
        return True
    return share > 0 and not any(claim.kind == SUPPORTED for claim in checked.claims)


def _evidence(claims: Sequence[Claim], passages: Sequence[Passage]) -> Iterator[str]:
    """The sentences that bear each claim, with what their documents are about."""
    known = {passage.n: passage for passage in passages}
    for claim in claims:
        for one in claim.evidence:
            passage = known.get(one.n)
            if passage is not None:
                yield plain(f"{passage.hit.subject}\n{passage.quote[one.start : one.end]}")


def _own_terms(question: str, claims: Sequence[Claim]) -> list[str]:
    """What the answer says and the question does not."""
    said = without_marks(" ".join(claim.text for claim in claims))
    asked = set(query_terms(question))
    return [term for term in query_terms(re.sub(r"\s+", " ", said)) if term not in asked]
