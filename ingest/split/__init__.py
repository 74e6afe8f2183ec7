"""Documents to chunks: by headings first, then whole blocks, then sentences.

1. Headings make a tree of sections. A section that fits into one chunk with all its subsections
   becomes one; otherwise its own text and each subsection are split for themselves, but small
   neighbours are put together. So a change in one section touches its own chunks, and of others
   only the chunk of small sections that it is part of, comes into, or leaves.
2. Inside a section, paragraphs, lists, tables and code are kept whole where they fit; larger ones
   are cut at sentences, items, rows and lines, with the table's header and the code's fence
   repeated.
3. Running text overlaps from one chunk of a section to the next. No chunk spans two pages.
"""

from __future__ import annotations

from ingest.split.sentences import sentences
from ingest.split.splitter import VERSION, Splitter

__all__ = ["VERSION", "Splitter", "sentences"]
