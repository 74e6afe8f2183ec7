"""How well the kinds of messages are told apart.

``messages.en.txt`` and ``messages.zh.txt`` hold messages under the kind that each is. They were
written for this project by hand, without templates.

``python -m benchmarks.asking`` says which of them are taken for another kind, and on sets in BEIR
layout (``--data DIR ...``) how many questions are not taken for look-ups.
``python -m benchmarks.asking train`` learns the weights of the small talk classifier, and prints
how well it does on messages that it was not trained on.
"""
