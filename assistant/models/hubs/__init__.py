"""Whole models from Hugging Face and ModelScope: listed, fetched, verified, found again."""
