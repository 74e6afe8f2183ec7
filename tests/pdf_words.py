"""Whether the words of a chunk stand on the page that it names, by another reading of the file.

The other reading is pdfium's raw text of the page: no order, columns, tables or headings of ours.

    python -m tests.pdf_words FILE.pdf PAGE < chunk.txt
"""

from __future__ import annotations

import re
import sys
import unicodedata
from pathlib import Path

# Words of letters and digits; each Chinese character is one.
_WORD = re.compile(r"[\u3400-\u9fff\uf900-\ufaff]|[^\W_\u3400-\u9fff\uf900-\ufaff]+")
# A word may be split by a hyphen on the page, or joined to a footnote's number.
_SPLIT = re.compile("[-\u00ad\ufffe\x02]\\s*")


def words_missing(path: Path, text: str, page: int) -> list[str]:
    """The words of ``text`` that are not on page ``page`` (from 1) of a PDF, in their order.

    Code fences' languages and the marks of Markdown are no words. An empty list means that the
    chunk is on its page.
    """
    import pypdfium2

    pdf = pypdfium2.PdfDocument(path)
    try:
        shown = _plain(pdf[page - 1].get_textpage().get_text_range())
    finally:
        pdf.close()
    whole = "".join(_WORD.findall(_SPLIT.sub("", shown)))
    apart = "".join(_WORD.findall(shown))
    return [word for word in _WORD.findall(_plain(text)) if word not in whole and word not in apart]


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


if __name__ == "__main__":
    missing = words_missing(Path(sys.argv[1]), sys.stdin.read(), int(sys.argv[2]))
    print(" ".join(missing) or "all there")
    sys.exit(bool(missing))
