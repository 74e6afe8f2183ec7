"""Files on the disk: which there are, and which of them changed since they were last read."""
