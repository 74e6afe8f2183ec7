"""``pull``: a model on this machine, fetched where it is missing, verified."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ModelFileError, SettingsError
from assistant.models.commands.outcome import Call, Outcome
from assistant.models.hubs.folder import check_model
from assistant.models.hubs.pulling import pull, sources
from assistant.models.hubs.repository import NAME, Request
from assistant.models.local import catalogue, files
from assistant.models.local.progress_bar import terminal_bar
from assistant.models.names import as_chat_model, named_models
from assistant.settings import ROOT, Settings

PREFIXES = {"huggingface": "huggingface", "hf": "huggingface", "modelscope": "modelscope"}
EMBEDDED = "local"


@dataclass(frozen=True)
class Named:
    """What a user's name for a model means: one of the three."""

    embedded: catalogue.ModelFile | None = None
    path: Path | None = None
    repository: str = ""
    source: str = "auto"


def run(call: Call) -> Outcome:
    """The paths of the models; several only where ``.env`` names several.

    Raises:
        SettingsError: options that don't go with the name.
        ModelError, ModelFileError: it can't be had.
    """
    options = call.options
    if options.name is not None:
        path = obtain(call, meaning(call.settings, options.name))
        return Outcome({"path": str(path), "paths": [str(path)]}, [str(path)])
    found = [meaning(call.settings, name) for name in _of_settings(call.settings)]
    paths = [str(obtain(call, named)) for named in found]
    if not paths:
        said = call.say(
            f"CHAT_MODEL={call.settings.chat_model}: nothing to fetch",
            f"CHAT_MODEL={call.settings.chat_model}：无需下载",
        )
        return Outcome({"path": None, "paths": []}, [said])
    return Outcome({"path": paths[0], "paths": paths}, paths)


def meaning(settings: Settings, name: str) -> Named:
    """What ``name`` means.

    Raises:
        SettingsError: a name such as ``dashscope:qwen-plus``, of a service's model.
        ModelError, ModelFileError: there is no such embedded model or file.
    """
    name = str(named_models(settings).get(name, {}).get("model", name))
    prefix, _, rest = name.partition(":")
    if prefix == EMBEDDED:
        return _embedded(rest)
    source = PREFIXES.get(prefix.lower(), "auto") if rest else "auto"
    rest = rest if source != "auto" else name
    # As a command line has it, and as .env does: from the repository.
    for path in (Path(rest).expanduser(), ROOT / Path(rest).expanduser()):
        if rest and path.exists():
            return Named(path=path.resolve())
    if NAME.fullmatch(rest) and not rest.endswith(".gguf"):
        return Named(repository=rest, source=source)
    if re.match(r"[a-z]+:", name):
        raise SettingsError(
            "{name} has no files to fetch: name ORGANISATION/NAME, local:NAME or a path.",
            "{name} 没有可下载的文件：请写 组织/名称、local:名称 或路径。",
            name=name,
        )
    if "/" in rest and not rest.endswith(".gguf"):
        raise ModelFileError(
            "There is no file or folder {path}, and it is no ORGANISATION/NAME of a hub.",
            "没有文件或目录 {path}，它也不是仓库中的“组织/名称”。",
            path=rest,
        )
    return _embedded(rest)


def _embedded(name: str) -> Named:
    found = catalogue.find(name)
    return Named(path=found) if isinstance(found, Path) else Named(embedded=found)


def obtain(call: Call, named: Named) -> Path:
    """Its path, fetched where it is missing, with a bar on standard error.

    Raises:
        SettingsError, ModelFileError: as :func:`run`.
    """
    options, settings = call.options, call.settings
    wishes = [
        f"--{option}"
        for option in ("revision", "include", "to")
        if getattr(options, option, None) and not named.repository
    ]
    if wishes:
        raise SettingsError(
            "{options} goes with ORGANISATION/NAME only.",
            "{options} 只能用于 组织/名称 形式的模型。",
            options=", ".join(wishes),
        )
    if named.path is not None:
        return check_model(named.path)
    with terminal_bar() as progress:
        if named.embedded is not None:
            return files.obtain(named.embedded, settings, progress)
        chosen = getattr(options, "source", "auto")
        hubs = sources(settings, named.source if chosen == "auto" else chosen)
        to = getattr(options, "to", None)
        request = Request(
            named.repository,
            getattr(options, "revision", ""),
            tuple(getattr(options, "include", ())),
            Path(to).expanduser().resolve() if to else None,
        )
        return pull(request, settings, hubs, progress).path


def _of_settings(settings: Settings) -> list[str]:
    """The models of ``.env`` that have files to fetch."""
    tables = named_models(settings)
    offered = [as_chat_model(entry) for entry in settings.chat_models]
    chains = (settings.chat_model, settings.rewrite_model, *offered)
    chat = [member for chain in chains for member in chain.split(",")]
    others = [settings.embedding_model, settings.rerank_model]
    found: list[str] = []
    for n, text in enumerate([*chat, *others]):
        name = str(tables.get(text.strip(), {}).get("model", text.strip()))
        prefix = name.partition(":")[0].lower()
        # The embedded embedding model comes with its package.
        if prefix in PREFIXES or (prefix == EMBEDDED and n < len(chat)):
            found.append(name)
    return list(dict.fromkeys(found))
