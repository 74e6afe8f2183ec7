"""A model served to others: the command for this model and this machine, run and watched."""
