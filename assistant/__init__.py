"""Everything about answering: the question flow from a typed question to a cited answer."""
