"""``huggingface:`` models run in this process: what chat, embeddings and rerank of them share.

Their packages are an optional extra of several hundred megabytes: looked for at start, imported
only where such a model is loaded.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from assistant.errors import AssistantError, ModelError, ModelFileError, SettingsError
from assistant.models.hubs.repository import NAME, Request
from assistant.models.local.files import Progress
from assistant.models.local.progress_bar import terminal_bar
from assistant.models.names import Target
from assistant.settings import ROOT, Settings

REQUIREMENTS = "requirements-huggingface.txt"
PACKAGES = ("torch", "transformers", "sentence_transformers")

LONGEST_REASON = 300  # characters of a library's own words


def check_usable(target: Target) -> None:
    """Whether the model can be tried at all; quick, imports nothing.

    Raises:
        SettingsError: the extra is not installed, or the name is neither a folder's nor a
            repository's.
        ModelFileError: the folder holds no complete model.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise SettingsError(
            "{name} runs in this process, which needs packages that are not installed "
            "({missing}): pip install -r {file}",
            "{name} 在本进程内运行，需要安装缺少的依赖包（{missing}）：pip install -r {file}",
            name=target.name,
            missing=", ".join(missing),
            file=REQUIREMENTS,
        )
    folder = own_folder(target.model)
    if folder is None and not NAME.fullmatch(target.model):
        raise SettingsError(
            "{name}: write huggingface:ORGANISATION/NAME, such as huggingface:BAAI/bge-m3, or the "
            "path of a folder, such as huggingface:./models/bge-m3.",
            "{name}：请写成 huggingface:组织/模型名，例如 huggingface:BAAI/bge-m3，"
            "或文件夹路径，例如 huggingface:./models/bge-m3。",
            name=target.name,
        )
    if folder is not None:
        from assistant.models.hubs.folder import check_model

        check_model(folder)
        if "revision" in target.options:
            raise SettingsError(
                "{name} is a folder, which has no revisions: take the option revision away.",
                "{name} 是本地文件夹，没有版本之分：请去掉选项 revision。",
                name=target.name,
            )


def own_folder(model: str) -> Path | None:
    """The folder that ``model`` names, as an absolute path; None for a repository's name.

    A name that could be either is a folder where there is one; relative to the repository.
    """
    path = (ROOT / Path(model).expanduser()).resolve()
    return path if model.startswith(("/", ".", "~")) or path.is_dir() else None


def is_here(settings: Settings, target: Target) -> bool:
    """Whether the model needn't be downloaded."""
    return own_folder(target.model) is not None or _kept(settings, target) is not None


def model_folder(settings: Settings, target: Target, tell: Progress | None = None) -> Path:
    """The folder with the model's files: the user's own, else the cache's, downloaded where it is
    missing there. What is there is used without asking the network for something newer.

    Args:
        tell: told of a download, beside the terminal.

    Raises:
        ModelFileError: it can't be had, or isn't complete.
    """
    from assistant.models.hubs.folder import check_model
    from assistant.models.hubs.pulling import pull, sources

    own = own_folder(target.model)
    if own is not None:
        return check_model(own)
    kept = _kept(settings, target)
    if kept is not None:
        return kept
    with terminal_bar() as bar:

        def progress(done: int, total: int, source: str) -> None:
            if tell is not None:
                tell(done, total, source)
            bar(done, total, source)

        request = Request(target.model, _revision(target))
        return pull(request, settings, sources(settings), progress).path


def _kept(settings: Settings, target: Target) -> Path | None:
    from assistant.models.hubs import cache

    found = cache.find(settings, target.model, _revision(target))
    return found.path if found else None


def _revision(target: Target) -> str:
    return str(target.options.get("revision", ""))


def import_torch() -> Any:
    """``torch``, set up for a machine that does other work besides."""
    # Its waiting threads spin by default: on busy cores that made it three to five times slower.
    # It is read when the library is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    import torch

    return torch


