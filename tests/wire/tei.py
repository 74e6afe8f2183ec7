"""Text Embeddings Inference: ``/info``, ``/embed`` and ``/rerank``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tests.wire.server import Answer, Request, Wire, score, serve, vector

OVERLOADED = Answer({"error": "Model is overloaded", "error_type": "Overloaded"}, 429)


@dataclass
class TEI:
    """The server and what it was started with."""

    wire: Wire = field(init=False)
    model: str = "BAAI/bge-m3"
    most: int = 4  # texts in a call
    longest: int = 200  # characters, for want of a tokenizer

    def answer(self, request: Request) -> Answer:
        if request.path == "/info":
            return Answer(
                {
                    "model_id": self.model,
                    "model_sha": "5617a9f61b028005a4858fdac845db406aefb181",
                    "model_dtype": "float16",
                    "model_type": {"embedding": {"pooling": "cls"}},
                    "max_input_length": 8192,
                    "max_client_batch_size": self.most,
                    "version": "1.8.2",
                }
            )
        name = "inputs" if request.path == "/embed" else "texts"
        texts = request.body[name]
        if len(texts) > self.most:
            why = f"batch size {len(texts)} > maximum allowed batch size {self.most}"
            return Answer({"error": why, "error_type": "Validation"}, 422)
        longest = max(map(len, texts))
        if longest > self.longest and not request.body.get("truncate"):
            why = (
                f"Input validation error: `inputs` must have less than {self.longest} tokens. "
                f"Given: {longest}"
            )
            return Answer({"error": why, "error_type": "Validation"}, 413)
        if request.path == "/embed":
            return Answer([vector(text) for text in texts])
        rows = [{"index": i, "score": score(request.body["query"], t)} for i, t in enumerate(texts)]
        return Answer(sorted(rows, key=lambda row: -row["score"]))


@contextmanager
def tei() -> Iterator[TEI]:
    server = TEI()
    with serve(server.answer) as wire:
        server.wire = wire
        yield server
