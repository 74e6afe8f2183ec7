"""What a LangChain folder's pickle may name, and how its metadata is said in JSON.

Each stand-in takes values and does nothing; none can be changed by the pickle that names it.
"""

from __future__ import annotations

import base64
import datetime
import math
import pickle
import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any, Self
from uuid import UUID

import numpy as np

#: Values of metadata that lie deeper, or are more than the file can have written, are no metadata.
_DEEPEST = 50
_VALUES_PER_BYTE = 64


class Refused(Exception):
    """The pickle names, or its metadata holds, what it may not; the message is the name."""


class _Inert:
    """Takes whatever arguments and state its pickle gives it."""

    __slots__ = ("arguments", "state")
    arguments: tuple[object, ...]
    state: object

    def __new__(cls, *arguments: object) -> Self:
        made = super().__new__(cls)
        made.arguments = arguments
        made.state = None
        return made

    def __setstate__(self, state: object) -> None:
        self.state = state

    @property
    def fields(self) -> dict[str, object]:
        """The attributes that the state would set: a plain object's, or pydantic's 1 and 2."""
        state = self.state if isinstance(self.state, dict) else {}
        inner = state.get("__dict__")
        return inner if isinstance(inner, dict) else state


class Docstore(_Inert):
    """langchain_community's InMemoryDocstore."""


class LangChainDocument(_Inert):
    """LangChain's Document."""


class _Uuid(_Inert):
    """uuid.UUID."""


class _Dtype(_Inert):
    """numpy.dtype."""

    @property
    def code(self) -> str:
        """Byte order, kind and size of numbers, truth values and texts.

        Raises:
            Refused: another type.
        """
        name = self.arguments[0] if self.arguments else None
        if not isinstance(name, str) or not re.fullmatch(r"[biuf][1248]|U\d+", name):
            raise Refused(f"numpy.dtype {name!r}")
        state = self.state if isinstance(self.state, tuple) else ()
        order = state[1] if len(state) > 1 and state[1] in ("<", ">") else "|"
        return f"{order}{name}"


class _NumpyValue:
    """A number or text that was numpy's."""

    __slots__ = ("value",)

    def __init__(self, dtype: object, data: object) -> None:
        if not isinstance(dtype, _Dtype) or not isinstance(data, bytes):
            raise Refused("numpy.scalar of another type")
        (self.value,) = np.frombuffer(data, dtype=np.dtype(dtype.code)).tolist()

    def __setstate__(self, _: object) -> None:
        raise pickle.UnpicklingError("a value's state can't be set")


