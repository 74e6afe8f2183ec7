"""Bytes to text: byte order marks, UTF-8, UTF-16 without a mark, Chinese, then the rest."""

from __future__ import annotations

import codecs
import re

from charset_normalizer import from_bytes

MARKS = (  # the longer first: UTF-32's little-endian mark begins with UTF-16's
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Pages that declare the smaller set use characters of the bigger one.
WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "hz": "hz", "big5": "big5hkscs",
         "shift_jis": "cp932", "euc_kr": "cp949"}  # fmt: skip
# What servers declare without having looked, and what decodes any bytes.
EMPTY_CLAIMS = ("iso8859-1", "cp1252", "ascii", "utf")
# The commonest characters of running Chinese, simplified and traditional. A wrong table gives
# rare characters instead.
COMMON = frozenset(
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学"
    "对可她里后小么心多天而能好都然没日于起还发成事只作当想看文无开手十用主行方又如前所本见经头"
    "面公同三已老从动两长知民样现分将外但身些与高意进把法此实回二理美点月明其种声全工己话儿者向"
    "情部正名定女问力机给等几很业最间新什打便位因重被走电四第门相次东政海口使教西再平真听世气信"
    "北少关并内加化由却代军产入先山五太水万市眼体别处总才场师书比住员九笑性通目华报立马命张活难"
    "神数件安表原车白应路期叫死常提感金何更反合放做系计或司利受光王果亲界及今京务制解各任至清物"
    "這來國個說們為時會著過學對裡後麼沒還發當無開見經頭動兩長樣現將與進實點種聲話兒問機給幾業"
    "間東門電關並內產萬體別處總場師書員報馬難數車應條請運裝，。、！？：；（）《》「」“”章节節"
)
_LETTERS = re.compile("[\u4e00-\u9fff\u3000-\u30ff\uff00-\uffef]")
_PLAUSIBLE = re.compile(
    r"[\t\n\r\x20-\x7e\u00a0-\u024f\u0370-\u052f\u2000-\u206f\u3000-\u30ff\u4e00-\u9fff"
    r"\uac00-\ud7a3\uff00-\uffef]"
)


def decode(data: bytes, declared: str = "") -> str:
    """The text of ``data``, without byte order mark and NUL characters.

    ``declared`` is what a header or a ``<meta>`` says; it is believed where the bytes don't
    contradict it. Bytes that fit nothing become U+FFFD.
    """
    for mark, encoding in MARKS:
        if data.startswith(mark):
            text = data[len(mark) :].decode(encoding, "replace")
            break
    else:
        text = data.decode(_encoding(data, _known(declared)), "replace")
    return text.replace("\0", "")


def unmarked_utf16(data: bytes) -> str:
    """The kind of UTF-16 that ``data`` reads as without a mark, else an empty string."""
    sample = data[: min(len(data), 8192) // 2 * 2]
    if sample.count(0) < len(sample) / 5 and _begins_as_utf8(sample):
        return ""  # a stray NUL; two ASCII letters would pass for a Chinese character
    for encoding in ("utf-16-le", "utf-16-be"):
        text = sample.decode(encoding, "replace")
        if text and len(_PLAUSIBLE.findall(text)) > 0.95 * len(text):
            return encoding
    return ""


def _begins_as_utf8(data: bytes) -> bool:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def _known(declared: str) -> str:
    try:
        name = codecs.lookup(declared.strip()).name
    except LookupError:
        return ""
    return WIDER.get(name, name)


def _encoding(data: bytes, declared: str) -> str:
    if b"\0" in data and (wide := unmarked_utf16(data)):
        return wide
    if _decodes(data, "utf-8"):
        return "utf-8"
    if declared and not declared.startswith(EMPTY_CLAIMS) and _decodes(data, declared):
        return declared
    if chinese := _chinese(data):
        return chinese
    best = from_bytes(data).best()
    if best is not None:
        return best.encoding
    return declared or "utf-8"


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except (UnicodeDecodeError, LookupError):
        return False
    return True


def _chinese(data: bytes) -> str:
    """GB18030 or Big5, whichever gives common characters; '' where neither does."""
    shares = {}
    for encoding in ("gb18030", "big5hkscs"):
        text = data[:65536].decode(encoding, "replace")
        wide = [char for char in text if ord(char) > 0x7F]
        letters = [char for char in wide if _LETTERS.match(char)]
        common = sum(char in COMMON for char in letters)
        shares[encoding] = common / max(1, len(wide)) if len(letters) > 0.8 * len(wide) else 0.0
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] > 0.3 else ""
