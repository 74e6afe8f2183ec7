"""The embedded chat model: its files, its server, its speed."""
