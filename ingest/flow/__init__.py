"""The stages that documents pass, side by side: read, split and embed, store.

Each stage is a thread with a bounded queue before it: a slow one holds up those before it and no
memory fills. Reading happens in processes of their own (:mod:`ingest.reading`), so that embedding
never waits for a parser.
"""
