"""Mail (EML): who, when and what about, then the text; what is attached are documents of their
own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.utils import parsedate_to_datetime
from pathlib import PurePosixPath
from typing import TypeAlias

from ingest.load.archive import Budget, too_many
from ingest.load.document import INSIDE, Block, Document, Loaded, RawDocument
from ingest.load.encoding import decode
from ingest.load.faults import damage_said
from ingest.load.html import html_blocks
from ingest.load.text import paragraphs

_SHOWN = ("From", "To", "Cc", "Date", "Subject")
_UNSAFE = re.compile(r"[/\\\x00-\x1f]+")
# A text part that says so much less than the HTML beside it says "open this in a browser".
_STUB = 3

Part: TypeAlias = "Message[str, str]"


def load_mail(raw: RawDocument) -> Document:
    """A mail without its attachments, which are only named; its title is the subject.

    Raises:
        DocumentError: it is broken.
    """
    with damage_said(raw, "mail", "邮件"):
        message = message_from_bytes(raw.data)
        subject = _header(message, "Subject")
        blocks = [Block("\n".join(_headers(message))), *_body(message)]
    return Document(subject or raw.stem, "eml", tuple(block for block in blocks if block.text))


def mail_members(raw: RawDocument, budget: Budget) -> Iterator[RawDocument | Loaded]:
    """What is attached, mails included.

    Raises:
        DocumentError: the mail is broken, or holds more than ``budget`` allows.
    """
    with damage_said(raw, "mail", "邮件"):
        parts = list(_attached(message_from_bytes(raw.data)))
    taken: set[str] = set()
    for number, part in enumerate(parts, start=1):
        if budget.members < 1:
            raise too_many(raw)
        budget.members -= 1
        with damage_said(raw, "mail", "邮件"):
            content = _content(part)
            name = _free(_file_name(part) or f"{number}", taken)
        budget.unpacked -= len(content)
        yield RawDocument(f"{raw.name}{INSIDE}{name}", content, part.get_content_type())


def _headers(message: Part) -> Iterator[str]:
    for name in _SHOWN:
        if value := _header(message, name):
            yield f"{name}: {_date(value) if name == 'Date' else value}"
    names = [name for part in _attached(message) if (name := _file_name(part))]
    if names:
        yield f"Attachments: {', '.join(names)}"


def _header(message: Part, name: str) -> str:
    values = (str(value) for key, value in message.raw_items() if key.lower() == name.lower())
    return _decoded(next(values, ""))


def _decoded(value: str) -> str:
    """A header's text; raw bytes, which some programs send, are decoded as any text."""
    try:
        words = decode_header(value)
    except (ValueError, HeaderParseError):
        words = [(value, None)]
    parts = (
        decode(word, charset or "")
        if isinstance(word, bytes)
        else decode(word.encode("utf-8", "surrogateescape"))
        for word, charset in words
    )
    return " ".join("".join(parts).split())


def _date(value: str) -> str:
    try:
        return parsedate_to_datetime(value).isoformat(" ", "minutes")
    except (ValueError, TypeError, IndexError, OverflowError):
        return value


def _body(message: Part) -> list[Block]:
    """The text; of a mail that says it twice, the plain form unless that is a stub."""
    plain: list[Block] = []
    rich: list[Block] = []
    for part in _leaves(message):
        if _is_attached(part):
            continue
        if part.get_content_type() == "text/plain":
            plain += paragraphs(_text(part))
        elif part.get_content_type() == "text/html":
            rich += html_blocks(_text(part))
    is_stub = _length(rich) > _STUB * _length(plain)
    return rich if is_stub else plain


def _leaves(message: Part) -> Iterator[Part]:
    """The parts in their order; a mail inside is one part."""
    stack = [message]
    while stack:
        part = stack.pop()
        children = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(children, list):
            stack += [child for child in reversed(children) if isinstance(child, Message)]
        else:
            yield part


def _attached(message: Part) -> Iterator[Part]:
    return (part for part in _leaves(message) if part is not message and _is_attached(part))


def _is_attached(part: Part) -> bool:
    if part.get_content_type() == "message/rfc822" or part.get_content_disposition() == (
        "attachment"
    ):
        return True
    return bool(part.get_filename()) or part.get_content_maintype() != "text"


def _file_name(part: Part) -> str:
    """Of an attachment, without folders; of a mail inside, its subject."""
    name = _UNSAFE.sub(" ", _decoded(part.get_filename() or "")).strip(" .")
    if part.get_content_type() != "message/rfc822" or name.lower().endswith(".eml"):
        return name
    inner = part.get_payload()
    inner = inner if isinstance(inner, list) else []
    subject = next((_header(each, "Subject") for each in inner if isinstance(each, Message)), "")
    return f"{name or _UNSAFE.sub(' ', subject)[:100].strip(' .') or 'mail'}.eml"


def _free(name: str, taken: set[str]) -> str:
    """``name``, or one with a number where a file of that name is attached already."""
    path = PurePosixPath(name)
    number = 1
    while name in taken:
        number += 1
        name = f"{path.stem}-{number}{path.suffix}"
    taken.add(name)
    return name


def _content(part: Part) -> bytes:
    inner = part.get_payload()
    if part.get_content_type() == "message/rfc822" and isinstance(inner, list):
        return b"".join(each.as_bytes() for each in inner if isinstance(each, Message))
    content = part.get_payload(decode=True)
    return content if isinstance(content, bytes) else b""


def _text(part: Part) -> str:
    text = decode(_content(part), str(part.get_content_charset() or ""))
    return text.replace("\r\n", "\n")


def _length(blocks: list[Block]) -> int:
    return sum(len(block.text) for block in blocks)
