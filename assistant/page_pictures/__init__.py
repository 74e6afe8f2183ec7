"""Pages of documents as pictures: drawn in a process of its own, kept in a bounded cache.

1. :mod:`originals` finds the file that a source was read from, if it is still the same.
2. :mod:`drawing` draws a page of it, and tells where its characters are; it runs in
   :mod:`child`, which :mod:`process` starts for each page and bounds in time and memory.
3. :mod:`cache` keeps both; :mod:`pictures` is the door.
4. :mod:`places` finds the cited words among the characters.
"""
