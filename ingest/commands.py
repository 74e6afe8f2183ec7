"""What each command does: finds or changes something and says what, and with which exit code.

Printing is done in :mod:`ingest.__main__`. The models and loaders are imported by the commands
that need them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

from assistant.errors import DocumentError, SettingsError
from assistant.knowledge.catalogue import no_collection
from assistant.knowledge.fusion import CANDIDATES, hybrid
from assistant.knowledge.records import Hit, Source
from assistant.knowledge.store import KnowledgeBase
from ingest import reindexing, transfer, upkeep
from ingest.explanation import explain
from ingest.outcome import DONE, FAILED, Call, Outcome
from ingest.progress import Report, summary_line
from ingest.uploads import delete_source


def add(call: Call) -> Outcome:
    report = Report(call.language)
    with call.pipeline() as pipeline:
        report.follow(
            pipeline.add_paths(call.arguments.paths, allow_private=call.arguments.allow_private)
        )
    return _reported(report)


def crawl(call: Call) -> Outcome:
    from ingest.crawl import CrawlRequest

    arguments = call.arguments
    request = CrawlRequest(
        arguments.url,
        depth=arguments.depth,
        pages=arguments.pages,
        prefix=arguments.prefix,
        allow_private=arguments.allow_private,
        delay=arguments.delay,
    )
    report = Report(call.language)
    with call.pipeline() as pipeline:
        report.follow(pipeline.crawl(request))
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
    rows = [_hit_json(hit) for hit in found[:k]]
    lines = [
        f"{row['score']:.4f}  {row['title']}  {row['location']}\n    {_excerpt(str(row['text']))}"
        for row in rows
    ]
    if call.arguments.explain:
        for n, explanation in enumerate(explain(call.arguments.query, metric, found, k)):
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
    from ingest.load import load_file
    from ingest.split import Splitter

    count = open_embeddings(call.settings).count_tokens
    path = Path(call.arguments.file).expanduser()
    document = load_file(path.absolute(), call.settings.max_file_mb)
    rows = []
    lines = [f"{document.title} ({document.kind})"]
    for number, chunk in enumerate(
        Splitter.from_settings(call.settings, count).split(document), start=1
    ):
        tokens = count(chunk.embedding_text)
        rows.append({**asdict(chunk), "tokens": tokens})
        place = " > ".join(chunk.heading_path) + (f"  p. {chunk.page}" if chunk.page else "")
        anchor = f"  #{chunk.anchor}" if chunk.anchor else ""
        lines.append(f"\n[{number}] {tokens} tokens  {place}{anchor}\n{chunk.text}")
    return Outcome({"title": document.title, "kind": document.kind, "chunks": rows}, lines)


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
    **upkeep.COMMANDS,
}
