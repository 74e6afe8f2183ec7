"""Why a server died while it loaded: told from its last words."""

from __future__ import annotations

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass

from assistant.errors import ServiceError
from assistant.models.serving.plan import Plan

TAIL = 12  # lines shown
LONGEST = 300  # characters of one


@dataclass(frozen=True)
class Cause:
    """A cause of death: what the log ``says``, and what to do."""

    says: str
    en: str
    zh: str


CAUSES: tuple[Cause, ...] = (
    Cause(
        r"larger than the available KV cache|No available memory for the cache"
        r"|larger than the maximum number of tokens that can be stored in KV cache",
        "The memory that the weights leave is too small for this context. Lower --max-model-len, "
        "raise --gpu-memory-utilization (on a CPU: VLLM_CPU_KVCACHE_SPACE), or take a quantised "
        "variant.",
        "加载权重后剩余的内存不够这样长的上下文。请调小 --max-model-len，"
        "调大 --gpu-memory-utilization（CPU：VLLM_CPU_KVCACHE_SPACE），或使用量化版本。",
    ),
    Cause(
        r"out of memory|OutOfMemoryError|Free memory on device|std::bad_alloc|MemoryError"
        r"|Cannot allocate memory|failed to allocate|unable to allocate",
        "The memory is too small for this model. End what else uses it, take a quantised variant "
        "(AWQ, GPTQ, FP8, GGUF) or a smaller model, or share it among GPUs "
        "(--tensor-parallel-size).",
        "内存/显存不够运行该模型。请结束其他占用，使用量化版本（AWQ、GPTQ、FP8、GGUF）"
        "或更小的模型，或用多块 GPU 分担（--tensor-parallel-size）。",
    ),
    Cause(
        r"[Aa]ddress already in use|Errno 98|Errno 48|couldn't bind",
        "The port {port} is taken by another program: end that, or take another with --port.",
        "端口 {port} 已被其他程序占用：请结束该程序，或用 --port 换一个端口。",
    ),
    Cause(
        r"Model architectures? .{0,200}(?:not supported|failed to be inspected)"
        r"|does not recognize this architecture|unknown model architecture"
        r"|has no vLLM implementation",
        "This version of the engine doesn't know the model's architecture: update the engine, or "
        "take another model.",
        "当前版本的推理引擎不支持该模型的架构：请升级引擎，或换一个模型。",
    ),
    Cause(
        r"Bfloat16 is only supported|bfloat16 is not supported|dtype.{0,40}is not supported",
        "This machine doesn't calculate with this dtype: take --dtype float16 or float32.",
        "本机不支持该数据类型：请使用 --dtype float16 或 float32。",
    ),
    Cause(
        r"max_model_len.{0,40}is greater than the derived",
        "The model takes no context of this length: lower --max-model-len.",
        "模型不支持这样长的上下文：请调小 --max-model-len。",
    ),
    Cause(
        r"invalid tool call parser|invalid reasoning parser|[Rr]easoning parser .{0,60}not found"
        r"|unrecognized arguments|invalid choice|ambiguous option|error: argument",
        "The engine doesn't take an option of the command: see its words below, its version, and "
        "--tool-call-parser, --reasoning-parser, --no-tools.",
        "引擎不接受命令中的某个选项：请看下面的提示，检查引擎版本以及 "
        "--tool-call-parser、--reasoning-parser、--no-tools。",
    ),
    Cause(
        r"Failed to infer device type|no NVIDIA driver|CUDA driver version is insufficient"
        r"|libcuda\S* cannot open|CUDA unknown error|No CUDA GPUs are available",
        "vLLM finds no usable GPU: check the driver with nvidia-smi; for a machine without a GPU "
        "vLLM's CPU build is needed.",
        "vLLM 找不到可用的 GPU：请用 nvidia-smi 检查驱动；没有 GPU 的机器需要安装 CPU 版 vLLM。",
    ),
    Cause(
        r"does not appear to have a file named|is not a valid model identifier"
        r"|LocalEntryNotFoundError|failed to load model|invalid magic|SafetensorError"
        r"|Error while deserializing",
        "The model's files are incomplete or broken: check them with "
        "python -m assistant.models pull.",
        "模型文件不完整或已损坏：请用 python -m assistant.models pull 检查。",
    ),
)
UNKNOWN = Cause("", "See its last words.", "请看它最后的日志。")
KILLED = Cause(
    "",
    "It was killed from outside, most likely by the system because memory ran out: take a smaller "
    "or quantised model, or a shorter --max-model-len.",
    "它被外部强行结束，很可能是系统内存耗尽：请使用更小或量化的模型，或调小 --max-model-len。",
)


def died(plan: Plan, code: int, lines: Sequence[str]) -> ServiceError:
    """The error for a server that ended with ``code`` before it was ready."""
    cause, line = _cause(code, lines)
    return ServiceError(
        "The server ended while it loaded {name} (exit code {code}). {advice}\n{log}",
        "服务在加载 {name} 时退出（退出码 {code}）。{advice_zh}\n{log}",
        name=plan.name,
        code=code,
        advice=cause.en.format(port=plan.port),
        advice_zh=cause.zh.format(port=plan.port),
        log="\n".join(f"  | {text}" for text in _last_words(lines, line)),
    )


def _cause(code: int, lines: Sequence[str]) -> tuple[Cause, str]:
    """The cause that the log tells, and the line that does."""
    for cause in CAUSES:
        for line in lines:
            if re.search(cause.says, line):
                return cause, line
    return (KILLED if code == -signal.SIGKILL else UNKNOWN), ""


def _last_words(lines: Sequence[str], telling: str) -> list[str]:
    spoken = [line.rstrip()[:LONGEST] for line in lines if line.strip()]
    tail = spoken[-TAIL:]
    telling = telling.rstrip()[:LONGEST]
    return tail if not telling or telling in tail else [telling, "...", *tail]
