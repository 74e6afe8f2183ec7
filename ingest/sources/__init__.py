"""What is kept up to date by itself: the list of sources, when each is due, and their runs."""
