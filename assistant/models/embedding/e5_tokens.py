"""The tokenizer of multilingual-e5-small: the same tokens as the package's own, by SentencePiece.

The vocabulary comes from the file of weights. SentencePiece reads vocabularies as a protocol
buffer, so it is given one; what happens to the characters before (NFKC and white space, as the
model was trained) is done here.
"""

from __future__ import annotations

import re
import struct

import numpy as np

from assistant.models.embedding.e5_weights import Bytes, Vocabulary

#: What the model was trained to find before a text, and how many tokens that is.
PASSAGE, QUERY = "passage: ", "query: "
PREFIX_TOKENS = 2
SPECIAL_TOKENS = 2  # around each window

#: Stands where the vocabulary has the piece for unknown characters: private characters, so that
#: the piece's name in a text is no unknown character.
UNKNOWN = "\U0010fffd" * 5

#: The longest piece whose entry's length is one byte of a protocol buffer.
LONGEST_PIECE = 110

SURROGATES = range(0xD800, 0xE000)


class Tokenizer:
    """Tokens of texts; may be used from several threads.

    Raises:
        ImportError: sentencepiece is not installed.
    """

    def __init__(self, vocabulary: Vocabulary) -> None:
        from sentencepiece import SentencePieceProcessor

        self._unknown = vocabulary.unknown
        replacements = dict(vocabulary.replacements)
        # No text has these in earnest, and no tokenizer takes them.
        stray = dict.fromkeys(SURROGATES, replacements.get(0xFFFD, "\ufffd"))
        self._table = stray | {0: " "} | replacements
        self._processor = SentencePieceProcessor()
        self._processor.LoadFromSerializedProto(_protocol_buffer(vocabulary))

    def tokens(self, text: str) -> list[int]:
        """The tokens of ``text`` without the special ones around them; "<s>" in it is one token,
        as the package has it."""
        clean = re.sub(" {2,}", " ", text.translate(self._table))
        if not clean.startswith(" "):
            clean = " " + clean
        found: list[int] = self._processor.encode(clean)
        return self._spread(clean, found) if self._unknown in found else found

    def _spread(self, clean: str, found: list[int]) -> list[int]:
        """``found`` with a token for each unknown character; SentencePiece gives one for each run
        of them."""
        pieces = self._processor.encode_as_pieces(clean)
        return [
            token
            for token, piece in zip(found, pieces, strict=True)
            for _ in range(len(piece) if token == self._unknown else 1)
        ]


def _protocol_buffer(vocabulary: Vocabulary) -> bytes:
    """SentencePiece's ModelProto: the pieces, how it was trained, and that nothing is normalised
    but spaces, which become U+2581."""
    unknown = vocabulary.unknown
    trainer = [b"\x18\x01"]  # model_type: unigram
    ids = (unknown, vocabulary.begin, vocabulary.end, vocabulary.padding)
    trainer += [_varint(field << 3) + _varint(token) for field, token in enumerate(ids, start=40)]
    trainer.append(_field(45, UNKNOWN.encode()))
    # No dummy prefix, no removal of spaces, escaped spaces.
    normalizer = _field(1, b"identity") + b"\x18\x00\x20\x00\x28\x01"
    special = _field(1, UNKNOWN.encode()) + b"\x15" + struct.pack("<f", 0) + b"\x18\x02"
    return b"".join(
        [
            _entries(vocabulary, 0, unknown),
            _field(1, special),
            _entries(vocabulary, unknown + 1, vocabulary.scores.size),
            _field(2, b"".join(trainer)),
            _field(3, normalizer),
        ]
    )


def _entries(vocabulary: Vocabulary, first: int, last: int) -> bytes:
    """The fields of the pieces ``first`` to ``last``, each 0A size 0A length TEXT 15 SCORE; a
    quarter of a million of them, so all at once."""
    bounds = vocabulary.bounds[first : last + 1]
    lengths = np.diff(bounds)
    if lengths.size and not 0 < lengths.min() <= lengths.max() <= LONGEST_PIECE:
        raise ValueError("the vocabulary has an empty piece or one that is too long")
    starts = np.cumsum(lengths + 9) - (lengths + 9)
    out: Bytes = np.zeros(int((lengths + 9).sum()), dtype=np.uint8)
    out[starts] = out[starts + 2] = 0x0A
    out[starts + 1] = lengths + 7
    out[starts + 3] = lengths
    text = vocabulary.text[bounds[0] : bounds[-1]]
    out[np.repeat(starts + 4 - (bounds[:-1] - bounds[0]), lengths) + np.arange(text.size)] = text
    ends = starts + 4 + lengths
    out[ends] = 0x15
    scores = vocabulary.scores[first:last].view(np.uint8).reshape(-1, 4)
    out[ends[:, None] + np.arange(1, 5)] = scores
    return out.tobytes()


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(value: int) -> bytes:
    low = bytearray()
    while value > 127:
        low.append(value & 127 | 128)
        value >>= 7
    return bytes([*low, value])
