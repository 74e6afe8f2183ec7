"""Which of vLLM's parsers reads the tool calls and the thoughts of which family of models."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """``says`` is looked for in ``NAME MODEL_TYPE``, in lower case; empty: no such parser."""

    says: str
    tools: str
    reasoning: str = ""


#: The first that fits counts. Names of parsers as vLLM 0.10 and later have them.
FAMILIES: tuple[Family, ...] = (
    Family(r"deepseek-r1.*distill", "", "deepseek_r1"),
    Family(r"deepseek-r1", "deepseek_v3", "deepseek_r1"),
    Family(r"deepseek-v3\.2|deepseek_v32", "deepseek_v32", "deepseek_v3"),
    Family(r"deepseek-v3\.1", "deepseek_v31", "deepseek_v3"),
    Family(r"deepseek-v3|deepseek_v3", "deepseek_v3"),
    Family(r"qwq", "hermes", "deepseek_r1"),
    Family(r"qwen3.?coder", "qwen3_coder"),
    Family(r"qwen3\.5|qwen3_5", "qwen3_coder", "qwen3"),
    Family(r"qwen3.*instruct", "hermes"),
    Family(r"qwen3", "hermes", "qwen3"),
    Family(r"qwen", "hermes"),
    Family(r"llama-?4|llama4", "llama4_pythonic"),
    Family(r"llama-?3|llama3", "llama3_json"),
    Family(r"magistral", "mistral", "mistral"),
    Family(r"mistral|mixtral|ministral|devstral", "mistral"),
    Family(r"glm-?4\.[5-9]|glm4_moe", "glm45", "glm45"),
    Family(r"gpt-?oss|gpt_oss", "openai", "openai_gptoss"),
    Family(r"kimi-k2.*thinking", "kimi_k2", "kimi_k2"),
    Family(r"kimi", "kimi_k2"),
    Family(r"minimax-m2", "minimax_m2", "minimax_m2"),
    Family(r"hunyuan-a13b", "hunyuan_a13b", "hunyuan_a13b"),
    Family(r"seed-oss|seed_oss", "seed_oss", "seed_oss"),
    Family(r"ernie-4\.5.*thinking", "ernie45", "ernie45"),
    Family(r"step-?3", "step3", "step3"),
    Family(r"internlm", "internlm"),
    Family(r"granite", "granite"),
    Family(r"phi-?4-mini", "phi4_mini_json"),
    Family(r"gemma|phi|baichuan|chatglm|smollm", ""),
)

#: Hermes' way of writing tool calls is the one that most others took over.
OTHERS = Family("", "hermes")


def family_of(name: str, model_type: str) -> Family:
    """The family of a model called ``name``.

    >>> family_of("Qwen3-8B", "qwen3").reasoning
    'qwen3'
    """
    text = f"{name} {model_type}".lower()
    return next((row for row in FAMILIES if re.search(row.says, text)), OTHERS)
