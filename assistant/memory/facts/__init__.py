"""What the assistant remembers of a person: found in their messages, in their own words.

1. :mod:`typed` leaves out what the user pasted: code, logs, quotations, documents;
2. :mod:`clauses` cuts the rest into clauses;
3. :mod:`features` describes each clause: its words, the cues of :mod:`cues`, :mod:`doubts`,
   :mod:`asking` and :mod:`wishes` in it, its neighbours; :mod:`classifier` tells from these and
   the embedded model's vectors how likely it is a lasting statement of the user about themself, or
   a wish for answers. Its weights were learned from labelled messages by
   ``python -m benchmarks.memory_month.train``. What :mod:`rejections` holds is never kept, however
   likely (:func:`statements`);
4. :mod:`merging` tells what a statement does to the known facts (:func:`merged`): :mod:`near` finds
   those beside it, :mod:`replacing` tells how likely it takes the place of one, from how alike both
   are (:mod:`likeness`, :mod:`topics`), their :mod:`values` and words of change. Its weights were
   learned from pairs by ``python -m benchmarks.memory_month.pairs``;
5. :class:`Remembering` does this in the background.

Nothing is generated: a fact is a piece of a message of the user. Documents and answers are never
looked at.
"""

from assistant.memory.facts.merging import merged
from assistant.memory.facts.remembering import Remembering
from assistant.memory.facts.statements import Statement, statements

__all__ = ["Remembering", "Statement", "merged", "statements"]
