"""A model's repository on a hub: what is asked for, what it holds, and which files are needed."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath

from assistant.errors import ModelFileError

NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
#: The default branch: the hubs call it by different names, and users by either.
DEFAULT_BRANCHES = ("main", "master")

#: A folder of what has come; it is there until the download is complete. In the cache of Hugging
#: Face it has a folder for each commit that is not: what was complete before stays so.
INCOMPLETE = ".incomplete"

#: The same weights again, for other programs: not fetched where there are safetensors.
OTHER_WEIGHTS = (
    "*.bin", "*.pt", "*.pth", "*.ckpt", "*.h5", "*.msgpack", "*.onnx", "*.onnx_data", "*.ot",
    "*.tflite", "*.gguf", "*.mlmodel", "onnx/*", "openvino/*", "original/*", "coreml/*",
    "metal/*", "figures/*", "consolidated*.safetensors",
)  # fmt: skip
#: Of no use to any program.
NEVER = (".gitattributes", ".gitignore", "*.md5", "*.png", "*.jpg", "*.jpeg", "*.mp4", "*.gif")
#: One of several files that together are one GGUF model.
PART = re.compile(r"-\d{5}-of-\d{5}(?=\.gguf$)")


@dataclass(frozen=True)
class Request:
    """What to fetch. ``revision`` is a branch, tag or commit; empty: the default branch."""

    repository: str  # ORGANISATION/NAME
    revision: str = ""
    include: tuple[str, ...] = ()  # patterns such as "*q4_k_m.gguf"; empty: what a program needs
    to: Path | None = None  # a folder of the user's own, else the cache


@dataclass(frozen=True)
class RemoteFile:
    """A file of a repository. ``sha256`` or, for small ones, git's own ``git_sha1`` is known."""

    path: str
    size: int
    sha256: str = ""
    git_sha1: str = ""

    def __post_init__(self) -> None:
        parts = PurePosixPath(self.path).parts
        if not parts or parts[0] == "/" or ".." in parts or "\\" in self.path or "\0" in self.path:
            raise ModelFileError(
                "The hub lists a file with an impossible path ({path}): nothing was fetched.",
                "仓库列出了非法的文件路径（{path}）：未下载任何内容。",
                path=repr(self.path),
            )


@dataclass(frozen=True)
class Pulled:
    """A model on this machine. ``source`` is the hub that it came from."""

    path: Path
    source: str
    revision: str
    size: int  # bytes


def wanted(
    repository: str, files: Sequence[RemoteFile], include: Sequence[str]
) -> list[RemoteFile]:
    """The files of ``files`` to fetch.

    Raises:
        ModelFileError: ``include`` fits none, or one GGUF file out of several must be chosen.
    """
    if include:
        chosen = [file for file in files if _fits(file.path, include)]
        if not chosen:
            raise ModelFileError(
                "{repository} has no file like {patterns}. It has: {files}",
                "{repository} 中没有匹配 {patterns} 的文件。现有文件：{files}",
                repository=repository,
                patterns=", ".join(include),
                files=_some(files),
            )
        return chosen
    kept = [file for file in files if not _fits(file.path, NEVER)]
    if any(_is_model(file.path, ".safetensors") for file in kept):
        return [file for file in kept if not _fits(file.path, OTHER_WEIGHTS)]
    models = [file for file in kept if _is_model(file.path, ".gguf")]
    if len({PART.sub("", file.path) for file in models}) > 1:
        raise ModelFileError(
            "{repository} holds several GGUF models: choose one with --include, for example "
            "--include '{example}'. It has: {files}",
            "{repository} 含有多个 GGUF 模型：请用 --include 选择一个，例如 "
            "--include '{example}'。现有文件：{files}",
            repository=repository,
            example=_example(models),
            files=_some(models),
        )
    return kept


def _is_model(path: str, ending: str) -> bool:
    return path.endswith(ending) and not _fits(path, ("mmproj*", "original/*", "onnx/*"))


def _fits(path: str, patterns: Sequence[str]) -> bool:
    name = path.rpartition("/")[2]
    return any(
        fnmatch(path.lower(), p.lower()) or fnmatch(name.lower(), p.lower()) for p in patterns
    )


def _example(models: Sequence[RemoteFile]) -> str:
    """A pattern for the model that most people take."""
    usual = [file.path for file in models if "q4_k_m" in file.path.lower()]
    return PART.sub("*", (usual or [models[0].path])[0])


def _some(files: Sequence[RemoteFile]) -> str:
    shown = [f"{file.path} ({file.size / 1e9:.1f} GB)" for file in files[:30]]
    return ", ".join(shown) + (", ..." if len(files) > 30 else "")
