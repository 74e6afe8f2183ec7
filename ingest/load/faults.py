"""What broken and oversized documents say: one message for each fault, whatever the format."""

from __future__ import annotations

import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from email.errors import MessageError

from assistant.errors import DocumentError
from ingest.load.document import RawDocument

#: What parsers are seen to raise on damaged files. RecursionError is a RuntimeError; the errors
#: of XML parsers are SyntaxErrors.
DAMAGE = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, OSError, LookupError,
    AttributeError, TypeError, ValueError, SyntaxError, AssertionError, ArithmeticError,
    NotImplementedError, RuntimeError, MessageError,
)  # fmt: skip


@contextmanager
def damage_said(
    raw: RawDocument, what: str, what_zh: str, *others: type[Exception]
) -> Iterator[None]:
    """Whatever a parser raises inside becomes the one error of a broken file.

    Args:
        what, what_zh: the kind of file, as in "{name} is not a readable {what}".
        others: the parser's own exceptions.

    Raises:
        DocumentError: the file is broken.
    """
    seen: tuple[type[Exception], ...] = (*DAMAGE, *others)
    try:
        yield
    except seen as error:
        raise DocumentError(
            "{name} is not a readable {what} (broken or cut off): open it in its own program and "
            "save it anew.",
            "{name} 不是可读的 {what_zh}（已损坏或不完整）：请用原来的程序打开并另存一份。",
            name=raw.label,
            what=what,
            what_zh=what_zh,
        ) from error


def encrypted(raw: RawDocument) -> DocumentError:
    return DocumentError(
        "{name} is encrypted: remove its password and add it again.",
        "{name} 已加密：请去掉密码后重新添加。",
        name=raw.label,
    )


def bomb(raw: RawDocument, unpacked: int) -> DocumentError:
    """``unpacked`` bytes came out before the reader gave up."""
    return DocumentError(
        "{name} unpacks to more than {size} MB (a zip bomb?): not read.",
        "{name} 解压后超过 {size} MB（可能是压缩炸弹）：未读取。",
        name=raw.label,
        size=round(unpacked / 1024 / 1024),
    )


def shortened(raw: RawDocument, shown: int, what: str, what_zh: str) -> DocumentError:
    """A warning: only the first ``shown`` of something were read."""
    return DocumentError(
        "{name} is very long: only its first {shown} {what} were read; split it to have the rest.",
        "{name} 太长：只读取了前 {shown} {what_zh}；如需其余部分请拆分。",
        name=raw.label,
        shown=f"{shown:,}",
        what=what,
        what_zh=what_zh,
    )
