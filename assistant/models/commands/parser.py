"""The commands of ``python -m assistant.models`` and their options."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any

from assistant.models.hubs.pulling import HUBS
from assistant.models.options import ROLES
from assistant.models.serving.plan import ENGINES


def parsed(description: str | None, arguments: Sequence[str]) -> argparse.Namespace:
    """The options of one call; ``extra`` is what stands after ``--``."""
    top = _parser(description)
    own, extra = list(arguments), []
    if "--" in own:
        cut = own.index("--")
        own, extra = own[:cut], own[cut + 1 :]
    options = top.parse_args(own)
    if extra and options.command != "serve":
        top.error("only serve takes something after --")
    options.extra = extra
    return options


def _parser(description: str | None) -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--json", action="store_true", help="one JSON object on standard output")
    top = argparse.ArgumentParser(
        prog="python -m assistant.models",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    commands.add_parser(
        "list", parents=[common], help="models on this machine, named models, services"
    )
    _pull(commands, common)
    _serve(commands, common)
    _check(commands, common)
    return top


def _pull(commands: Any, common: argparse.ArgumentParser) -> None:
    pull = commands.add_parser("pull", parents=[common], help="fetch a model and verify it")
    pull.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="ORGANISATION/NAME, huggingface:ORGANISATION/NAME, modelscope:ORGANISATION/NAME, "
        "local:NAME, or a path to check; default: what .env names",
    )
    pull.add_argument(
        "--source",
        choices=("auto", *HUBS),
        default="auto",
        help="default: auto, the hubs of MODEL_SOURCES in turn",
    )
    pull.add_argument(
        "--revision", default="", metavar="R", help="branch, tag or commit; default: the newest"
    )
    pull.add_argument(
        "--include",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="only such files, for example '*q4_k_m.gguf'; default: what a program needs",
    )
    pull.add_argument("--to", metavar="FOLDER", help="default: a cache in MODEL_DIR")


def _serve(commands: Any, common: argparse.ArgumentParser) -> None:
    serve = commands.add_parser(
        "serve",
        parents=[common],
        help="serve a model with vLLM or llama.cpp",
        usage="%(prog)s [NAME] [options] [-- OPTIONS OF VLLM]",
        epilog="What stands after -- is given to vLLM as it is.",
    )
    serve.add_argument(
        "name",
        nargs="?",
        metavar="NAME",
        help="as in pull, or a folder or .gguf file; default: what CHAT_MODEL names",
    )
    serve.add_argument("--engine", choices=ENGINES, help="default: by the model's files")
    serve.add_argument("--host", default="127.0.0.1", help="default: 127.0.0.1")
    serve.add_argument("--port", type=_port, default=6006, help="default: 6006")
    serve.add_argument("--served-model-name", metavar="X", help="default: the model's own name")
    serve.add_argument(
        "--max-model-len", type=int, metavar="TOKENS", help="default: what fits the memory"
    )
    serve.add_argument(
        "--dtype",
        choices=("auto", "bfloat16", "float16", "float32"),
        help="default: bfloat16 where the machine has it",
    )
    serve.add_argument(
        "--gpu-memory-utilization", type=_share, metavar="SHARE", help="default: 0.8"
    )
    serve.add_argument("--tool-call-parser", metavar="P", help="default: by the model's family")
    serve.add_argument("--no-tools", action="store_true", help="no tool calls")
    serve.add_argument("--reasoning-parser", metavar="P", help="default: by the model's family")
    serve.add_argument("--tensor-parallel-size", type=int, metavar="N", help="GPUs for one model")
    serve.add_argument(
        "--api-key", metavar="KEY", help="that clients must give; default: VLLM_API_KEY of .env"
    )
    serve.add_argument("--python", metavar="PATH", help="the Python that has vLLM")
    serve.add_argument("--dry-run", action="store_true", help="only print the command")


def _check(commands: Any, common: argparse.ArgumentParser) -> None:
    check = commands.add_parser("check", parents=[common], help="try the models of .env")
    check.add_argument("--named", action="store_true", help="also all models of MODELS_FILE")
    check.add_argument(
        "--model",
        action="append",
        default=[],
        metavar="NAME",
        help="only this one (may be given again)",
    )
    check.add_argument(
        "--role", choices=tuple(ROLES), help="what --model is; default: told from its name"
    )


def _port(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 65535:
        raise argparse.ArgumentTypeError(f"{value} is no port")
    return value


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError(f"{value} is not in 0..1")
    return value
