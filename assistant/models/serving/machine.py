"""What this machine has for a language model: GPUs, memory, number formats."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

ASK_SECONDS = 20.0  # nvidia-smi wakes a sleeping driver first
CPU_INFO = Path("/proc/cpuinfo")
MEMORY_INFO = Path("/proc/meminfo")
MEMORY_LIMIT = Path("/sys/fs/cgroup/memory.max")
MEMORY_USED = Path("/sys/fs/cgroup/memory.current")
MIB = 1 << 20


@dataclass(frozen=True)
class Gpu:
    """``memory`` in bytes; ``capability`` such as (8, 0)."""

    name: str
    memory: int
    capability: tuple[int, int]


@dataclass(frozen=True)
class Machine:
    """``memory``: bytes of RAM that are free now."""

    gpus: tuple[Gpu, ...]
    memory: int
    bfloat16: bool  # the CPU calculates with it

    @property
    def gpu_bfloat16(self) -> bool:
        return all(gpu.capability >= (8, 0) for gpu in self.gpus)


def this_machine() -> Machine:
    """The machine that this process runs on."""
    return Machine(find_gpus(), free_memory(), cpu_has_bfloat16())


def find_gpus() -> tuple[Gpu, ...]:
    """NVIDIA's GPUs that this process may use, as its driver tells; none where it is missing."""
    command = ["nvidia-smi", "--query-gpu=index,name,memory.total,compute_cap"]
    command += ["--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(
            command, capture_output=True, text=True, timeout=ASK_SECONDS, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [[cell.strip() for cell in line.split(",")] for line in told.splitlines()]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and re.fullmatch(r"[\d, ]*", visible):
        chosen = {number.strip() for number in visible.split(",")}
        rows = [row for row in rows if row[0] in chosen]
    return tuple(gpu for row in rows if (gpu := _gpu(row)) is not None)


def _gpu(row: list[str]) -> Gpu | None:
    try:
        _, name, memory, capability = row
        major, minor = capability.split(".")
        return Gpu(name, int(memory) * MIB, (int(major), int(minor)))
    except ValueError:  # "[N/A]" on boards without the figure
        return None


def free_memory() -> int:
    """Bytes of RAM that a new process can have, within the container's limit."""
    try:
        told = re.search(r"MemAvailable:\s+(\d+) kB", MEMORY_INFO.read_text())
    except OSError:
        told = None
    free = int(told[1]) * 1024 if told else _all_memory() // 2
    try:
        limit, used = MEMORY_LIMIT.read_text().strip(), int(MEMORY_USED.read_text())
    except (OSError, ValueError):
        return free
    return min(free, int(limit) - used) if limit.isdigit() else free


def _all_memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def cpu_has_bfloat16() -> bool:
    """Whether the CPU calculates with bfloat16 itself (AVX512-BF16, AMX or Arm's)."""
    if platform.system() == "Darwin":
        return platform.machine() == "arm64"
    try:
        found = re.search(r"^(?:flags|Features)\s*:(.*)$", CPU_INFO.read_text(), re.MULTILINE)
    except OSError:
        return False
    return bool(found and {"avx512_bf16", "amx_bf16", "bf16"} & set(found[1].split()))