def device_of(target: Target, device: str | None = None) -> str:
    """The device to run on: ``device``, the option, or the best of this machine.

    Raises:
        SettingsError: torch doesn't have it here.
    """
    torch = import_torch()
    wanted = device or str(target.options.get("device", "auto"))
    if wanted == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    try:
        torch.zeros(1, device=wanted)
    # A build without CUDA fails with AssertionError, an unknown word with RuntimeError.
    except (RuntimeError, AssertionError, ValueError, NotImplementedError) as error:
        raise SettingsError(
            "{name}: there is no device {device} here ({why}). Take auto, cpu, or what torch "
            "supports on this machine; the default build of a platform may lack CUDA.",
            "{name}：本机没有设备 {device}（{why}）。请填 auto、cpu 或本机 torch 支持的设备；"
            "有的平台默认安装的 torch 不含 CUDA。",
            name=target.name,
            device=wanted,
            why=_words(error),
        ) from error
    return wanted


def dtype_of(target: Target, device: str) -> Any:
    """The number format of the weights: the option, else the checkpoint's own.

    A CPU without instructions for bfloat16 computes it many times slower than float32.
    """
    torch = import_torch()
    wanted = str(target.options.get("dtype", "auto"))
    if wanted != "auto":
        return getattr(torch, wanted)
    if device == "cpu" and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        return torch.float32
    return "auto"


@contextmanager
def loading(target: Target, folder: Path) -> Iterator[None]:
    """Raise what the libraries raise while a model is loaded as a ModelError."""
    import_torch()
    try:
        from transformers.utils import logging

        logging.disable_progress_bar()  # of weights read from the disk
        yield
    except AssistantError:
        raise
    # Configurations, tokenizers, weights and code of others: there is no telling what they raise.
    except Exception as error:
        raise _load_error(target, folder, error) from error


def _load_error(target: Target, folder: Path, error: Exception) -> ModelError:
    why = _words(error)
    if _is_memory(error):
        return _no_memory(target, why)
    if "trust_remote_code" in str(error):
        return ModelError(
            "{name} brings its own program code, which is not run unless you trust its authors: "
            "then set trust_remote_code = true in its table of the file of named models.",
            "{name} 自带程序代码，默认不会运行。如果信任其作者，请在命名模型文件中为它设置 "
            "trust_remote_code = true。",
            name=target.name,
        )
    if isinstance(error, ImportError):
        return ModelError(
            "{name} needs a package that is not installed: {why}",
            "{name} 需要尚未安装的依赖包：{why}",
            name=target.name,
            why=why,
        )
    return ModelFileError(
        "{name} can't be loaded from {folder}: {why}. If its files are damaged or incomplete, "
        "delete that folder and fetch the model again; a model newer than the installed "
        "transformers needs a newer one.",
        "{name} 无法从 {folder} 加载：{why}。如果文件损坏或不完整，请删除该文件夹后重新下载；"
        "如果模型比已安装的 transformers 更新，请升级 transformers。",
        name=target.name,
        folder=folder,
        why=why,
    )


@contextmanager
def computing(target: Target) -> Iterator[None]:
    """Raise what torch raises while a model computes as a ModelError."""
    try:
        yield
    except (RuntimeError, MemoryError, ValueError, IndexError) as error:
        raise compute_error(target, error) from error


def compute_error(target: Target, error: Exception) -> ModelError:
    """What went wrong while a model computed."""
    if _is_memory(error):
        return _no_memory(target, _words(error))
    return ModelError(
        "{name} failed while computing: {why}",
        "{name} 计算时出错：{why}",
        name=target.name,
        why=_words(error),
    )


def _is_memory(error: Exception) -> bool:
    names = {base.__name__ for base in type(error).__mro__}
    said = str(error).lower()
    return (
        bool(names & {"OutOfMemoryError", "MemoryError"})
        or "out of memory" in said
        or "allocate memory" in said
    )


def _no_memory(target: Target, why: str) -> ModelError:
    return ModelError(
        "There is not enough memory for {name}: take a smaller model, a smaller batch_size, "
        "max_length or CONTEXT_WINDOW, dtype bfloat16, or another device. ({why})",
        "内存不足，无法运行 {name}：请改用更小的模型，减小 batch_size、max_length 或 "
        "CONTEXT_WINDOW，使用 dtype bfloat16，或换一个设备。（{why}）",
        name=target.name,
        why=why,
    )


def _words(error: BaseException) -> str:
    text = str(error).strip() or type(error).__name__
    return text.partition("\n")[0][:LONGEST_REASON]
