"""The knowledge base: the only door to documents. Nothing above it knows SQLite or FAISS."""
