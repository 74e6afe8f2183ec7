"""An embedding model of Hugging Face in this process, by ``sentence-transformers``."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from assistant.models.embedding.model import Embed, EmbeddingModel, Vectors
from assistant.models.embedding.precision import SCALED, Precision, restored
from assistant.models.embedding.sentence_encoder import BATCH, SentenceEncoder, not_normalized
from assistant.models.huggingface import check_usable, model_folder
from assistant.models.names import Target
from assistant.settings import Settings

#: Families that were trained with prompts which their files don't tell: (name, question, passage).
KNOWN_PROMPTS = (
    (r"(^|-)e5-(small|base|large)(?!.*instruct)", "query: ", "passage: "),
    (r"^bge-(small|base|large)-zh", "为这个句子生成表示以用于检索相关文章：", ""),
    (
        r"^bge-(small|base|large)-en",
        "Represent this sentence for searching relevant passages: ",
        "",
    ),
)
#: Calls are of so many batches: texts of like lengths are then put together.
BATCHES_IN_CALL = 8
SAMPLED = 1 << 20  # bytes


class Prompts(NamedTuple):
    """What is put before each text."""

    query: str
    passage: str


def open_huggingface(settings: Settings, target: Target) -> EmbeddingModel:
    """The model that ``target`` names, loaded; downloaded first where it isn't here.

    Raises:
        SettingsError: the extra is not installed, or an option doesn't fit the model.
        ModelError: the model can't be had or can't be loaded.
    """
    check_usable(target)
    options = target.options
    precision: Precision = options.get("precision", "float32")
    if precision in SCALED and not options.get("normalize_embeddings", True):
        raise not_normalized(target, precision)
    folder = model_folder(settings, target)
    devices = list(options.get("devices", ()))
    encoder = SentenceEncoder(target, folder, devices[0] if devices else None)
    questions = encoder if devices else encoder.twin()
    prompts = prompts_of(target, encoder.model.prompts)
    batch = int(options.get("batch_size", BATCH))
    chunk = options.get("chunk_size")

    def embed(one: SentenceEncoder, prompt: str, task: str, on: Sequence[str]) -> Embed:
        def call(texts: Sequence[str]) -> Vectors:
            values = one.encode(
                texts,
                prompt=prompt,
                task=task,
                batch_size=batch,
                precision=precision,
                truncate_dim=options.get("dimensions"),
                show_progress_bar=bool(options.get("show_progress_bar", False)),
                device=on or None,
                chunk_size=chunk,
            )
            return restored(values, precision, one.dimension)

        return call

    return EmbeddingModel(
        fingerprint=fingerprint(target, folder, encoder.dimension, prompts),
        dimension=encoder.dimension,
        passages=embed(encoder, prompts.passage, "document", devices),
        queries=embed(questions, prompts.query, "query", ()),
        count=encoder.count,
        batch_size=(chunk or BATCHES_IN_CALL * batch) * max(1, len(devices)),
        close=encoder.close,
    )


def prompts_of(target: Target, own: dict[str, str]) -> Prompts:
    """The options, else what the model's files say, else what is known of its family."""
    name = Path(target.model).name.lower()
    known = next((row[1:] for row in KNOWN_PROMPTS if re.search(row[0], name)), ("", ""))
    of_passages = [own.get(key) for key in ("document", "passage", "corpus")]
    told = Prompts(own.get("query") or "", next(filter(None, of_passages), ""))
    found = told if any(told) else Prompts(*known)
    return Prompts(
        target.options.get("query_prompt", found.query),
        target.options.get("passage_prompt", found.passage),
    )


def fingerprint(target: Target, folder: Path, dimension: int, prompts: Prompts) -> str:
    """The same wherever the same vectors come out: by the weights themselves, not by the name of
    their folder or revision."""
    options = target.options
    parts: list[Any] = [
        weights_digest(folder),
        dimension,
        options.get("precision", "float32"),
        "cosine",
        *prompts,
    ]
    if "max_length" in options:
        parts.append(options["max_length"])
    return "huggingface;" + ";".join(str(part) for part in parts)


def weights_digest(folder: Path) -> str:
    """12 hexadecimal digits that tell models apart: of the size, beginning, middle and end of each
    file of weights, and of how the tokens' vectors become one."""
    digest = hashlib.sha256()
    weights = [*folder.rglob("*.safetensors"), *folder.rglob("*.bin")]
    for path in sorted(weights, key=lambda path: path.relative_to(folder).as_posix()):
        size = path.stat().st_size
        digest.update(f"{path.relative_to(folder).as_posix()}:{size}".encode())
        with path.open("rb") as file:
            for start in sorted({0, max(0, size // 2), max(0, size - SAMPLED)}):
                file.seek(start)
                digest.update(file.read(SAMPLED))
    for path in sorted([folder / "modules.json", *folder.glob("*/config.json")]):
        if path.is_file():
            values = json.loads(path.read_text("utf-8"))
            digest.update(json.dumps(values, sort_keys=True).encode())
    return digest.hexdigest()[:12]
