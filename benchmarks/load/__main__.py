"""``python -m benchmarks.load``: see the package."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median, quantiles
from typing import TypeVar

from benchmarks.load.asking import Answered, Asker, endpoint_itself, openai, page
from benchmarks.load.endpoint import Pace
from benchmarks.load.processes import app, endpoint
from benchmarks.load.wire import Failed

T = TypeVar("T")

WAYS = {"openai": openai, "page": page}
WARMING = 20  # questions before anything is counted
MEMORY_STREAMS = 20


@dataclass
class Result:
    """What N askers got."""

    answers: list[Answered] = field(default_factory=list)
    faults: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    def first(self, share: float) -> float:
        """Seconds to the first token that ``share`` of the answers did not pass."""
        times = sorted(answer.first for answer in self.answers)
        if len(times) < 2:
            return times[0] if times else float("nan")
        return median(times) if share == 0.5 else quantiles(times, n=100)[round(share * 100) - 1]


async def load(asker: Asker, streams: int, rounds: int, spread: float) -> Result:
    """``streams`` askers of ``rounds`` questions each, who begin within ``spread`` seconds."""
    result, began = Result(), time.perf_counter()

    async def one(number: int) -> None:
        await asyncio.sleep(spread * number / streams)
        ask = await tried(asker)
        if ask is None:
            return
        for _ in range(rounds):
            if answered := await tried(ask):
                result.answers.append(answered)

    async def tried(work: Callable[[], Awaitable[T]]) -> T | None:
        try:
            return await work()
        except (Failed, OSError, asyncio.IncompleteReadError) as error:
            result.faults[f"{type(error).__name__}: {error}"[:150]] += 1
            return None

    await asyncio.gather(*map(one, range(streams)))
    result.seconds = time.perf_counter() - began
    return result


def compare(arguments: argparse.Namespace, folder: Path) -> None:
    pace = Pace(arguments.first, arguments.pace, arguments.tokens)
    length = pace.first + pace.between * (pace.tokens - 1)
    print(
        f"endpoint: first token after {pace.first:g} s, then one every {pace.between * 1000:g} ms, "
        f"{pace.tokens} tokens; {arguments.rounds} questions an asker\n\n"
        "way     streams  answers  errors  first token s p50/p95  added s p50/p95  answers/s"
        "  CPU ms   MB",
        flush=True,
    )
    with endpoint(pace) as model:
        own = {
            n: asyncio.run(load(endpoint_itself(model.url), n, arguments.rounds, length))
            for n in arguments.streams
        }
        with app(folder / "data", model, max(arguments.streams)) as running:
            for way in arguments.way:
                asker = WAYS[way](running.url)
                asyncio.run(load(asker, 4, WARMING // 4, length))
                for n in arguments.streams:
                    before = running.cpu
                    found = asyncio.run(load(asker, n, arguments.rounds, length))
                    cpu = (running.cpu - before) / max(1, len(found.answers))
                    report(way, n, found, own[n], f"{cpu * 1000:6.0f} {running.memory:4.0f}")


def report(way: str, streams: int, found: Result, own: Result, process: str) -> None:
    p50, p95 = found.first(0.5), found.first(0.95)
    print(
        f"{way:7} {streams:7}  {len(found.answers):7}  {found.faults.total():6}"
        f"  {p50:12.3f} /{p95:7.3f}  {p50 - own.first(0.5):7.3f} /{p95 - own.first(0.95):6.3f}"
        f"  {len(found.answers) / found.seconds:9.1f}  {process}",
        flush=True,
    )
    for fault, count in found.faults.most_common(3):
        print(f"    {count} x {fault}")


def grow(arguments: argparse.Namespace, folder: Path) -> None:
    """Memory over many questions, each answered at once. Growth is counted from a tenth on, when
    caches and pools are filled."""
    step = max(1, arguments.questions // 10)
    with (
        endpoint(Pace(0.0, 0.0, 10)) as model,
        app(folder / "data", model, MEMORY_STREAMS) as running,
    ):
        asker = WAYS[arguments.way[0]](running.url)
        sizes, faults = [running.memory], 0
        began = time.perf_counter()
        for number in range(1, 11):
            found = asyncio.run(load(asker, MEMORY_STREAMS, step // MEMORY_STREAMS or 1, 0.0))
            sizes.append(running.memory)
            faults += found.faults.total()
            print(f"{number * step:7} questions  {sizes[-1]:7.1f} MB  {faults} errors", flush=True)
        seconds = time.perf_counter() - began
    growth = sizes[-1] / sizes[1] - 1
    print(
        f"{arguments.way[0]}: {sizes[1]:.1f} -> {sizes[-1]:.1f} MB, {growth * 100:+.1f} % after "
        f"the first tenth; {arguments.questions / seconds:.1f} answers/s"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.load", description=__doc__)
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 20, 100, 300])
    parser.add_argument("--way", nargs="+", choices=list(WAYS), default=list(WAYS))
    parser.add_argument("--rounds", type=int, default=2, help="questions of each asker")
    parser.add_argument("--first", type=float, default=0.3, help="s to the endpoint's first token")
    parser.add_argument("--pace", type=float, default=0.05, help="s between its tokens")
    parser.add_argument("--tokens", type=int, default=160, help="of each answer")
    parser.add_argument("--questions", type=int, default=0, help="measure memory over so many")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="load-") as folder:
        (grow if arguments.questions else compare)(arguments, Path(folder))


if __name__ == "__main__":
    main()
