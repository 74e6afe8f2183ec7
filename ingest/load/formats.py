"""The one table of formats: how each is recognised and read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ingest.load.archive import Budget, gzip_members, zip_members
from ingest.load.delimited import load_delimited
from ingest.load.document import Document, Loaded, RawDocument
from ingest.load.docx import load_docx
from ingest.load.epub import load_epub
from ingest.load.html import load_html
from ingest.load.image import load_image
from ingest.load.json_lines import load_json, load_json_lines
from ingest.load.mail import load_mail, mail_members
from ingest.load.markdown import load_markdown
from ingest.load.notebook import load_notebook
from ingest.load.pdf import load_pdf
from ingest.load.pptx import load_pptx
from ingest.load.rst import load_rst
from ingest.load.source_code import LANGUAGES, NAMED, load_code
from ingest.load.spreadsheet import load_xls, load_xlsx
from ingest.load.text import load_text


@dataclass(frozen=True)
class Format:
    """A row of the table.

    Args:
        load: reads a document of this format; None where it only holds others.
        suffixes: of file names, lower case with their dot.
        media_types: as HTTP headers name it.
        file_names: whole file names, lower case, that have no telling suffix.
        is_text: its content is plain text; otherwise it is recognised by its first bytes alone.
        members: the documents that it holds, each read one at a time.
    """

    load: Callable[[RawDocument], Document] | None
    suffixes: tuple[str, ...] = ()
    media_types: tuple[str, ...] = ()
    file_names: tuple[str, ...] = ()
    is_text: bool = False
    members: Callable[[RawDocument, Budget], Iterator[RawDocument | Loaded]] | None = None


_OFFICE = "application/vnd.openxmlformats-officedocument"

FORMATS: Mapping[str, Format] = {
    "md": Format(
        load_markdown,
        (".md", ".markdown", ".mdown", ".mkd", ".mdx", ".qmd"),
        ("text/markdown", "text/x-markdown"),
        is_text=True,
    ),
    "html": Format(
        load_html,
        (".html", ".htm", ".xhtml"),
        ("text/html", "application/xhtml+xml"),
        is_text=True,
    ),
    "txt": Format(
        load_text,
        (".txt", ".text", ".log", ".adoc", ".asciidoc", ".org", ".tex", ""),
        ("text/plain",),
        is_text=True,
    ),
    "rst": Format(
        load_rst, (".rst", ".rest"), ("text/x-rst", "text/prs.fallenstein.rst"), is_text=True
    ),
    "pdf": Format(load_pdf, (".pdf",), ("application/pdf",)),
    "docx": Format(load_docx, (".docx",), (f"{_OFFICE}.wordprocessingml.document",)),
    "pptx": Format(
        load_pptx,
        (".pptx", ".pptm"),
        (f"{_OFFICE}.presentationml.presentation",),
    ),
    "xlsx": Format(load_xlsx, (".xlsx", ".xlsm"), (f"{_OFFICE}.spreadsheetml.sheet",)),
    "xls": Format(load_xls, (".xls",), ("application/vnd.ms-excel",)),
    "csv": Format(
        load_delimited,
        (".csv", ".tsv", ".tab"),
        ("text/csv", "text/tab-separated-values", "application/csv"),
        is_text=True,
    ),
    "json": Format(load_json, (".json", ".geojson"), ("application/json",), is_text=True),
    "jsonl": Format(
        load_json_lines,
        (".jsonl", ".ndjson"),
        ("application/jsonl", "application/x-ndjson", "application/ndjson"),
        is_text=True,
    ),
    "epub": Format(load_epub, (".epub",), ("application/epub+zip",)),
    "eml": Format(load_mail, (".eml",), ("message/rfc822",), is_text=True, members=mail_members),
    "ipynb": Format(load_notebook, (".ipynb",), ("application/x-ipynb+json",), is_text=True),
    "code": Format(load_code, tuple(LANGUAGES), file_names=tuple(NAMED), is_text=True),
    "image": Format(
        load_image,
        (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp"),
        ("image/png", "image/jpeg", "image/tiff", "image/webp", "image/bmp"),
    ),
    "zip": Format(None, (".zip",), ("application/zip",), members=zip_members),
    "gz": Format(None, (".gz",), ("application/gzip", "application/x-gzip"), members=gzip_members),
}
