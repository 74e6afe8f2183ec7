"""The status page as HTML. Everything that is shown is escaped."""

from __future__ import annotations

import html
import time
from collections.abc import Iterable, Mapping, Sequence

from assistant.models.checking.row import FAILED, OFF, OK
from assistant.models.names import shown_name
from assistant.observability.recent_faults import Fault
from assistant.settings import Settings
from assistant.ui.library_rendering import size_text
from assistant.ui.model_checks import LastCheck
from assistant.ui.status import State
from assistant.ui.status_facts import RedisFacts, RunningFacts, StoreFacts
from assistant.ui.texts import text

VERDICTS = {OK: "check_ok", FAILED: "check_failed", OFF: "check_off"}
CHECKS = {
    "chat": "check_chat",
    "rewrite": "check_rewrite",
    "stream": "check_stream",
    "thoughts": "check_thoughts",
    "window": "check_window",
    "embedding": "check_embedding",
    "rerank": "check_rerank",
}
LEVELS = {"WARNING": "level_WARNING", "ERROR": "level_ERROR", "CRITICAL": "level_CRITICAL"}
MOST_COLLECTIONS = 8
Rows = Iterable[tuple[str, str]]


def states_html(states: list[State], up: float, language: str) -> str:
    """Whether all is well, and what isn't."""
    well = all(state.is_ready for state in states)
    head = text("status_all_well" if well else "status_not_ready", language)
    rows = "".join(
        f'<li class="{"good" if state.is_ready else "wait"}"><b>{html.escape(state.label)}</b> '
        f"<span>{html.escape(state.text)}</span></li>"
        for state in states
    )
    since = text("status_up", language, time=span_text(up, language))
    return (
        f'<section class="verdict {"good" if well else "wait"}" role="status"><h1>{head}</h1>'
        f'<p class="hint">{since}</p><ul>{rows}</ul></section>'
    )


def models_html(settings: Settings, chats: Sequence[str], last: LastCheck, language: str) -> str:
    """Which models are in use, and what the last check found. The first of ``chats`` answers unless
    another one is chosen."""
    rewrite = settings.rewrite_model or text("model_same", language)
    rerank = settings.rerank_model
    rows = (
        ("model_chat", shown_name(chats[0])),
        *(("model_offered", told) for told in [", ".join(map(shown_name, chats[1:]))] if told),
        ("model_rewrite", rewrite),
        ("model_embedding", settings.embedding_model),
        ("model_rerank", text("model_none", language) if rerank in ("", "none") else rerank),
    )
    return card("models", language, rows, more=_checks(last, language))


def _checks(last: LastCheck, language: str) -> str:
    if not last.at:
        return f'<p class="hint">{text("check_never", language)}</p>'
    rows = "".join(
        f'<tr class="{row.verdict.split()[0]}"><td><i></i>{text(VERDICTS[row.verdict], language)}'
        f'</td><th scope="row">{_check(row.check, language)}</th>'
        f'<td class="model">{html.escape(row.model)}</td>'
        f"<td>{html.escape(row.told(language))}</td></tr>"
        for row in last.rows
    )
    at = text("check_at", language, at=clock(last.at))
    return f'<p class="hint">{at}</p><table class="checks"><tbody>{rows}</tbody></table>'


def _check(check: str, language: str) -> str:
    return text(CHECKS[check], language) if check in CHECKS else html.escape(check)


def store_html(facts: StoreFacts, disk: Mapping[str, int], language: str) -> str:
    kind = facts.index
    if facts.is_auto:
        kind = text("store_index_auto", language, kind=kind)
    rows = [
        ("store_collections", str(len(facts.collections))),
        ("store_sources", f"{facts.sources:,}"),
        ("store_chunks", f"{facts.chunks:,}"),
        ("store_index", kind),
    ]
    listed = (
        list(facts.collections.items())[:MOST_COLLECTIONS] if len(facts.collections) > 1 else []
    )
    names = "".join(
        f"<li><b>{html.escape(name)}</b> {text('store_size', language, **one)}</li>"
        for name, one in listed
    )
    more = f"<ul>{names}</ul>" if names else ""
    sizes = [(key, size_text(size)) for key, size in disk.items()]
    return card("store", language, rows, more=more) + card("disk", language, sizes)


