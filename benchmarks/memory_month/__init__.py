"""What the assistant remembers of people after a scripted month of chatting.

The scripts (``dev.*.jsonl``, and a test half that is kept elsewhere) were written without knowledge
of the rules that find facts. They plant facts and preferences, change some later, and set traps:
what documents or the assistant say, jokes, hypotheticals, other people's facts, secrets.

``python -m benchmarks.memory_month [--half dev|test] [--folder DIR] [--show] [--json]`` has every
message learned in the order of days, through the real memory: its own embedded Redis server and
embedding model, each person being a user. Then, for each person:

- an item is a remembered text: each active fact, and each earlier version in a fact's history;
- it is right if a plant lies in one of the messages that it was said in, and the two overlap: the
  longest piece that both hold has at least 60% of the shorter one's letters and digits;
- precision is right items of all items; recall is plants with a right item, of all plants; a plant
  that a later one replaces may be in a history, any other must be active;
- a change is followed if the one that it replaces is not active, and the new one is (or is in a
  history, where another replaces it in turn);
- a trap is remembered if an item that is not right overlaps it: said in the same message, for what
  the user says, or holding at least half of its words, for documents and answers;
- an item is echoed if its text is in none of the messages that it claims to be from.

``python -m benchmarks.memory_month.train`` learns the weights by which statements are found, from
labelled messages of several authors (``training/``) and from the shipped half;
``python -m benchmarks.memory_month.pairs`` learns those by which one replaces a fact, from
statements beside known facts (``pairs/``) and from the shipped half.

Beside it stands the plain way: every sentence of the user with "I" or 我 in it.
"""
