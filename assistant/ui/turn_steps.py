"""The steps of a turn: what it is doing now, and how long each took."""

from __future__ import annotations

from collections.abc import Iterator

from assistant import events
from assistant.ui.markup import escaped, seconds_text
from assistant.ui.texts import text
from assistant.ui.turn_view import TurnView

SHORT_WAIT = 1.0  # seconds in the queue that nobody needs to be told of afterwards


def steps_title(view: TurnView, language: str) -> str:
    """While it works: the step under way; afterwards what was done."""
    if not view.ended and not view.answer:
        last = view.steps[-1] if view.steps else events.Step("begin", 0.0)
        return _words("step", last, view, language)
    if not view.ended:
        return text("step_writing", language)
    key = ("did_all" + _one("answer", view)) if view.sources else "did_nothing"
    done = text(key, language, n=len(view.sources))
    if "total" not in view.timings:
        return done
    took = text("seconds", language, seconds=seconds_text(view.timings["total"]))
    return f"{done} · {took}"


def steps_html(view: TurnView, language: str) -> str:
    """The steps so far, as a list on one line; the one under way has no time yet."""
    lines = []
    for words, took in _steps(view, language):
        time = ""
        if took is not None:
            said = text("seconds", language, seconds=seconds_text(took))
            time = f" <time>{escaped(said)}</time>"
        state = "now" if took is None else "done"
        lines.append(f'<li class="{state}"><span>{escaped(words)}</span>{time}</li>')
    return f'<ol class="steps">{"".join(lines)}</ol>' if lines else ""


def _steps(view: TurnView, language: str) -> Iterator[tuple[str, float | None]]:
    """Each step's words, and the seconds it took; None: it is under way."""
    writes = view.timings.get("first_token")
    ends = [step.seconds for step in view.steps[1:]]
    ends.append(writes if writes is not None else view.timings.get("total", -1.0))
    for step, end in zip(view.steps, ends, strict=False):  # the last end may be of no step
        took = max(end - step.seconds, 0.0) if end >= 0 else None
        is_over = took is not None or view.ended or bool(view.answer)
        if step.stage == "queue" and view.ended and (took or 0.0) <= SHORT_WAIT:
            continue
        prefix = "did" if is_over else "step"
        yield _words(prefix, step, view, language), 0.0 if is_over and took is None else took
    if writes is not None and view.ended:
        yield text("did_first_token", language), max(view.timings.get("total", writes) - writes, 0)


def _words(prefix: str, step: events.Step, view: TurnView, language: str) -> str:
    key = f"{prefix}_{step.stage}{_one(step.stage, view)}"
    return text(key, language, n=len(view.sources), place=step.place)


def _one(stage: str, view: TurnView) -> str:
    """English has a form of its own for one passage."""
    return "_one" if stage == "answer" and len(view.sources) == 1 else ""
