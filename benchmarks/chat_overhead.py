"""What our chat layer costs over the bare OpenAI client, on the same server.

    python -m tests.vllm_server tiny        (in another terminal: says its address and key)
    python -m benchmarks.chat_overhead --base-url URL --model NAME --api-key KEY

Each round answers as many prompts as there are parallel streams, once with each side, in another
order every round: "bare" is ``openai.OpenAI`` streaming to text, "ours" the model of
``open_chat(...)`` streaming through LangChain to text, and "bare again" the first once more: how
far it is from "bare" is what this machine's noise alone does. Every prompt begins differently, so
no cache helps either side, and all answers have the same length.

Time to first token and the tokens/s of a stream are medians over all streams; the differences are
medians of each round's own difference. CPU is this process's: client and server share the cores
here, so what the client burns the server lacks.
"""

from __future__ import annotations

import argparse
import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

#: A prompt -> the pieces of its answer as they come; an int among them is the answer's tokens.
Stream = Callable[[str], Iterator[str | int]]

FILLER = "The river runs down to the sea and the road runs beside it. "


@dataclass
class Round:
    """What one side took for one round."""

    first: list[float] = field(default_factory=list)  # seconds to the first text, a stream each
    speed: list[float] = field(default_factory=list)  # tokens/s after it
    tokens: int = 0
    wall: float = 0.0
    cpu: float = 0.0


def bare(arguments: argparse.Namespace) -> Stream:
    """OpenAI's own client, and nothing else."""
    from openai import OpenAI

    client = OpenAI(base_url=arguments.base_url, api_key=arguments.api_key)
    extra = json.loads(arguments.extra_body)

    def stream(prompt: str) -> Iterator[str | int]:
        answer = client.chat.completions.create(
            model=arguments.model,
            messages=[{"role": "user", "content": prompt}],
            temperature=0,
            max_tokens=arguments.tokens,
            stream=True,
            stream_options={"include_usage": True},
            extra_body=extra,
        )
        for chunk in answer:
            if chunk.choices:
                yield chunk.choices[0].delta.content or ""
            if chunk.usage:
                yield chunk.usage.completion_tokens

    return stream


def ours(arguments: argparse.Namespace) -> Stream:
    """The app's chat model, as the conversation opens and streams it."""
    from assistant.models.chat.choice import open_chat
    from assistant.settings import Settings

    environment = {
        "VLLM_BASE_URL": arguments.base_url,
        "VLLM_API_KEY": arguments.api_key,
        "TEMPERATURE": "0",
        "MAX_TOKENS": str(arguments.tokens),
        "EXTRA_BODY": arguments.extra_body,
    }
    settings = Settings.load(environment, env_file=None)
    model = open_chat(settings, f"vllm:{arguments.model}", "CHAT_MODEL").model()

    def stream(prompt: str) -> Iterator[str | int]:
        for chunk in model.stream(prompt):
            yield chunk.text
            if chunk.usage_metadata:
                yield chunk.usage_metadata["output_tokens"]

    return stream


def run(stream: Stream, prompts: Sequence[str]) -> Round:
    """All ``prompts`` at once, a thread each.

    Raises:
        RuntimeError: a stream failed or came without text or its number of tokens.
    """
    result, faults = Round(), []
    start = threading.Barrier(len(prompts) + 1)

    def one(prompt: str) -> None:
        start.wait()
        try:
            first, speed, tokens = _time(stream(prompt))
        except Exception as error:  # noqa: BLE001 - told to the thread that waits
            faults.append(error)
            return
        result.first.append(first)
        result.speed.append(speed)
        result.tokens += tokens

    threads = [threading.Thread(target=one, args=(prompt,)) for prompt in prompts]
    for thread in threads:
        thread.start()
    start.wait()
    began, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    result.wall, result.cpu = time.perf_counter() - began, time.process_time() - cpu
    if faults:
        raise RuntimeError(f"{len(faults)} of {len(prompts)} streams failed") from faults[0]
    return result


def _time(pieces: Iterator[str | int]) -> tuple[float, float, int]:
    """Seconds to the first text, tokens/s after it, tokens."""
    began = time.perf_counter()
    first = last = 0.0
    tokens = 0
    for piece in pieces:
        if isinstance(piece, int):
            tokens = piece
        elif piece:
            last = time.perf_counter()
            first = first or last
    if not first or not tokens:
        raise RuntimeError("an answer without text, or without its number of tokens")
    return first - began, (tokens - 1) / max(last - first, 1e-9), tokens


def measure(
    sides: dict[str, Stream], streams: int, rounds: int, words: int
) -> dict[str, list[Round]]:
    """``rounds`` of each side, in turn, after one of each that isn't counted."""
    results: dict[str, list[Round]] = {name: [] for name in sides}
    numbers = itertools.count(time.time_ns() % 10**8)
    orders = itertools.cycle(itertools.permutations(sides))
    for number in range(rounds + 1):
        for name in next(orders):
            prompts = [f"{next(numbers):09d} " + FILLER * (words // 13) for _ in range(streams)]
            done = run(sides[name], prompts)
            if number:
                results[name].append(done)
    return results


def report(results: dict[str, list[Round]], streams: int) -> None:
    print(f"\n{streams} parallel stream{'s' * (streams > 1)}, {len(results['bare'])} rounds")
    print(f"{'':11} first token ms  tokens/s a stream  tokens/s in all  CPU s per 1,000 tokens")
    for name, rounds in results.items():
        first = median(value for row in rounds for value in row.first)
        speed = median(value for row in rounds for value in row.speed)
        total = median(row.tokens / row.wall for row in rounds)
        cpu = 1000 * sum(row.cpu for row in rounds) / sum(row.tokens for row in rounds)
        print(f"{name:11} {first * 1000:14.1f}  {speed:17.2f}  {total:15.2f}  {cpu:22.3f}")
    for name in [name for name in results if name != "bare"]:
        pairs = list(zip(results["bare"], results[name], strict=True))
        wait = median(median(b.first) - median(a.first) for a, b in pairs)
        speed = median(median(b.speed) / median(a.speed) for a, b in pairs)
        total = median(b.tokens / b.wall / (a.tokens / a.wall) for a, b in pairs)
        print(
            f"{name} against bare: first token {wait * 1000:+.1f} ms, tokens/s a stream "
            f"{speed * 100 - 100:+.2f} %, in all {total * 100 - 100:+.2f} %"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base-url", required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--api-key", default="none")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 16])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--tokens", type=int, default=128, help="of each answer")
    parser.add_argument("--words", type=int, default=100, help="of each prompt")
    parser.add_argument("--extra-body", default='{"ignore_eos": true}')
    arguments = parser.parse_args()
    sides = {"bare": bare(arguments), "ours": ours(arguments), "bare again": bare(arguments)}
    for streams in arguments.streams:
        report(measure(sides, streams, arguments.rounds, arguments.words), streams)


if __name__ == "__main__":
    main()
