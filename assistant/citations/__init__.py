"""Checks citations: which passage bears each sentence of an answer.

Small models write few markers and wrong ones, so the markers are ours: each sentence is aligned
to the sentences of the passages. A marker that the passage doesn't bear is removed, a missing one
is added, and a sentence that no passage bears is reported.

- ``records``: what a check gives
- ``markers``, ``pieces``: markers of all shapes; an answer in sentences, rows and code blocks
- ``figures``, ``names``, ``polarity``: what a claim can't do without
- ``ground``, ``alignment``, ``meaning``: the passages' sentences, and which of them bear a claim
- ``checking``: all of it together
- ``contradictions``: passages that tell different things
"""

from assistant.citations.checking import check_citations
from assistant.citations.contradictions import contradictions
from assistant.citations.records import Checked, Claim, Embed, Evidence

__all__ = ["Checked", "Claim", "Embed", "Evidence", "check_citations", "contradictions"]
