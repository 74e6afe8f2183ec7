"""The command line of vLLM for a model and a machine."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

from assistant.errors import ServiceError
from assistant.models.options import CHAT, EMBEDDING
from assistant.models.serving.facts import Facts
from assistant.models.serving.families import family_of
from assistant.models.serving.fit import Fit, on_cpu, on_gpus
from assistant.models.serving.machine import Machine
from assistant.models.serving.plan import Note, Plan, Wishes, last_name, open_to_all
from assistant.settings import ROOT

GPU_SHARE = 0.8
#: An environment of its own beside ours: vLLM pins what it needs to the letter.
OWN_ENVIRONMENT = ROOT / ".venv-vllm"
MODULE = "vllm.entrypoints.openai.api_server"


def find_vllm(python: str | None) -> tuple[str, ...] | None:
    """The beginning of the command, to which the model is added: by ``python`` where it is given,
    else in this environment, in ``.venv-vllm`` or on the path; None where vLLM is nowhere."""
    if python is not None:
        return _of_python(Path(shutil.which(python) or python).expanduser().absolute())
    if importlib.util.find_spec("vllm") is not None:
        return _of_python(Path(sys.executable))
    own = OWN_ENVIRONMENT / "bin" / "python"
    if own.exists():
        return _of_python(own)
    found = shutil.which("vllm")
    return (found, "serve") if found else None


def _of_python(python: Path) -> tuple[str, ...]:
    beside = python.parent / "vllm"
    packages = list(python.parent.parent.glob("lib/python3*/site-packages"))
    # Builds for a CPU that go by another name: the program asks for the version of "vllm" and
    # finds none, the module doesn't ask.
    renamed = any((place / "vllm").is_dir() for place in packages) and not any(
        list(place.glob("vllm-*.dist-info")) for place in packages
    )
    if beside.exists() and not renamed:
        return (str(beside), "serve")
    return (str(python), "-m", MODULE, "--model")


def not_found() -> ServiceError:
    """vLLM is nowhere."""
    return ServiceError(
        "vLLM is not found: install it in an environment of its own (python -m venv .venv-vllm, "
        "then .venv-vllm/bin/pip install vllm), or say where it is with --python; a .gguf file "
        "needs no vLLM.",
        "未找到 vLLM：请安装到单独的环境（python -m venv .venv-vllm，"
        "再 .venv-vllm/bin/pip install vllm），或用 --python 指明位置；.gguf 文件不需要 vLLM。",
    )


def plan_vllm(
    model: str, label: str, facts: Facts | None, machine: Machine, wishes: Wishes
) -> Plan:
    """The server for ``model``.

    Args:
        model: a folder, or a name that vLLM fetches itself.
        label: ORGANISATION/NAME or the folder's name, which tells the family.
        facts: None where the model isn't here yet: then its sizes are left to vLLM.
    """
    found = find_vllm(wishes.python)
    notes = [] if found else [Note(not_found().text("en"), not_found().text("zh"))]
    role = facts.role if facts else CHAT
    dtype, told = _dtype(facts, machine, wishes)
    share = wishes.gpu_share or GPU_SHARE
    fit = _fit(facts, machine, dtype, share, wishes)
    context = wishes.max_model_len or fit.context
    if wishes.max_model_len is None and role == CHAT:
        told += fit.notes
    name = wishes.name or last_name(label)
    options = ["--host", wishes.host, "--port", str(wishes.port), "--served-model-name", name]
    if context:
        options += ["--max-model-len", str(context)]
    options += ["--dtype", dtype]
    environment = {"VLLM_NO_USAGE_STATS": "1"}
    if facts is not None:
        environment["HF_HUB_OFFLINE"] = "1"  # all is here: no waiting for a hub that is away
    if machine.gpus:
        options += ["--gpu-memory-utilization", f"{share:g}"]
        gpus = wishes.tensor_parallel or fit.gpus
        options += ["--tensor-parallel-size", str(gpus)] if gpus > 1 else []
    else:
        environment["VLLM_CPU_KVCACHE_SPACE"] = str(fit.cpu_cache or 1)
        options += ["--enforce-eager"]  # compiling takes minutes, and a compiler
    options += _parsers(label, facts, wishes) if role == CHAT else []
    options += ["--runner", "pooling"] if role == EMBEDDING else []
    return Plan(
        engine="vllm",
        argv=(*(found or ("vllm", "serve")), model, *options, *wishes.extra),
        name=name,
        role=role,
        host=wishes.host,
        port=wishes.port,
        api_key=wishes.api_key,
        environment=environment,
        notes=(*notes, *told, *open_to_all(wishes.host, wishes.api_key)),
    )


def _fit(facts: Facts | None, machine: Machine, dtype: str, share: float, wishes: Wishes) -> Fit:
    if facts is None:
        return Fit()
    if machine.gpus:
        return on_gpus(facts, machine, dtype, share, wishes.tensor_parallel)
    return on_cpu(facts, machine, dtype)


def _dtype(facts: Facts | None, machine: Machine, wishes: Wishes) -> tuple[str, tuple[Note, ...]]:
    if wishes.dtype:
        return wishes.dtype, ()
    if facts is not None and facts.quantised:
        return "auto", ()
    if machine.gpus and not machine.gpu_bfloat16:
        old = machine.gpus[0]
        version = ".".join(map(str, old.capability))
        return "float16", (
            Note(
                f"{old.name} (compute capability {version}) has no bfloat16: float16 is used.",
                f"{old.name}（计算能力 {version}）不支持 bfloat16：改用 float16。",
            ),
        )
    if not machine.gpus and not machine.bfloat16:
        return "float32", (
            Note(
                "This CPU has no bfloat16: float32 is used, which takes twice the memory.",
                "此 CPU 不支持 bfloat16：改用 float32，内存占用加倍。",
            ),
        )
    return "bfloat16", ()


def _parsers(label: str, facts: Facts | None, wishes: Wishes) -> list[str]:
    family = family_of(label, facts.model_type if facts else "")
    tools = wishes.tool_call_parser or family.tools
    reasoning = wishes.reasoning_parser or family.reasoning
    options = []
    if wishes.tools and tools:
        options += ["--enable-auto-tool-choice", "--tool-call-parser", tools]
    if reasoning:
        options += ["--reasoning-parser", reasoning]
    return options
