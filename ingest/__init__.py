"""Everything about getting documents in: crawl or load, split, embed, store."""
