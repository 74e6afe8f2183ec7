"""What the assistant remembers of a person: found in their messages, in their own words.

1. :mod:`typed` leaves out what the user pasted: code, logs, quotations, documents;
2. :mod:`clauses` cuts the rest into clauses;
3. :mod:`rejections`, :mod:`asking`, :mod:`wishes` and :mod:`cues` tell by rules which clauses are
   lasting statements of the user about themself, or wishes for answers (:func:`statements`);
4. :mod:`merging` tells what a statement does to the known facts (:func:`merged`);
5. :class:`Remembering` does this in the background.

Nothing is generated: a fact is a piece of a message of the user. Documents and answers are never
looked at.
"""

from assistant.memory.facts.merging import merged
from assistant.memory.facts.remembering import Remembering
from assistant.memory.facts.statements import Statement, statements

__all__ = ["Remembering", "Statement", "merged", "statements"]
