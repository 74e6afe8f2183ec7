"""Reading documents in processes of their own: on all cores, stopped when they hang, and no crash
of a parser is a crash of the app."""
