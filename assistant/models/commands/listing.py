"""``list``: the models on this machine, those with a name of their own, and the services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from assistant.models.commands.outcome import Call, Outcome
from assistant.models.hubs.cache import kept_models
from assistant.models.local import catalogue, files
from assistant.models.names import named_models
from assistant.models.options import ROLES
from assistant.providers import TABLE, Provider
from assistant.settings import Settings


def run(call: Call) -> Outcome:
    """Nothing is fetched and nobody is asked."""
    settings = call.settings
    data = {
        "models": _embedded(settings),
        "pulled": _pulled(settings, call.language),
        "named": _named(settings),
        "services": [_service(row, settings) for row in TABLE if row.variable],
    }
    return Outcome(data, list(_lines(call, data)))


def _embedded(settings: Settings) -> list[dict[str, Any]]:
    return [
        {
            "name": f"local:{row.name}",
            "file": row.file,
            "bytes": row.size,
            "sha256": row.sha256,
            "path": str(row.path(settings)),
            "here": files.is_here(row, settings),
        }
        for row in catalogue.MODEL_FILES
    ]


def _pulled(settings: Settings, language: str) -> list[dict[str, Any]]:
    return [
        {
            "name": row.repository,
            "source": row.source,
            "revision": row.revision,
            "bytes": row.size,
            "path": str(row.path),
            "complete": row.fault is None,
            "fault": row.fault.text(language) if row.fault else None,
        }
        for row in kept_models(settings)
    ]


def _named(settings: Settings) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "model": table["model"],
            "options": {key: _shown(key, value) for key, value in table.items() if key != "model"},
        }
        for name, table in named_models(settings).items()
    ]


def _shown(key: str, value: Any) -> Any:
    return "(set)" if key == "api_key" else value


def _service(row: Provider, settings: Settings) -> dict[str, Any]:
    variable = f"{row.variable}_API_KEY" if row.keyed else None
    return {
        "name": row.name,
        "base_url": settings.services[f"{row.variable}_BASE_URL"],
        "roles": [role for role in ROLES if getattr(row, role)],
        "key_variable": variable,
        "key_needed": row.key_needed,
        "key_set": bool(variable and settings.services[variable]),
    }


def _lines(call: Call, data: Mapping[str, list[dict[str, Any]]]) -> Iterator[str]:
    yield call.say("Embedded chat models", "内置对话模型")
    for row in data["models"]:
        where = row["path"] if row["here"] else "-"
        yield f"  {row['name']:<26}{row['bytes'] / 1e9:6.1f} GB  {where}"
    if data["pulled"]:
        yield call.say("Pulled models", "已下载的模型")
    for row in data["pulled"]:
        bad = "" if row["complete"] else call.say("  INCOMPLETE: ", "  不完整：") + row["fault"]
        name = f"{row['name']} ({row['source']}, {row['revision']})"
        yield f"  {name:<50}{row['bytes'] / 1e9:6.1f} GB  {row['path']}{bad}"
    if data["named"]:
        file = call.settings.models_file.name
        yield call.say(f"Models named in {file}", f"{file} 中命名的模型")
    for row in data["named"]:
        options = ", ".join(f"{key}={value}" for key, value in row["options"].items())
        yield f"  {row['name']:<20}{row['model']}  {options}".rstrip()
    yield call.say("Services", "模型服务")
    for row in data["services"]:
        roles = "/".join(row["roles"])
        yield f"  {row['name']:<13}{_key(call, row):<28}{roles:<24}{row['base_url']}"


def _key(call: Call, row: Mapping[str, Any]) -> str:
    if row["key_set"]:
        return call.say("key set", "密钥已设置")
    if row["key_needed"]:
        return call.say(f"needs {row['key_variable']}", f"需要 {row['key_variable']}")
    return call.say("no key needed", "无需密钥")
