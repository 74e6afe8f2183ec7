"""Document work of the running app, in a process of its own with the lowest priority: chat comes
first, and no fault of a document is a fault of the app."""
