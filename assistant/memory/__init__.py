"""What is remembered: the running conversation in this process, everything else in Redis."""
