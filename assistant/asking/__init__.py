"""What kind of message a turn has to do with, and what answers those that are no look-ups.

1. :func:`asking` tells the kind: :mod:`smalltalk` (words, then :mod:`classifier`), questions about
   the library (:mod:`library_wording`), summaries (:mod:`summary_wording`), comparisons
   (:mod:`comparison_wording`), unclear ones (:mod:`unclear`); all else is a look-up;
2. :func:`library_answer` says which documents there are (:mod:`overview`);
3. :func:`summary_hits` gives passages spread over a document (:mod:`spreading`);
4. :func:`compared` searches for each of the things (:mod:`comparing`);
5. :func:`clarifying` asks back where what is found is about several things (:mod:`unclear`).
"""

from assistant.asking.comparing import compared
from assistant.asking.deciding import asking
from assistant.asking.kinds import Asking, Kind
from assistant.asking.naming import library_names
from assistant.asking.overview import library_answer
from assistant.asking.spreading import summary_hits
from assistant.asking.unclear import clarifying

__all__ = [
    "Asking",
    "Kind",
    "asking",
    "clarifying",
    "compared",
    "library_answer",
    "library_names",
    "summary_hits",
]
