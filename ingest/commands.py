"""What each command does: finds or changes something and says what, and with which exit code.

Printing is done in :mod:`ingest.__main__`. The models and loaders are imported by the commands
that need them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from assistant.errors import DocumentError, SettingsError
from assistant.knowledge.catalogue import no_collection
from assistant.knowledge.fusion import CANDIDATES, hybrid
from assistant.knowledge.gauge import gauge_of
from assistant.knowledge.records import Hit, Source
from assistant.knowledge.store import KnowledgeBase
from ingest import reindexing, transfer, upkeep
from ingest.explanation import explain
from ingest.outcome import DONE, FAILED, Call, Outcome
from ingest.progress import Report, summary_line
from ingest.sources import commands as sources
from ingest.uploads import delete_source

if TYPE_CHECKING:
    from ingest.previewing import Previewed, PreviewedChunk


def add(call: Call) -> Outcome:
    report = Report(call.language)
    with call.pipeline() as pipeline:
        report.follow(
            pipeline.add_paths(call.arguments.paths, allow_private=call.arguments.allow_private)
        )
    return _reported(report)


def crawl(call: Call) -> Outcome:
    from ingest.crawl import CrawlRequest, open_memory
    from ingest.crawl_parser import fields_of
    from ingest.state import State

    arguments = call.arguments
    request = CrawlRequest(
        arguments.url, allow_private=arguments.allow_private, **fields_of(arguments)
    )
    report = Report(call.language)
    with (
        call.pipeline() as pipeline,
        State(call.settings.data_dir) as state,
        closing(open_memory(state, arguments.collection, request.url)) as memory,
    ):
        report.follow(pipeline.crawl(request, memory))
    return _reported(report)


def _reported(report: Report) -> Outcome:
    line = summary_line(report.summary, report.language)
    code = FAILED if report.summary.failed else DONE
    return Outcome(report.as_json(), [line], code=code)


def list_sources(call: Call) -> Outcome:
    with call.knowledge() as knowledge:
        sources = knowledge.sources()
    lines = [f"{s.id}\t{s.kind}\t{s.chunks}\t{s.title}\t{s.uri}" for s in sources]
    return Outcome({"sources": [asdict(source) for source in sources]}, lines)


def delete(call: Call) -> Outcome:
    outcome = Outcome({})
    deleted = []
    with call.knowledge() as knowledge:
        for name in call.arguments.sources:
            source = _find(knowledge, name)
            if source is None:
                outcome.errors.append(_unknown_source(name, call.arguments.collection))
                continue
            delete_source(call.settings, knowledge, source.id)
            deleted.append({"id": source.id, "uri": source.uri, "chunks": source.chunks})
            outcome.lines.append(f"{source.id}\t{source.uri}")
    outcome.data["deleted"] = deleted
    outcome.code = FAILED if outcome.errors else DONE
    return outcome


def _find(knowledge: KnowledgeBase, name: str) -> Source | None:
    """A source by its id, its URI, or a path that leads to it."""
    if name.isdecimal():
        return knowledge.source(int(name))
    path = Path(name).expanduser()
    spellings = (name, str(path.absolute()), str(path.resolve()))
    return next((found for uri in spellings if (found := knowledge.source_by_uri(uri))), None)


def _unknown_source(name: str, collection: str) -> DocumentError:
    return DocumentError(
        "No source {name} in collection {collection}: see `python -m ingest list`.",
        "知识库 {collection} 中没有来源 {name}：请用 `python -m ingest list` 查看。",
        name=name,
        collection=collection,
    )


def drop(call: Call) -> Outcome:
    """Delete the collection, with the files that were uploaded for it."""
    name = call.arguments.collection
    with call.knowledge() as knowledge:
        counts = knowledge.stats().get(name)
        if counts is None:
            raise no_collection(name)
        if not call.arguments.yes:
            raise SettingsError(
                "This deletes collection {name} with {sources} sources and {chunks} chunks: say so "
                "with --yes.",
                "将删除知识库 {name} 的 {sources} 个来源、{chunks} 个片段：确认请加上 --yes。",
                name=name,
                **counts,
            )
        for source in knowledge.sources():
            delete_source(call.settings, knowledge, source.id)
        knowledge.drop()
    return Outcome({"dropped": name, **counts}, [name])


def search(call: Call) -> Outcome:
    k = call.arguments.k
    with call.pipeline() as pipeline:
        knowledge, embeddings = pipeline.knowledge, pipeline.embeddings
        vector = embeddings.embed_questions([call.arguments.query])[0]
        where = call.arguments.filter
        found = hybrid(knowledge, vector, call.arguments.query, max(CANDIDATES, k), where)
        metric = knowledge.form.metric
        gauge = gauge_of(knowledge.folder, knowledge.name)
    rows = [_hit_json(hit) for hit in found[:k]]
    lines = [
        f"{row['score']:.4f}  {row['title']}  {row['location']}\n    {_excerpt(str(row['text']))}"
        for row in rows
    ]
    if call.arguments.explain:
        for n, explanation in enumerate(explain(call.arguments.query, metric, gauge, found, k)):
            rows[n]["explain"] = explanation.as_json()
            lines[n] += "".join(f"\n    {line}" for line in explanation.lines(call.language))
    return Outcome({"hits": rows}, lines)


def _hit_json(hit: Hit) -> dict[str, object]:
    return {
        "id": hit.id,
        "text": hit.text,
        "score": hit.score,
        "source": hit.source.uri,
        "title": hit.source.title,
        "location": hit.location,
        "link": hit.link,
    }


def _excerpt(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 160 else line[:160] + " ..."


def preview(call: Call) -> Outcome:
    from assistant.models.embedding.choice import open_embeddings
    from ingest.previewing import preview_file

    count = open_embeddings(call.settings).count_tokens
    path = Path(call.arguments.file).expanduser().absolute()
    outcome = Outcome({})
    rows = []
    for found in preview_file(path, call.settings, count):
        if found.document is None:
            outcome.errors += [found.error] if found.error else []
            outcome.code = FAILED
            continue
        rows.append(_previewed(found))
        outcome.errors += found.document.warnings
        outcome.lines.append(f"{found.document.title} ({found.document.kind})")
        outcome.lines += map(_preview_line, range(1, len(found.chunks) + 1), found.chunks)
    outcome.data.update(rows[0] if len(rows) == 1 else {"documents": rows})
    return outcome


def _previewed(found: Previewed) -> dict[str, object]:
    document = found.document
    chunks = [{**asdict(each.chunk), "tokens": each.tokens} for each in found.chunks]
    title, kind = (document.title, document.kind) if document else ("", "")
    return {"uri": found.uri, "title": title, "kind": kind, "chunks": chunks}


def _preview_line(number: int, counted: PreviewedChunk) -> str:
    chunk = counted.chunk
    place = " > ".join(chunk.heading_path) + (f"  p. {chunk.page}" if chunk.page else "")
    anchor = f"  #{chunk.anchor}" if chunk.anchor else ""
    return f"\n[{number}] {counted.tokens} tokens  {place}{anchor}\n{chunk.text}"


COMMANDS: Mapping[str, Callable[[Call], Outcome]] = {
    "add": add,
    "crawl": crawl,
    "list": list_sources,
    "delete": delete,
    "drop": drop,
    "search": search,
    "preview": preview,
    "reindex": reindexing.run,
    **transfer.COMMANDS,
    **sources.COMMANDS,
    **upkeep.COMMANDS,
}
