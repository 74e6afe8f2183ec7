"""Numbers with their units, dates among them, however they are written.

>>> sorted(figure.value for figure in figures("1.2万人, twelve thousand, January 3"))
['1', '12', '12000', '3']
>>> is_borne(figures("百分之五")[0], figures("5%")), is_borne(figures("5公斤")[0], figures("5 m"))
(True, False)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

_SCALES = {
    "百": 100, "千": 1000, "万": 10**4, "萬": 10**4, "十万": 10**5, "百万": 10**6, "千万": 10**7,
    "亿": 10**8, "億": 10**8, "百亿": 10**10, "千亿": 10**11, "万亿": 10**12,
    "thousand": 1000, "million": 10**6, "billion": 10**9, "trillion": 10**12,
}  # fmt: skip
#: One name for each unit; those that are in no row agree with any.
_UNITS = {
    "%": "%|percent|per cent|个百分点",
    "year": "年度|年|years?",
    "month": "个月|月份|月|months?",
    "week": "周|星期|weeks?",
    "day": "日|号|天|days?",
    "hour": "小时|个小时|hours?|hrs?",
    "minute": "分钟|minutes?|mins?",
    "second": "秒|seconds?|secs?",
    "age": "周岁|岁|years? old",
    "kg": "公斤|千克|kg|kilograms?|kilos?",
    "gram": "克|grams?|g",
    "ton": "吨|tonnes?|tons?",
    "km2": "平方公里|平方千米|square kilomet(?:er|re)s?|km2",
    "m2": "平方米|square met(?:er|re)s?|m2",
    "km": "公里|千米|km|kilomet(?:er|re)s?",
    "mile": "英里|miles?",
    "m": "米|met(?:er|re)s?|m",
    "cm": "厘米|公分|cm|centimet(?:er|re)s?",
    "mm": "毫米|mm|millimet(?:er|re)s?",
    "usd": "美元|美金|us dollars?|dollars?|usd",
    "eur": "欧元|euros?|eur",
    "cny": "元|人民币|yuan|rmb",
    "people": "人|名|位|people|persons?",
    "times": "次|times",
    "degree": "摄氏度|度|℃|°c|degrees?",
}
_COUNTED = "个|種|种|座|家|部|集|场|届|项|倍|条|件|艘|辆|架|支|只|篇|章|册|层|所|岁|代|世纪"
_UNIT = re.compile(
    "|".join(f"(?P<u{n}>{row})" for n, row in enumerate(_UNITS.values())),
    re.IGNORECASE,
)
_UNIT_NAMES = list(_UNITS)
_ARABIC = re.compile(
    r"(?P<money>us\$|[$¥€£]\s?)?(?<![A-Za-z_\d])(?<![A-Za-z_\d]\.)"
    r"(?P<number>\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)*)"
    rf"(?P<scale>\s?(?:{'|'.join(sorted(_SCALES, key=len, reverse=True))})(?![a-z克米瓦赫卡分]))?",
    re.IGNORECASE,
)
_MONEY = {"$": "usd", "us$": "usd", "¥": "cny", "€": "eur", "£": "gbp"}
_DATE = re.compile(r"(?<!\d)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_CLOCK = re.compile(r"(?<=\d)[:：](?=\d)")
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
_WEEKDAYS = {
    name: n
    for n, names in enumerate(("一monday", "二tuesday", "三wednesday", "四thursday", "五friday",
                               "六saturday", "日sunday"), 1)
    for name in (names[0], names[1:])
} | {"天": 7}  # fmt: skip
_WEEKDAY = re.compile(
    r"(?:周|星期|礼拜|週|禮拜)([一二三四五六日天])"
    r"|\b(monday|tuesday|wednesday|thursday|friday|saturday|sunday)s?\b",
    re.IGNORECASE,
)
_MONTH = re.compile(
    rf"\b(?:(?P<day>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?)?(?P<month>{'|'.join(_MONTHS)})\b"
    r"(?:\s+(?P<after>\d{1,2})(?!\d))?"
)
_DIGITS = {c: n for n, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2, "兩": 2}
_PLACES = {"十": 10, "百": 100, "千": 1000}
_MYRIADS = {"万": 10**4, "萬": 10**4, "亿": 10**8, "億": 10**8}
_CHINESE = re.compile(r"(?P<share>百分之)?(?P<number>[零〇一二两兩三四五六七八九十百千万萬亿億]+)")
_WORDS = {
    "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9,
    "ten": 10, "eleven": 11, "twelve": 12, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50,
}  # fmt: skip
_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS)})\b", re.IGNORECASE)


@dataclass(frozen=True)
class Figure:
    """``value``: a plain decimal without needless zeros, or a version such as 3.11.7; ``unit``: a
    name of :data:`_UNITS`, or empty where none is known; ``sure``: it counts or measures, so that
    a claim can't do without it (the 一 of 一起 doesn't)."""

    value: str
    unit: str = ""
    sure: bool = True


@lru_cache(maxsize=4096)
def figures(text: str) -> tuple[Figure, ...]:
    """All numbers of ``text``."""
    text = unicodedata.normalize("NFKC", text)
    found: list[Figure] = []
    text = _DATE.sub(lambda date: f" {date[1]}年{date[2]}月{date[3]}日 ", text)
    text = _CLOCK.sub(" ", text)
    for month in _MONTH.finditer(text.lower()):
        if month["month"] != "may" or month["day"] or month["after"]:
            found.append(Figure(str(_MONTHS.index(month["month"]) + 1), "month"))
    for day in _WEEKDAY.finditer(text):
        found.append(Figure(str(_WEEKDAYS[(day[1] or day[2]).lower()]), "weekday"))
    text = _WEEKDAY.sub(" ", text)
    found += [_arabic(text, match) for match in _ARABIC.finditer(text)]
    for match in _CHINESE.finditer(text):
        before = text[match.start() - 1 : match.start()]
        if not before.isdigit() and (value := _chinese(match["number"])) is not None:
            found.append(_counted(text, match, value))
    found += [Figure(str(_WORDS[match[0].lower()])) for match in _WORD.finditer(text)]
    return tuple(dict.fromkeys(found))


def is_borne(figure: Figure, among: Collection[Figure]) -> bool:
    """Whether the same number, of no other unit, is ``among`` others."""
    return any(
        other.value == figure.value
        and (other.unit == figure.unit or not other.unit or not figure.unit)
        for other in among
    )


def _arabic(text: str, match: re.Match[str]) -> Figure:
    number = match["number"].replace(",", "")
    if number.count(".") > 1:
        return Figure(number)
    scale = _SCALES[match["scale"].strip().lower()] if match["scale"] else 1
    money = (match["money"] or "").strip().lower()
    unit = _MONEY[money] if money else _unit(text, match.end())
    return Figure(_plain(Decimal(number) * scale), unit)


def _counted(text: str, match: re.Match[str], value: int) -> Figure:
    if match["share"]:
        return Figure(str(value), "%")
    unit = _unit(text, match.end())
    is_counting = bool(unit) or re.match(_COUNTED, text[match.end() :]) is not None
    is_ordinal = text[match.start() - 1 : match.start()] == "第"
    return Figure(str(value), unit, sure=value > 1 and (is_counting or is_ordinal))


def _unit(text: str, start: int) -> str:
    rest = text[start : start + 24]
    match = _UNIT.match(rest.lstrip(" -"))
    if match is None:
        return ""
    # A Latin unit is a whole word: "5 mice" are no metres.
    after = rest.lstrip(" -")[match.end() : match.end() + 1]
    if match[0][-1].isascii() and match[0][-1].isalpha() and after.isascii() and after.isalpha():
        return ""
    return _UNIT_NAMES[int((match.lastgroup or "u0")[1:])]


def _plain(value: Decimal) -> str:
    text = f"{value:f}"
    return (text.rstrip("0").rstrip(".") if "." in text else text) or "0"


def _chinese(text: str) -> int | None:
    """The value of a Chinese numeral; None where the characters are none."""
    if not any(c in _DIGITS or c == "十" for c in text):
        return None  # the 千 of 千克, the 万 of 万一
    if all(c in _DIGITS for c in text):
        return int("".join(str(_DIGITS[c]) for c in text))
    total = section = digit = 0
    for c in text:
        if c in _DIGITS:
            digit = _DIGITS[c]
        elif c in _PLACES:
            section += (digit or 1) * _PLACES[c]
            digit = 0
        else:
            total = (total + section + digit) * _MYRIADS[c]
            section = digit = 0
    return total + section + digit
