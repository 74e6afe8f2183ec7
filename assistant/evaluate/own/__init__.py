"""A user's own questions to their own knowledge base, measured like any set.

A set of them is a folder in BEIR layout without a corpus: ``set.json`` names the collection that is
searched, as it is now. A judgement names a source by its URI, and the page or the words in it that
answer; chunk ids, which change with each splitting, are looked up when the set is read.

- ``questions``: the folder, private to its user; ``evidence``: what answers, found again
- ``table``: from a table or JSON lines; ``ratings``: from thumbs up and down in the chat
- ``live``: the set as ``Dataset``; ``commands``: ``python -m assistant.evaluate own``
"""