class _Call:
    """A function that a pickle may call; it can't set its attributes."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., object]) -> None:
        self._make = make

    def __call__(self, *arguments: object) -> object:
        return self._make(*arguments)

    def __setstate__(self, _: object) -> None:
        raise pickle.UnpicklingError("a function's state can't be set")


def _reconstruct(cls: object, *_: object) -> _Inert:
    if isinstance(cls, type) and issubclass(cls, _Inert):
        return cls()
    raise Refused(f"copyreg._reconstructor of {cls!r}")


def _latin1(text: str, encoding: str = "latin1") -> bytes:
    """How old protocols write bytes."""
    if encoding != "latin1":
        raise Refused(f"_codecs.encode to {encoding!r}")
    return text.encode("latin1")


def _decimal(text: str) -> Decimal:
    if not isinstance(text, str):  # a huge integer would take minutes
        raise Refused("decimal.Decimal of another type")
    return Decimal(text)


_DOCUMENT_MODULES = (
    "langchain.docstore.document",
    "langchain.schema",
    "langchain.schema.document",
    "langchain_core.documents",
    "langchain_core.documents.base",
)
_DOCSTORE_MODULES = ("langchain.docstore.in_memory", "langchain_community.docstore.in_memory")
_PATHS = {
    "PosixPath": PurePosixPath,
    "PurePosixPath": PurePosixPath,
    "WindowsPath": PureWindowsPath,
    "PureWindowsPath": PureWindowsPath,
}
_DATES = ("date", "datetime", "time", "timedelta", "timezone")

STAND_INS: dict[tuple[str, str], object] = {
    **{(module, "Document"): LangChainDocument for module in _DOCUMENT_MODULES},
    **{(module, "InMemoryDocstore"): Docstore for module in _DOCSTORE_MODULES},
    ("copyreg", "_reconstructor"): _Call(_reconstruct),
    ("builtins", "object"): _Call(lambda *_: None),
    **{("builtins", one.__name__): _Call(one) for one in (set, frozenset, dict, list)},
    ("collections", "OrderedDict"): _Call(dict),
    ("collections", "defaultdict"): _Call(lambda _factory=None, *items: dict(*items)),
    ("_codecs", "encode"): _Call(_latin1),
    **{("datetime", name): _Call(getattr(datetime, name)) for name in _DATES},
    ("decimal", "Decimal"): _Call(_decimal),
    ("uuid", "UUID"): _Uuid,
    **{
        (module, name): _Call(made)
        for module in ("pathlib", "pathlib._local")
        for name, made in _PATHS.items()
    },
    ("numpy", "dtype"): _Dtype,
    ("numpy.core.multiarray", "scalar"): _Call(_NumpyValue),
    ("numpy._core.multiarray", "scalar"): _Call(_NumpyValue),
}


class Plain:
    """Says values in JSON's types, and counts those that were of others.

    Args:
        size: of the file in bytes: references to one value can be made to multiply without end.
    """

    def __init__(self, size: int) -> None:
        self._left = size * _VALUES_PER_BYTE

    def mapping(self, value: dict[Any, object], converted: Counter[str]) -> dict[str, object]:
        return self._mapping(value, converted, 0)

    def of(self, value: object, converted: Counter[str], depth: int = 0) -> object:
        """Raises Refused for a value that has no text or number, ValueError for too many."""
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            raise ValueError("its metadata multiplies, or lies too deep")
        if value is None or isinstance(value, str | int):
            return value
        if isinstance(value, list):
            return [self.of(one, converted, depth + 1) for one in value]
        if isinstance(value, dict):
            return self._mapping(value, converted, depth + 1)
        return self._converted(value, converted, depth)

    def _converted(self, value: object, converted: Counter[str], depth: int) -> object:
        if isinstance(value, float) and math.isfinite(value):
            return value
        converted[_name(value)] += 1
        if isinstance(value, tuple):
            return [self.of(one, converted, depth + 1) for one in value]
        if isinstance(value, set | frozenset):
            said = [self.of(one, converted, depth + 1) for one in value]
            return sorted(said, key=repr)
        return _said(value)

    def _mapping(
        self, value: dict[Any, object], converted: Counter[str], depth: int
    ) -> dict[str, object]:
        made: dict[str, object] = {}
        for key, one in value.items():
            name = key if isinstance(key, str) else str(self.of(key, converted, depth))
            if name in made:
                raise ValueError(f"its metadata has two fields {name!r}")
            if not isinstance(key, str):
                converted["field name"] += 1
            made[name] = self.of(one, converted, depth)
        return made


def _said(value: object) -> object:  # noqa: PLR0911 - one for each type
    if isinstance(value, _NumpyValue):
        value = value.value
        if not isinstance(value, float) or math.isfinite(value):
            return value
    if isinstance(value, float):  # pandas has NaN for what is missing
        return None if math.isnan(value) else str(value)
    if isinstance(value, bytes | bytearray):
        return _text(bytes(value))
    if isinstance(value, datetime.date | datetime.time):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return value.total_seconds()
    if isinstance(value, Decimal):
        number = float(value)
        return number if math.isfinite(number) and Decimal(repr(number)) == value else str(value)
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, _Uuid) and isinstance(value.fields.get("int"), int):
        return str(UUID(int=value.fields["int"]))  # type: ignore[arg-type]
    raise Refused(_name(value))


def _name(value: object) -> str:
    if isinstance(value, float):
        return str(value)
    if isinstance(value, _NumpyValue):
        return "numpy"
    if isinstance(value, _Uuid):
        return "UUID"
    return "Path" if isinstance(value, PurePath) else type(value).__name__.lstrip("_")


def _text(data: bytes) -> str:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return base64.b64encode(data).decode()
