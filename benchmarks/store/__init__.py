"""The knowledge base side by side with raw FAISS and LangChain's FAISS wrapper.

    python -m benchmarks.store [--sizes 10000,100000,1000000] [--folder DIR] [--queries 200]
                               [--kinds auto,...] [--output FILE.json]

- ``corpus``, ``vocabulary``: seeded vectors and texts, made document by document
- ``loading``: the knowledge base filled with them, kept in ``--folder`` for the next run
- ``peers``: raw FAISS, and the wrapper
- ``searching``, ``words``, ``writing``, ``opening``: what is measured
- ``fresh``: runs in a process of its own, for open times and memory
- ``report``: tables
"""
