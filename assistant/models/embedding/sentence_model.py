"""A model of ``sentence-transformers``, loaded as its options say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from assistant.errors import SettingsError
from assistant.models.huggingface import dtype_of, loading
from assistant.models.names import Target


def load_sentence_model(target: Target, folder: Path, device: str) -> Any:
    """The ``SentenceTransformer`` in ``folder``.

    Raises:
        ModelError: it can't be loaded.
        SettingsError: ``max_length`` is more than it reads.
    """
    with loading(target, folder):
        from sentence_transformers import SentenceTransformer

        model = SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=bool(target.options.get("trust_remote_code", False)),
            model_kwargs={"dtype": dtype_of(target, device)},
        )
    model.eval()
    wanted, most = target.options.get("max_length"), most_tokens(model)
    if wanted is not None and most is not None and wanted > most:
        raise SettingsError(
            "{name} reads {most} tokens at most: max_length can't be {wanted}.",
            "{name} 最多读取 {most} 个词元：max_length 不能设为 {wanted}。",
            name=target.name,
            most=most,
            wanted=wanted,
        )
    if wanted is not None:
        model.max_seq_length = wanted
    return model


def most_tokens(model: Any) -> int | None:
    """Tokens that the model was made for, where it tells."""
    most = getattr(getattr(model, "config", None), "max_position_embeddings", None)
    return int(most) if most else None
