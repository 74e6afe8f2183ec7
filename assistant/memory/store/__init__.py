"""Long-term memory as it lies in Redis, and the only importer of its client.

Layout 2. Every key begins with ``rag:2:{USER}:``, where USER is percent-encoded: ``}`` and ``:`` in
a name can't reach another user's keys, and the braces put all keys of a user into one slot of a
cluster. Ids are percent-encoded as well, wherever they stand.

- ``control``        hash: born (random, of this user's memory), seq (of the last change), floor
  (not all changes up to here are known), pruned (how far the last sweep came), facts (counts
  changes of facts), paused
- ``conversations``  sorted set, conversation -> time of its last turn
- ``c:CONVERSATION`` hash: title, head (the turn shown last), created
- ``t:CONVERSATION`` hash, turn -> JSON of :class:`~assistant.memory.records.Turn`
- ``choices``        hash, conversation -> JSON of the user's choices for it
- ``order``          sorted set, "CONVERSATION/TURN" -> time, for retention
- ``facts``          hash, fact -> JSON of :class:`~assistant.memory.records.Fact`
- ``items``          hash, "t/CONVERSATION/TURN" or "f/FACT" -> what recall needs (:mod:`.items`)
- ``changed``        sorted set, the same ids -> number of the last change. An id that is not in
  ``items`` is gone: a process that held it takes it out.
- ``pinned``         sorted set, conversations that stand on top of the list -> time
- ``deleting``       sorted set, conversations that are to be deleted, held back for a while -> time
- ``shared``         hash, conversation -> secret of the link that it can be read by
- ``begun``          hash, conversation -> JSON of a question whose turn has not been stored
- ``gone``           sorted set, forgotten conversations -> time, so that a write that was held
  meanwhile doesn't bring them back

A process keeps one user's items and facts in memory (:mod:`assistant.memory.mirror`) and reads, in
the one round trip that opens a turn, only what changed since it last looked. All that must be one
step is one script (:mod:`.reading`, :mod:`.writing`): it needs no lock, and a process that is
killed leaves nothing half done. ``gone`` and ``changed`` keep random ids of what was forgotten,
never its text.

Layout 1 of a user is moved on first contact (:mod:`.migration`).

An ACL user needs ``~rag:* +@read +@write +@scripting +ping +scan``, in a cluster also
``+cluster|slots +command``.
"""
