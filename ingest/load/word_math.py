"""Word's equations (OMML) as one line that people and models read: LaTeX without its backslashes
where there is a sign for it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

_ACCENTS = {"\u0302": "hat", "\u0304": "bar", "\u0305": "bar", "\u20d7": "vec", "\u0303": "tilde",
            "\u0307": "dot", "\u0308": "ddot"}  # fmt: skip
# Signs without a shape; the one between a function and what it is of is read as a space.
_INVISIBLE = str.maketrans("\u2061", " ", "\u2062\u2063\u200b")


def equation(node: Any) -> str:
    """The text of an ``m:oMath`` element or of anything inside one.

    A fraction is ``(a)/(b)``, an index ``a_b``, a power ``a^b``, a root ``sqrt(a)``.
    """
    kind = _name(node)
    if kind in _FORMS:
        return _FORMS[kind](node)
    if kind == "t":
        return str(node.text or "").translate(_INVISIBLE)
    if kind.endswith("Pr"):
        return ""
    return "".join(map(equation, node))


def _name(node: Any) -> str:
    return str(node.tag).rpartition("}")[2]


def _part(node: Any, name: str) -> str:
    return "".join(equation(child) for child in node if _name(child) == name).strip()


def _sign(node: Any, name: str, default: str) -> str:
    """A character that the properties of an element give."""
    found = [
        each
        for child in node
        if _name(child).endswith("Pr")
        for each in child
        if _name(each) == name
    ]
    if not found:
        return default
    values = [str(value) for key, value in found[0].items() if key.endswith("}val")]
    return values[0] if values else ""


def _grouped(text: str) -> str:
    """In brackets, unless it is one sign, a number or a word."""
    return text if text.isalnum() or len(text) < 2 else f"({text})"


def _script(node: Any) -> str:
    below, above = _part(node, "sub"), _part(node, "sup")
    base = _part(node, "e")
    base = base if len(base) < 2 or base.isalnum() or base.endswith(")") else f"({base})"
    return (
        base
        + (f"_{_grouped(below)}" if below else "")
        + (f"^{_grouped(above)}" if above else "")
    )  # fmt: skip


def _fraction(node: Any) -> str:
    return f"{_grouped(_part(node, 'num'))}/{_grouped(_part(node, 'den'))}"


def _root(node: Any) -> str:
    degree = _part(node, "deg")
    return f"root_{_grouped(degree)}({_part(node, 'e')})" if degree else f"sqrt({_part(node, 'e')})"


def _large(node: Any) -> str:
    """A sum, an integral and the like with its limits."""
    below, above = _part(node, "sub"), _part(node, "sup")
    sign = _sign(node, "chr", "∫")
    limits = (f"_{_grouped(below)}" if below else "") + (f"^{_grouped(above)}" if above else "")
    return f"{sign}{limits} {_part(node, 'e')}"


def _bracketed(node: Any) -> str:
    parts = [equation(child).strip() for child in node if _name(child) == "e"]
    inner = _sign(node, "sepChr", "|").join(parts)
    return f"{_sign(node, 'begChr', '(')}{inner}{_sign(node, 'endChr', ')')}"


def _named(node: Any) -> str:
    return f"{_part(node, 'fName')} {_part(node, 'e')}"


def _limit(node: Any) -> str:
    mark = "_" if _name(node) == "limLow" else "^"
    return f"{_part(node, 'e')}{mark}{_grouped(_part(node, 'lim'))}"


def _accent(node: Any) -> str:
    sign = _sign(node, "chr", "\u0302")
    return f"{_ACCENTS.get(sign, sign)}({_part(node, 'e')})"


def _matrix(node: Any) -> str:
    rows = [
        ", ".join(equation(cell).strip() for cell in row if _name(cell) == "e")
        for row in node
        if _name(row) == "mr"
    ]
    return f"[{'; '.join(rows)}]"


def _lines(node: Any) -> str:
    return "; ".join(equation(child).strip() for child in node if _name(child) == "e")


_FORMS: dict[str, Callable[[Any], str]] = {
    "f": _fraction,
    "sSup": _script,
    "sSub": _script,
    "sSubSup": _script,
    "sPre": _script,
    "rad": _root,
    "nary": _large,
    "d": _bracketed,
    "func": _named,
    "limLow": _limit,
    "limUpp": _limit,
    "acc": _accent,
    "m": _matrix,
    "eqArr": _lines,
}
