"""Model folders for vLLM out of one GGUF file, so that no model hub is needed.

    python convert.py FILE.gguf FOLDER

Runs in the environment that ``setup.py`` beside it makes. FOLDER gets a folder for each of:

- ``chat``: the file's own weights in bfloat16 (safetensors), its tokenizer and chat template;
- ``tiny``: the same tokenizer and template before two random layers (``--load-format dummy``):
  speaks nonsense at 150 tokens a second, right for tests of the protocol;
- ``tiny-rerank``: the same as a classifier with one score, for ``/rerank`` and ``/score``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

TINY = {
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "max_window_layers": 2,
    "layer_types": ["full_attention"] * 2,
}
RERANK = {
    "architectures": ["Qwen2ForSequenceClassification"],
    "id2label": {"0": "relevance"},
    "label2id": {"relevance": 0},
}


def main() -> None:
    source, folder = Path(sys.argv[1]), Path(sys.argv[2])
    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name)
    model = AutoModelForCausalLM.from_pretrained(
        source.parent,
        gguf_file=source.name,
        dtype=torch.bfloat16,
        # Left as it is, the folder would ask for GGUF's own kernels again.
        quantization_config=GgufConfig(dequantize=True),
    )
    model.save_pretrained(folder / "chat")
    tokenizer.save_pretrained(folder / "chat")
    values = json.loads((folder / "chat" / "config.json").read_text("utf-8"))
    for name, changes in (("tiny", TINY), ("tiny-rerank", {**TINY, **RERANK})):
        tokenizer.save_pretrained(folder / name)
        config = json.dumps({**values, **changes}, indent=2)
        (folder / name / "config.json").write_text(config, "utf-8")


if __name__ == "__main__":
    main()