def redis_html(facts: RedisFacts, language: str) -> str:
    unknown = text("not_known", language)
    server = facts.server
    where = facts.address or text("redis_embedded", language)
    rows = [
        ("redis_server", f"{server.name} {server.version}" if server else unknown),
        ("redis_address", where),
        ("redis_memory", size_text(server.memory) if server else unknown),
        ("redis_held", str(facts.held)),
    ]
    if server:
        on = "redis_persistent_on" if server.is_persistent else "redis_persistent_off"
        rows.append(("redis_persistent", text(on, language)))
    more = ""
    if facts.error is not None:
        more = f'<p class="fault">{html.escape(facts.error.text(language))}</p>'
    return card("memory", language, rows, more=more)


def running_html(facts: RunningFacts, language: str) -> str:
    most = text("running_of", language, n=facts.running, most=facts.at_once)
    rows = [
        ("running_answers", most),
        ("running_waiting", str(facts.waiting)),
        ("running_day", f"{facts.day_questions:,}"),
        ("running_errors", f"{facts.day_errors:,}"),
    ]
    if facts.memory:
        rows.append(("running_memory", size_text(facts.memory)))
    return card("running", language, rows)


def versions_html(app: str, found: Mapping[str, str], language: str) -> str:
    listed = "".join(_row(name, version) for name, version in found.items())
    own = _row(text("version_app", language), app)
    return f"<section><h2>{text('status_versions', language)}</h2><dl>{own}{listed}</dl></section>"


def faults_html(faults: list[Fault], language: str) -> str:
    """The newest first."""
    head = f"<h2>{text('recent_errors', language)}</h2>"
    if not faults:
        none = f'<p class="hint">{text("recent_none", language)}</p>'
        return f"<section>{head}{none}</section>"
    rows = "".join(_fault(fault, language) for fault in faults)
    return f'<section>{head}<ul class="recent">{rows}</ul></section>'


def _fault(fault: Fault, language: str) -> str:
    level = text(LEVELS[fault.level], language) if fault.level in LEVELS else fault.level
    times = f" · {text('recent_times', language, n=fault.times)}" if fault.times > 1 else ""
    asked = ""
    if fault.request_id:
        asked = f" · {html.escape(text('recent_request', language, id=fault.request_id))}"
    trace = ""
    if fault.trace:
        trace = (
            f"<details><summary>{text('recent_trace', language)}</summary>"
            f'<pre tabindex="0">{html.escape(fault.trace)}</pre></details>'
        )
    return (
        f'<li class="{fault.level.lower()}"><p class="hint"><b>{html.escape(level)}</b> '
        f"{clock(fault.at)}{times} · {html.escape(fault.logger)}{asked}</p>"
        f'<p class="said">{html.escape(fault.message)}</p>{trace}</li>'
    )


def card(title: str, language: str, rows: Rows, *, more: str = "") -> str:
    """A section with named values; ``rows`` are keys of texts with plain values, ``more`` is
    HTML."""
    listed = "".join(_row(text(key, language), value) for key, value in rows)
    return f"<section><h2>{text(title, language)}</h2><dl>{listed}</dl>{more}</section>"


def _row(name: str, value: str) -> str:
    return f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value)}</dd></div>"


def clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def span_text(seconds: float, language: str) -> str:
    """
    >>> span_text(90061, "en"), span_text(59, "en")
    ('1 d 1 h', '0 min')
    """
    days, rest = divmod(int(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    told = [("span_days", days), ("span_hours", hours)] if days else [("span_hours", hours)]
    if not days:
        told.append(("span_minutes", rest // 60))
    shown = [text(key, language, n=n) for key, n in told if n or key == "span_minutes"]
    return " ".join(shown)
