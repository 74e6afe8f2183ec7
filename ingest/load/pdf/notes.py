"""What readers wrote on a page: values of form fields and the text of notes."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from typing import Any

#: Annotations of one page that are looked at; links are annotations, too.
MOST_NOTES = 2000
_LONGEST = 4000
# FPDF_ANNOT_*: text, free text, highlight, underline, strike-out, stamp, caret.
_NOTES = (1, 3, 9, 10, 12, 13, 14)
_WIDGET = 20
# FPDF_FORMFIELD_*
_CHECKBOX, _RADIO, _COMBO, _LIST, _TEXT = 2, 3, 4, 5, 6


def notes(pdf: Any, page: Any) -> list[str]:
    """``field: value`` for each field that is filled in, and each note's text."""
    import pypdfium2.raw as pdfium

    count = pdfium.FPDFPage_GetAnnotCount(page.raw)
    found: list[str] = []
    for place in range(min(count, MOST_NOTES)):
        note = pdfium.FPDFPage_GetAnnot(page.raw, place)
        if not note:
            continue
        kind = pdfium.FPDFAnnot_GetSubtype(note)
        if kind == _WIDGET and pdf.formenv:
            found += _field(pdf.formenv.raw, note)
        elif kind in _NOTES:
            found.append(_contents(note))
        pdfium.FPDFPage_CloseAnnot(note)
    return list(dict.fromkeys(text for text in found if text))


def _contents(note: Any) -> str:
    import pypdfium2.raw as pdfium

    return _string(lambda *b: pdfium.FPDFAnnot_GetStringValue(note, b"Contents", *b))


def _field(form: Any, note: Any) -> Iterator[str]:
    import pypdfium2.raw as pdfium

    kind = pdfium.FPDFAnnot_GetFormFieldType(form, note)
    if kind not in (_CHECKBOX, _RADIO, _COMBO, _LIST, _TEXT):
        return
    if kind in (_CHECKBOX, _RADIO) and not pdfium.FPDFAnnot_IsChecked(form, note):
        return
    label = _string(lambda *b: pdfium.FPDFAnnot_GetFormFieldAlternateName(form, note, *b))
    label = label or _string(lambda *b: pdfium.FPDFAnnot_GetFormFieldName(form, note, *b))
    value = _string(lambda *b: pdfium.FPDFAnnot_GetFormFieldValue(form, note, *b))
    if value:
        yield f"{label}: {value}" if label else value


def _string(ask: Callable[..., int]) -> str:
    """The text that one of pdfium's functions writes into a buffer."""
    import pypdfium2.raw as pdfium

    length = min(ask(None, 0), 2 * _LONGEST)
    if length <= 2:
        return ""
    buffer = ctypes.create_string_buffer(length)
    ask(ctypes.cast(buffer, ctypes.POINTER(pdfium.FPDF_WCHAR)), length)
    text = buffer.raw[: length - 2].decode("utf-16-le", "ignore").replace("\0", "")
    return " ".join(text.split())
