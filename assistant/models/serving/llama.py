"""The embedded llama.cpp as a server of its own: one GGUF model on a port that doesn't change."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from assistant.errors import SettingsError
from assistant.models.local import server
from assistant.models.local.cores import usable_cores
from assistant.models.options import CHAT
from assistant.models.serving.plan import Plan, Wishes, last_name, open_to_all
from assistant.settings import Settings

#: Options that only vLLM has, by the names of their wishes.
VLLM_ONLY = {
    "dtype": "--dtype",
    "gpu_share": "--gpu-memory-utilization",
    "tool_call_parser": "--tool-call-parser",
    "reasoning_parser": "--reasoning-parser",
    "tensor_parallel": "--tensor-parallel-size",
    "python": "--python",
    "extra": "--",
}


def plan_llama(model: Path, label: str, settings: Settings, wishes: Wishes) -> Plan:
    """The server for the GGUF file ``model``, called ``label`` unless the user says otherwise.

    Raises:
        SettingsError: an option was given that only vLLM has.
    """
    refused = [option for name, option in VLLM_ONLY.items() if getattr(wishes, name)]
    if refused:
        raise SettingsError(
            "llama.cpp serves {model}, which doesn't take {options}: leave that away.",
            "{model} 由 llama.cpp 提供服务，不支持 {options}：请去掉这些选项。",
            model=model.name,
            options=", ".join(refused),
        )
    name = wishes.name or last_name(label)
    what = {
        "model": str(model),
        "alias": name,
        "host": wishes.host,
        "port": wishes.port,
        "threads": settings.local_threads or usable_cores(),
        "context": wishes.max_model_len or settings.local_context,
    }
    return Plan(
        engine="llama",
        argv=(sys.executable, "-P", server.__file__),
        name=name,
        role=CHAT,
        host=wishes.host,
        port=wishes.port,
        api_key=wishes.api_key,
        # Else waiting threads spin, and decoding falls to a token a second on busy cores.
        environment={"OMP_WAIT_POLICY": "passive"},
        stdin=json.dumps(what, ensure_ascii=False),
        notes=tuple(open_to_all(wishes.host, wishes.api_key)),
    )
