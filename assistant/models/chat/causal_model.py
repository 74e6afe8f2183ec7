"""A causal language model of ``transformers``, loaded: prompts in, pieces of text out."""

from __future__ import annotations

import copy
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from langchain_core.messages import BaseMessage

from assistant.errors import AssistantError, ContextTooLong, ModelUnavailable, SettingsError
from assistant.models.chat.chat_template import ChatTemplate
from assistant.models.chat.token_text import TokenText
from assistant.models.huggingface import (
    compute_error,
    device_of,
    dtype_of,
    import_torch,
    loading,
)
from assistant.models.names import Target

DEFAULT_WINDOW = 8192  # tokens; a model's most can be more than the machine's memory holds
MEASURED_TOKENS = 64


@dataclass(frozen=True)
class Finish:
    """The end of an answer. ``reason`` is "stop" or "length"."""

    reason: str
    input_tokens: int
    output_tokens: int


#: What a generation sends: pieces of text, then how it ended, or why it failed.
Item = str | Finish | Exception


class _Cancelled(Exception):
    """Thrown through the model's layers: nobody waits for the answer any more."""


class CausalModel:
    """Weights, tokenizer and the one thread that they compute in: answers wait for each other.

    Args:
        folder: with the model's files.

    Raises:
        ModelError: it can't be loaded, or is no chat model.
        SettingsError: the device isn't there, or ``context_window`` is more than the model has.
    """

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self.device = device_of(target)
        trust = bool(target.options.get("trust_remote_code", False))
        with loading(target, folder):
            from transformers import AutoModelForCausalLM, AutoTokenizer

            options = {"local_files_only": True, "trust_remote_code": trust}
            self._tokenizer = AutoTokenizer.from_pretrained(folder, **options)
            self._model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=dtype_of(target, self.device), **options
            ).to(self.device)
        self._model.eval()
        self.template = ChatTemplate(target, self._tokenizer)
        self.window = self._window()
        self._torch = import_torch()
        self._cancelled = threading.Event()
        self._closed = False
        # The same thread for all: torch keeps a team of threads for each that computes.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="huggingface chat")
        self._watch_layers()
        self.tokens_per_second = self._speed() if self.device == "cpu" else None

    def generate(
        self,
        messages: Sequence[BaseMessage],
        options: Mapping[str, Any],
        send: Callable[[Item], None],
        cancelled: threading.Event,
    ) -> None:
        """Answer ``messages`` in the background; a :class:`Finish` or an exception is the last
        that is sent, nothing is after ``cancelled`` was set.

        Args:
            options: ``temperature`` (0: always the likeliest word), ``max_tokens``, ``top_p``,
                ``top_k``, ``enable_thinking``.
        """

        def work() -> None:
            try:
                self._answer(messages, options, send, cancelled)
            except AssistantError as error:
                send(error)
            except _Cancelled:
                if self._closed and not cancelled.is_set():
                    send(_closed(self.target))
            # There is no telling what a model's code raises; who reads the stream must get it.
            except Exception as error:  # noqa: BLE001
                known = compute_error(self.target, error)
                known.__cause__ = error
                send(known)

        self._worker.submit(work)

    def close(self) -> None:
        """Break off what runs and let the weights go."""
        self._closed = True
        self._worker.shutdown(wait=True)
        del self._model

    def _answer(
        self,
        messages: Sequence[BaseMessage],
        options: Mapping[str, Any],
        send: Callable[[Item], None],
        cancelled: threading.Event,
    ) -> None:
        self._cancelled = cancelled
        self._check_wanted()
        text = self.template.render(messages, options.get("enable_thinking"))
        tokens = self._tokenizer(text, add_special_tokens=False, return_tensors="pt")
        count = int(tokens.input_ids.shape[1])
        room = self.window - count
        if room < 1:
            raise self._too_long(count)
        if self.template.opens_thinking(text):
            send("<think>\n")
        config = self._generation_config(options, room)
        pieces = TokenText(self._tokenizer, send)
        self._model.generate(
            input_ids=tokens.input_ids.to(self.device),
            attention_mask=tokens.attention_mask.to(self.device),
            generation_config=config,
            streamer=pieces,
        )
        self._check_wanted()
        cut = pieces.count >= config.max_new_tokens and pieces.last not in _ends(config)
        send(Finish("length" if cut else "stop", count, pieces.count))

    def _generation_config(self, options: Mapping[str, Any], room: int) -> Any:
        """The model's own recommendations, under what the user set."""
        config = copy.deepcopy(self._model.generation_config)
        config.max_length = None
        config.max_new_tokens = min(int(options.get("max_tokens") or room), room)
        config.num_beams = 1
        if config.pad_token_id is None:
            config.pad_token_id = _ends(config)[0] if _ends(config) else 0
        temperature = options.get("temperature")
        if temperature == 0:
            # The rest would be warned of as unused.
            config.do_sample = False
            config.temperature = config.top_p = config.top_k = None
            return config
        for name, kind in (("temperature", float), ("top_p", float), ("top_k", int)):
            if options.get(name) is not None:
                config.do_sample = True
                setattr(config, name, kind(options[name]))  # a whole number is refused as a float
        return config

    def _watch_layers(self) -> None:
        """Look between the layers whether the answer is still wanted: reading a long prompt takes
        a CPU minutes, and transformers itself looks only after each token."""
        nn = self._torch.nn
        lists = [part for part in self._model.modules() if isinstance(part, nn.ModuleList)]
        for layer in max(lists, key=len, default=[]):
            layer.register_forward_pre_hook(lambda *_: self._check_wanted())

    def _check_wanted(self) -> None:
        # The interpreter waits for this thread when the program ends.
        ending = not threading.main_thread().is_alive()
        if self._cancelled.is_set() or self._closed or ending:
            raise _Cancelled

    def _window(self) -> int:
        config = self._model.config.get_text_config()
        most = getattr(config, "max_position_embeddings", None)
        wanted = self.target.options.get("context_window")
        if wanted is None:
            return min(DEFAULT_WINDOW, most or DEFAULT_WINDOW)
        if most and wanted > most:
            raise SettingsError(
                "CONTEXT_WINDOW is {wanted}, but {name} was made for {most} tokens: set it to that "
                "or less.",
                "CONTEXT_WINDOW 是 {wanted}，但 {name} 只支持 {most} 个词元：请改为不超过该值。",
                wanted=wanted,
                name=self.target.name,
                most=most,
            )
        return int(wanted)

    def _too_long(self, count: int) -> ContextTooLong:
        return ContextTooLong(
            "The prompt has {count} tokens, and {name} takes {window} of prompt and answer "
            "together: ask a shorter question, or set CONTEXT_WINDOW in .env, as far as the model "
            "and the memory go.",
            "提示有 {count} 个词元，而 {name} 的提示与回答合计最多 {window} 个：请缩短问题，"
            "或在模型和内存允许的范围内调大 .env 中的 CONTEXT_WINDOW。",
            count=count,
            name=self.target.name,
            window=self.window,
        )

    def _speed(self) -> float:
        """Tokens of prompt read in a second; the best of two: other work only slows one down."""
        tokens = self._torch.full((1, MEASURED_TOKENS), 1, dtype=self._torch.long)
        best = float("inf")
        with self._torch.inference_mode():
            for _ in range(2):
                begun = time.perf_counter()
                self._model(tokens)
                best = min(best, time.perf_counter() - begun)
        return MEASURED_TOKENS / best


def _ends(config: Any) -> list[int]:
    """The tokens that end an answer."""
    ends = config.eos_token_id
    return [] if ends is None else [ends] if isinstance(ends, int) else list(ends)


def _closed(target: Target) -> ModelUnavailable:
    return ModelUnavailable("{name} was closed.", "{name} 已关闭。", name=target.name)
