"""What stands below an answer: what went wrong, its sources, and what one can do with it."""

from __future__ import annotations

from assistant.ui.markup import block, button, escaped, row, seconds_text
from assistant.ui.texts import text
from assistant.ui.turn_sources import sources_html
from assistant.ui.turn_view import TurnView

#: What a reader may say of a bad answer: what is stored -> the text.
REASONS = {
    "wrong": "why_wrong",
    "missing": "why_missing",
    "sources": "why_sources",
    "off": "why_off",
    "form": "why_form",
}


def end_html(view: TurnView, language: str) -> str:
    rows = [*_troubles(view, language)]
    if view.sources:
        rows.append(sources_html(view, language))
    if view.ended and not view.interrupted:
        rows.append(_foot(view, language))
    if view.asks_why and view.turn_id:
        rows.append(_why(view, language))
    return block("turn-tail", rows)


def _troubles(view: TurnView, language: str) -> list[str]:
    rows = []
    again = button("retry", view.turn_id, text("act_again", language), look="again")
    if view.error:
        id = f" <small>{escaped(text('request_id', language, id=view.request_id))}</small>"
        more = (id if view.request_id else "") + again
        rows.append(row("error", text("failed", language), view.error, more))
    if view.interrupted:
        rows.append(row("stopped", "", text("interrupted", language), again))
    if view.refused and not view.kind:  # the reply itself says so since there are kinds
        rows.append(row("no-answer", "", text("no_answer", language)))
    if view.unsupported:
        rows.append(row("caution", "", text("unsupported", language)))
    if view.incomplete:
        rows.append(row("stopped", "", text(f"incomplete_{view.incomplete}", language), again))
    return rows


def _foot(view: TurnView, language: str) -> str:
    """The buttons, and in small print how long it took and what it cost."""
    parts = []
    if view.turn_id:
        parts.append(_icon("copy", "copy", view.turn_id, "act_copy", language))
        for do, key, rating in (("good", "act_good", 1), ("bad", "act_bad", -1)):
            look = f"{do} on" if view.rating == rating else do
            parts.append(_icon(do, look, view.turn_id, key, language))
    if not view.error:
        parts.append(_icon("retry", "retry", view.turn_id, "act_retry", language))
    if view.timings:
        facts = (_times(view.timings, language), _tokens(view, language), view.model)
        parts.append(f'<span class="times">{escaped(" · ".join(filter(None, facts)))}</span>')
    return f'<div class="turn-foot">{"".join(parts)}</div>' if parts else ""


def _icon(do: str, look: str, value: str, key: str, language: str) -> str:
    return button(do, value, text(key, language), look=f"icon {look}", is_icon=True)


def _times(timings: dict[str, float], language: str) -> str:
    total = seconds_text(timings.get("total", max(timings.values())))
    if "first_token" not in timings:
        return text("timing_total", language, total=total)
    first = seconds_text(timings["first_token"])
    return text("timing", language, first=first, total=total)


def _tokens(view: TurnView, language: str) -> str:
    if not view.tokens.get("answer"):
        return ""
    read, wrote = view.tokens.get("prompt", 0), view.tokens["answer"]
    return text("tokens_used", language, read=read, wrote=wrote)


def _why(view: TurnView, language: str) -> str:
    """A short choice of reasons, and a line for words of one's own."""
    choices = "".join(
        button("reason", f"{view.turn_id} {reason}", text(key, language), look="choice")
        for reason, key in REASONS.items()
    )
    label = escaped(text("why_own", language))
    own = (
        f'<input type="text" class="own-reason" maxlength="300" placeholder="{label}" '
        f'aria-label="{label}">'
    )
    send = button("own_reason", view.turn_id, text("why_send", language), look="choice")
    question = f"<p>{escaped(text('why_bad', language))}</p>"
    return f'<div class="why">{question}{choices}<div class="own">{own}{send}</div></div>'
