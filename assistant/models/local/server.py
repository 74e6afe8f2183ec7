"""The embedded chat model's process: llama.cpp's OpenAI-compatible server, until SIGTERM.

Started as a script by :mod:`assistant.keeper` or by ``python -m assistant.models serve``; what to
serve comes as JSON on standard input: ``model`` (path), ``port``, ``threads``, ``context`` (tokens
of one slot), and where they differ from the app's own server ``host``, ``alias`` and ``api_key``
(without it ``VLLM_API_KEY`` of the environment).
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from typing import Any

#: Requests that are answered at once: an answer, and a rewrite or a second tab beside it.
SLOTS = 2
#: Prompts of past turns kept in memory (MiB), so that an earlier conversation goes on quickly.
#: The engine's default, 8 GiB, is more than many machines have.
PROMPT_CACHE_MIB = 512
WARNINGS = 2


def parameters(plan: dict[str, Any]) -> Any:
    """The engine's parameters: one model, one address, nothing but the model's API."""
    import xllamacpp

    p = xllamacpp.CommonParams()
    p.model.path = plan["model"]
    p.model_alias = {plan.get("alias", "local")}
    p.hostnames = [plan.get("host", "127.0.0.1")]
    p.port = plan["port"]
    key = plan.get("api_key") or os.environ.get("VLLM_API_KEY")
    p.api_keys = [key] if key else []
    p.n_parallel = SLOTS
    p.n_ctx = plan["context"] * SLOTS
    p.fit_params = False
    p.cpuparams.n_threads = p.cpuparams_batch.n_threads = plan["threads"]
    p.cache_ram_mib = PROMPT_CACHE_MIB
    # An answer quotes its passages: three tokens that stood in the prompt are followed by the
    # next four often enough to decode 1.3 to 1.6 times as fast.
    p.speculative.types = [xllamacpp.common_speculative_type.COMMON_SPECULATIVE_TYPE_NGRAM_SIMPLE]
    p.speculative.ngram_simple.size_n = 3
    p.speculative.ngram_simple.size_m = 4
    p.endpoint_metrics = True
    p.endpoint_slots = False  # would show the prompts of others
    p.ui = False
    p.verbosity = WARNINGS
    return p


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    plan = json.load(sys.stdin)
    # Blocked before the engine starts its threads, so that only we receive them.
    signals = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    import xllamacpp

    began = time.monotonic()
    _log(f"loading {plan['model']}: {plan['threads']} threads, {plan['context']} tokens a slot")
    server = xllamacpp.Server(parameters(plan))
    _log(f"ready after {time.monotonic() - began:.1f} s at {server.listening_address}")
    received = signal.sigwait(signals)
    _log(f"{signal.Signals(received).name}: stopping")
    del server


def _log(message: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), "chat model:", message, flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
