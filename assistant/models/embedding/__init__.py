"""Embedding models, and the vectors that were asked for before."""
