"""``serve``: the right command for a model and this machine, printed and run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from assistant.errors import ModelFileError, SettingsError
from assistant.models.commands.outcome import Call, Outcome
from assistant.models.commands.pull import EMBEDDED, PREFIXES, Named, meaning, obtain
from assistant.models.hubs.cache import find
from assistant.models.hubs.repository import PART
from assistant.models.serving import running
from assistant.models.serving.facts import read_facts
from assistant.models.serving.llama import plan_llama
from assistant.models.serving.machine import this_machine
from assistant.models.serving.plan import Plan, Wishes
from assistant.models.serving.vllm import find_vllm, not_found, plan_vllm

#: An option of vLLM: the weights are of another kind, or none.
OTHER_FORMAT = "--load-format"


def run(call: Call) -> Outcome:
    """Print the command, then run it until it ends; its exit code.

    Raises:
        SettingsError: the name or an option can't be used.
        ModelFileError: the model can't be had.
        ServiceError: no vLLM, the port is taken, or the server died while it loaded.
    """
    plan = planned(call)
    data = _data(plan, call.language)
    if call.options.dry_run:
        return Outcome(data, _lines(call, plan))
    if plan.engine == "vllm" and find_vllm(call.options.python) is None:
        raise not_found()
    if not call.options.json:
        _say(*_lines(call, plan))

    def ready(seconds: float) -> None:
        if call.options.json:
            _say(json.dumps({**data, "ready_seconds": round(seconds, 1)}, ensure_ascii=False))
            return
        _say(
            call.say(
                f"ready after {seconds:.1f} s: {plan.base_url} (model {plan.name}); Ctrl-C ends it",
                f"就绪，用时 {seconds:.1f} 秒：{plan.base_url}（模型 {plan.name}）；按 Ctrl-C 结束",
            )
        )

    return Outcome(data, (), running.run(plan, ready))


def planned(call: Call) -> Plan:
    """What would be run.

    Raises:
        SettingsError, ModelFileError: as :func:`run`.
    """
    named = meaning(call.settings, call.options.name or _of_settings(call))
    label, path = _at_hand(call, named)
    wishes = _wishes(call)
    engine = call.options.engine
    model = _gguf(path) if path is not None else None
    if engine == "llama" or (engine is None and model is not None):
        if model is None:
            raise _no_gguf(label)
        return plan_llama(model, label, call.settings, wishes)
    if model is not None:
        raise SettingsError(
            "{name} is a GGUF file, which llama.cpp serves: leave --engine vllm away, or name the "
            "model's original repository.",
            "{name} 是 GGUF 文件，由 llama.cpp 提供服务："
            "请去掉 --engine vllm，或改用模型的原始仓库。",
            name=model.name,
        )
    facts = read_facts(path) if path is not None else None
    return plan_vllm(str(path or named.repository), label, facts, this_machine(), wishes)


def _of_settings(call: Call) -> str:
    """The model that ``CHAT_MODEL`` names, where it has files."""
    first = call.settings.chat_model.partition(",")[0].strip()
    if first.partition(":")[0].lower() in (EMBEDDED, *PREFIXES):
        return first
    raise SettingsError(
        "CHAT_MODEL is {name}, which doesn't say where its files are: name a model, for example "
        "python -m assistant.models serve ORGANISATION/NAME --served-model-name {last}.",
        "CHAT_MODEL 的值是 {name}，其中没有模型文件的位置：请指明模型，例如 "
        "python -m assistant.models serve 组织/名称 --served-model-name {last}。",
        name=first,
        last=first.rpartition(":")[2] or "NAME",
    )


def _at_hand(call: Call, named: Named) -> tuple[str, Path | None]:
    """The model's name, which tells its family, and where it is; None: not here, and it is only
    a dry run."""
    if named.repository:
        source = "" if named.source == "auto" else named.source
        kept = find(call.settings, named.repository, "", source)
        if kept is not None:
            return named.repository, kept.path
        if call.options.dry_run:
            return named.repository, None
    if named.embedded is not None and call.options.dry_run:
        return named.embedded.name, named.embedded.path(call.settings)
    if named.path is not None and any(word.startswith(OTHER_FORMAT) for word in call.options.extra):
        return named.path.name, named.path
    path = obtain(call, named)
    return named.repository or (named.embedded.name if named.embedded else path.name), path


def _gguf(path: Path) -> Path | None:
    """The GGUF model at ``path``, if it is one; of a model in parts the first."""
    if path.suffix == ".gguf":
        return path
    found = sorted(path.glob("*.gguf"))
    if len({PART.sub("", file.name) for file in found}) > 1:
        raise ModelFileError(
            "{folder} holds several GGUF models: name one of the files.",
            "{folder} 中有多个 GGUF 模型：请指明其中一个文件。",
            folder=path,
        )
    return found[0] if found and not (path / "config.json").is_file() else None


def _no_gguf(label: str) -> SettingsError:
    return SettingsError(
        "{name} is no GGUF model, which llama.cpp needs: leave --engine llama away, or name a "
        ".gguf file.",
        "{name} 不是 llama.cpp 需要的 GGUF 模型：请去掉 --engine llama，或指明 .gguf 文件。",
        name=label,
    )


def _wishes(call: Call) -> Wishes:
    options = call.options
    return Wishes(
        host=options.host,
        port=options.port,
        name=options.served_model_name,
        max_model_len=options.max_model_len,
        dtype=options.dtype,
        gpu_share=options.gpu_memory_utilization,
        tools=not options.no_tools,
        tool_call_parser=options.tool_call_parser,
        reasoning_parser=options.reasoning_parser,
        tensor_parallel=options.tensor_parallel_size,
        api_key=options.api_key or call.settings.services["VLLM_API_KEY"],
        python=options.python,
        extra=tuple(options.extra),
    )


def _lines(call: Call, plan: Plan) -> list[str]:
    notes = [call.say("Note: ", "注意：") + note.text(call.language) for note in plan.notes]
    key = [call.say("# the key: VLLM_API_KEY in the environment", "# 密钥：环境变量 VLLM_API_KEY")]
    return [
        *notes,
        *(key if plan.api_key else []),
        plan.command(),
        "",
        call.say("To use it, in .env:", "在 .env 中这样使用："),
        *(f"  {line}" for line in plan.settings()),
    ]


def _data(plan: Plan, language: str) -> dict[str, Any]:
    return {
        "engine": plan.engine,
        "command": plan.command(),
        "argv": list(plan.argv),
        "environment": dict(plan.environment),
        "model": plan.name,
        "base_url": plan.base_url,
        "settings": plan.settings(),
        "notes": [note.text(language) for note in plan.notes],
    }


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
