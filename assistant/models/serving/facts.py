"""What a model's folder says about it: kind, size, context, and the memory of a token."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from assistant.models.hubs.folder import read_json, weight_files
from assistant.models.options import CHAT, EMBEDDING, RERANK

LENGTHS = ("max_position_embeddings", "n_positions", "max_seq_len", "seq_length")
CACHE_BYTES = 2  # of a number in the cache of keys and values


@dataclass(frozen=True)
class Facts:
    """Of a transformers model. Zero where the folder doesn't tell."""

    model_type: str
    role: str  # a key of ROLES
    context: int  # tokens that it was made for
    heads: int
    token_bytes: int  # of the cache of keys and values, for each token of a context
    weight_bytes: int
    dtype: str  # of the weights
    quantised: str  # the method; empty: not


def read_facts(folder: Path) -> Facts:
    """The facts of the model in ``folder``.

    Raises:
        ModelFileError: ``config.json`` is missing or broken.
    """
    whole = read_json(folder / "config.json")
    inner = whole.get("text_config") or whole.get("llm_config")
    config: dict[str, Any] = {**whole, **inner} if isinstance(inner, dict) else whole
    quantised = whole.get("quantization_config")
    return Facts(
        model_type=str(whole.get("model_type", "")),
        role=_role(folder, whole),
        context=next((int(config[name]) for name in LENGTHS if _number(config, name)), 0),
        heads=_number(config, "num_attention_heads"),
        token_bytes=_token_bytes(config),
        weight_bytes=sum(file.stat().st_size for file in weight_files(folder)),
        dtype=str(config.get("dtype") or config.get("torch_dtype") or ""),
        quantised=str(quantised.get("quant_method", "?")) if isinstance(quantised, dict) else "",
    )


def _role(folder: Path, config: Mapping[str, Any]) -> str:
    architectures = " ".join(map(str, config.get("architectures") or ()))
    if "SequenceClassification" in architectures:
        return RERANK
    # sentence-transformers writes it.
    if (folder / "modules.json").is_file() or architectures.endswith(("Model", "MaskedLM")):
        return EMBEDDING
    return CHAT


def _token_bytes(config: Mapping[str, Any]) -> int:
    layers = _number(config, "num_hidden_layers")
    if _number(config, "kv_lora_rank"):  # one compressed vector instead of keys and values
        width = _number(config, "kv_lora_rank") + _number(config, "qk_rope_head_dim")
        return layers * width * CACHE_BYTES
    heads = _number(config, "num_attention_heads")
    width = _number(config, "head_dim") or _number(config, "hidden_size") // max(1, heads)
    return 2 * layers * (_number(config, "num_key_value_heads") or heads) * width * CACHE_BYTES


def _number(config: Mapping[str, Any], name: str) -> int:
    value = config.get(name)
    return value if isinstance(value, int) else 0
