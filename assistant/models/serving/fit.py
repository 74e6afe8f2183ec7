"""Whether a model fits a machine, and how long a context can be."""

from __future__ import annotations

from dataclasses import dataclass

from assistant.models.serving.facts import Facts
from assistant.models.serving.machine import Machine
from assistant.models.serving.plan import Note

GIB = 1 << 30
#: Beside weights and cache: the driver, the activations, captured graphs, Python itself.
GPU_OVERHEAD, CPU_OVERHEAD = 1.5 * GIB, 3.0 * GIB
#: Our prompts have some thousand tokens: longer contexts only take memory from parallel answers.
GPU_CONTEXT, CPU_CONTEXT = 32768, 8192
LEAST_CONTEXT = 2048
#: Contexts of full length that the cache holds at once on a CPU.
CPU_SEQUENCES = 4
MOST_CPU_CACHE = 16  # GiB
STEP = 512  # contexts are whole multiples
WIDTH = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True)
class Fit:
    """What was worked out; 0: left to the engine."""

    context: int = 0  # tokens
    gpus: int = 1
    cpu_cache: int = 0  # GiB
    notes: tuple[Note, ...] = ()


def weights_in_memory(facts: Facts, dtype: str) -> int:
    """Bytes of the weights once they are loaded as ``dtype``."""
    if facts.quantised or dtype not in WIDTH or facts.dtype not in WIDTH:
        return facts.weight_bytes
    return facts.weight_bytes * WIDTH[dtype] // WIDTH[facts.dtype]


def on_gpus(facts: Facts, machine: Machine, dtype: str, share: float, wished: int | None) -> Fit:
    """For the GPUs of ``machine``, of whose memory ``share`` may be used; ``wished`` of them."""
    each = min(gpu.memory for gpu in machine.gpus) * share - GPU_OVERHEAD
    weights = weights_in_memory(facts, dtype)
    needed = weights + LEAST_CONTEXT * facts.token_bytes
    counts = [wished] if wished else [n for n in (1, 2, 4, 8) if n <= len(machine.gpus)]
    possible = [n for n in counts if not facts.heads or facts.heads % n == 0] or [1]
    gpus = next((n for n in possible if n * each >= needed), possible[-1])
    room = gpus * each - weights
    if room < LEAST_CONTEXT * facts.token_bytes:
        return Fit(LEAST_CONTEXT, gpus, notes=(_too_big(weights, gpus * each),))
    context, notes = _context(facts, room, GPU_CONTEXT)
    return Fit(context, gpus, notes=notes)


def on_cpu(facts: Facts, machine: Machine, dtype: str) -> Fit:
    """For the CPU of ``machine``."""
    weights = weights_in_memory(facts, dtype)
    room = machine.memory - CPU_OVERHEAD - weights
    if room < max(GIB, LEAST_CONTEXT * facts.token_bytes):
        note = _too_big(weights, machine.memory - CPU_OVERHEAD)
        return Fit(LEAST_CONTEXT, cpu_cache=1, notes=(note,))
    context, notes = _context(facts, room, CPU_CONTEXT)
    wanted = CPU_SEQUENCES * context * facts.token_bytes
    cache = max(1, min(-(-wanted // GIB), int(room // GIB), MOST_CPU_CACHE))
    return Fit(context, cpu_cache=cache, notes=notes)


def _context(facts: Facts, room: float, usual: int) -> tuple[int, tuple[Note, ...]]:
    """The length of the context, and why it is shorter than what the model was made for."""
    made_for = facts.context or usual
    fits = int(room / facts.token_bytes) if facts.token_bytes else made_for
    context = min(made_for, usual, fits)
    if context >= STEP:
        context -= context % STEP if context < made_for else 0
    if fits < min(made_for, usual):
        return context, (
            Note(
                f"The memory holds a context of {context} tokens; the model could take "
                f"{made_for}. A quantised variant leaves more room.",
                f"显存/内存只够 {context} 个词元的上下文；模型本身支持 {made_for}。"
                "使用量化版本可以留出更多空间。",
            ),
        )
    if context < made_for:
        return context, (
            Note(
                f"The context is set to {context} tokens; the model could take {made_for}: "
                "--max-model-len.",
                f"上下文设为 {context} 个词元；模型最多支持 {made_for}，"
                "可用 --max-model-len 更改。",
            ),
        )
    return context, ()


def _too_big(weights: int, room: float) -> Note:
    have = max(0.0, room) / 1e9
    return Note(
        f"The weights take {weights / 1e9:.1f} GB, and there is room for {have:.1f} GB: this will "
        "probably fail. Take a quantised variant (AWQ, GPTQ, FP8), a smaller model, more GPUs "
        "(--tensor-parallel-size), or a GGUF file with --engine llama.",
        f"权重需要 {weights / 1e9:.1f} GB，而可用空间约 {have:.1f} GB：很可能会失败。"
        "请使用量化版本（AWQ、GPTQ、FP8）、更小的模型、更多 GPU（--tensor-parallel-size），"
        "或用 --engine llama 运行 GGUF 文件。",
    )
