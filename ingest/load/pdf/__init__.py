"""PDF by pdfium: text in reading order by page, with headings, lists, tables and code.

1. :mod:`file` opens it; :mod:`glyphs` asks pdfium for words and their places, page by page.
2. :mod:`rules` and :mod:`tables` find tables, :mod:`columns` the reading order.
3. :mod:`running` drops running heads and page numbers by comparing neighbouring pages.
4. Pages that are pictures are read by :mod:`ingest.load.ocr` where it is installed.
5. :mod:`headings` and :mod:`blocks` make blocks of the lines.
"""

from ingest.load.pdf.loader import load_pdf

__all__ = ["load_pdf"]
