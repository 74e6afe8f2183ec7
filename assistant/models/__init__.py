"""Models behind one string, ``provider:model``: chat, embeddings, rerank, and the embedded ones."""
