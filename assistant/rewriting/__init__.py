"""Completes a question from the conversation and the user's memories, before retrieval.

``context.py`` says what a question may lean on, ``needs.py`` whether it leans on anything,
``rewriter.py`` asks the model, ``validation.py`` keeps it honest, ``standalone.py`` is what comes
out, ``langchain_retriever.py`` offers it all as LangChain's history-aware retriever.
"""
