"""The commands of ``python -m assistant.models``: a module each."""
