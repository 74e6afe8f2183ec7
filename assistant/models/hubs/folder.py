"""Whether a model on this machine is complete: told from the files themselves, quickly."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any

from assistant.errors import ModelFileError
from assistant.models.hubs.repository import INCOMPLETE

WEIGHTS = ("*.safetensors", "pytorch_model*.bin", "*.gguf")
INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
LONGEST_HEADER = 100_000_000  # bytes; the format's own limit
POINTER = b"version https://git-lfs"


def check_model(path: Path) -> Path:
    """``path``, if it is a complete model: a folder with ``config.json`` and all its weights, or a
    ``.gguf`` file. Sizes and formats are looked at, checksums are not: nobody knows them here.

    Raises:
        ModelFileError: what is missing or broken.
    """
    if path.is_file():
        _check_gguf(path)
        return path
    if (path / INCOMPLETE).is_dir():
        raise unfinished(path)
    ggufs = sorted(path.glob("*.gguf"))
    for file in ggufs:
        _check_gguf(file)
    if not ggufs:
        read_json(path / "config.json")
        _check_weights(path)
    return path


def unfinished(folder: Path) -> ModelFileError:
    """A download was broken off."""
    return ModelFileError(
        "The download of {folder} was broken off: pull the model again, what has come is kept.",
        "{folder} 的下载中途停止：请重新 pull 该模型，已下载的部分会保留。",
        folder=folder,
    )


def weight_files(folder: Path) -> list[Path]:
    """The files with weights: safetensors where there are some, else the first kind found."""
    for pattern in WEIGHTS:
        found = sorted(folder.glob(pattern))
        if found:
            return found
    return []


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a model's folder.

    Raises:
        ModelFileError: it is missing or can't be read.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise ModelFileError(
            "{folder} has no {name}: it is no complete model folder. Fetch the model with "
            "python -m assistant.models pull ORGANISATION/NAME.",
            "{folder} 中没有 {name}：它不是完整的模型目录。请用 "
            "python -m assistant.models pull 组织/名称 下载模型。",
            folder=path.parent,
            name=path.name,
        ) from error
    except (OSError, ValueError) as error:
        raise broken(path, str(error), str(error)) from error
    if not isinstance(found, dict):
        raise broken(path, "it is no JSON object", "不是 JSON 对象")
    return found


def broken(path: Path, en: str, zh: str) -> ModelFileError:
    return ModelFileError(
        "{path} is broken: {en}. Delete it and pull the model again.",
        "{path} 已损坏：{zh}。请删除后重新 pull 该模型。",
        path=path,
        en=en,
        zh=zh,
    )


def _check_weights(folder: Path) -> None:
    files = weight_files(folder)
    for name in INDEXES:
        if (folder / name).is_file():
            shards = set(read_json(folder / name).get("weight_map", {}).values())
            _check_all_here(folder, shards)
            break
    else:
        if not files:
            raise ModelFileError(
                "{folder} has no weights (*.safetensors, *.gguf): fetch the model with "
                "python -m assistant.models pull ORGANISATION/NAME.",
                "{folder} 中没有权重文件（*.safetensors、*.gguf）：请用 "
                "python -m assistant.models pull 组织/名称 下载模型。",
                folder=folder,
            )
    _check_all_here(folder, {name for file in files for name in _siblings(file.name)})
    for file in files:
        if file.suffix == ".safetensors":
            _check_safetensors(file)


def _siblings(name: str) -> list[str]:
    """All parts of the weights of which ``name`` is one: their number stands in the name."""
    part = re.search(r"-\d{5}-of-(\d{5})(?=\.)", name)
    if not part:
        return [name]
    before, after = name[: part.start()], name[part.end() :]
    return [f"{before}-{n:05d}-of-{part[1]}{after}" for n in range(1, int(part[1]) + 1)]


def _check_all_here(folder: Path, shards: set[str]) -> None:
    missing = sorted(name for name in shards if not (folder / name).is_file())
    if missing:
        raise ModelFileError(
            "{folder} lacks {count} of {all} weight files ({names}): pull the model again, what "
            "is here is kept.",
            "{folder} 缺少 {all} 个权重文件中的 {count} 个（{names}）：请重新 pull 该模型，"
            "已有的部分会保留。",
            folder=folder,
            count=len(missing),
            all=len(shards),
            names=", ".join(missing[:5]),
        )


def _check_safetensors(path: Path) -> None:
    """The header tells how long the file must be."""
    with path.open("rb") as file:
        start = file.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if start and (start + file.read(32)).startswith(POINTER):
            raise broken(
                path, "it is a Git LFS pointer, not the file", "它是 Git LFS 指针而不是文件"
            )
        file.seek(8)
        try:
            header = json.loads(file.read(length)) if 0 < length <= LONGEST_HEADER else None
            ends = [row["data_offsets"][1] for key, row in header.items() if key != "__metadata__"]  # type: ignore[union-attr]
        except (ValueError, KeyError, TypeError, AttributeError):
            raise broken(path, "it is no safetensors file", "不是 safetensors 文件") from None
    expected, found = 8 + length + max(ends, default=0), path.stat().st_size
    if found != expected:
        raise broken(
            path,
            f"it has {found} bytes instead of {expected}",
            f"大小为 {found} 字节，应为 {expected} 字节",
        )


def _check_gguf(path: Path) -> None:
    with path.open("rb") as file:
        start = file.read(len(POINTER))
    if start == POINTER:
        raise broken(path, "it is a Git LFS pointer, not the file", "它是 Git LFS 指针而不是文件")
    if start[:4] != b"GGUF":
        raise broken(path, "it is no GGUF file", "不是 GGUF 文件")
