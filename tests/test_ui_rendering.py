"""Turns, jobs and sources as Markdown and HTML: what is shown, and that nothing of it is live."""

import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from assistant import events
from assistant.errors import DocumentError
from assistant.knowledge.records import Source as StoredSource
from assistant.memory.records import Turn, text_parts
from assistant.ui.jobs import Job
from assistant.ui.library_rendering import chosen_html, counts_html, jobs_html, size_text, table_row
from assistant.ui.markdown import safe_markdown
from assistant.ui.rendering import Message, turn_messages
from assistant.ui.status import State, header_html
from assistant.ui.turn_view import TurnView
from ingest.events import Added, Failed, Finished, Progress, Started, Summary, Unchanged

EVIL = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "<style>*{display:none}</style>",
    "![x](https://evil.example/x.png)",
    "[x](javascript:alert(1))",
    "[x]( javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](&#106;avascript:alert(1))",
    "[x](//evil.example)",
    "[x][r]\n\n[r]: javascript:alert(1)",
    "<javascript:alert(1)>",
    "`<b>` <script>alert(1)</script> `",
    "[x](y`) <script>alert(1)</script> `z`",
    "1. a\n   ```\nfoo <script>alert(1)</script>\n   ```",
    "```\ncode\r```\r<script>alert(1)</script>",
    "~~~ `\n<script>alert(1)</script>\n~~~\n<script>alert(2)</script>",
    "> ```\n<script>alert(1)</script>",
    "\ue000<script>alert(1)</script>\ue001",
    "x\n\n<div class='turn-tail'><a href='javascript:alert(1)'>y</a></div>",
)
TAGS = {
    *("div", "span", "strong", "b", "a", "ul", "li", "details", "summary", "blockquote", "p"),
    *("br", "mark", "code", "section", "h3", "progress", "header", "nav", "button"),
}
FENCED = re.compile(r"^(`{3,}|~{3,})[^\n]*\n(?:.*?\n)?\1[`~]* *$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(\s*([^)\s]*)")


class Tags(HTMLParser):
    """Collects what a browser would make of a text: tags with their attributes."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_harmless(content: str) -> None:
    prose = FENCED.sub("", content)
    prose = re.sub(r"(?ms)^(```|~~~).*\Z", "", prose)  # a fence that is open to the end
    parser = Tags()
    parser.feed(prose)
    for tag, attributes in parser.found:
        assert tag in TAGS, content
        assert not [name for name in attributes if name.startswith("on")], content
        link = attributes.get("href")
        assert link is None or re.match(r"https?://|/(source/\d|knowledge)?", link), content
    assert "![" not in prose
    for target in LINK.findall(prose):
        assert re.match(r"https?://|mailto:|/source/\d", target), content
    assert not re.search(r"(?m)^\s*\[[^\]]*\]:", prose)


def source(n: int = 1, **fields: str) -> events.Source:
    known = {
        "title": "手册",
        "location": "规格",
        "quote": "续航 18 小时。",
        "link": f"/source/3#chunk-{n}",
        **fields,
    }
    return events.Source(n=n, id=f"c{n}", score=0.5, **known)


def shown(*seen: events.Event, question: str = "它多重？", language: str = "zh") -> list[Message]:
    view = TurnView(question)
    for event in seen:
        view.apply(event)
    return turn_messages(view, language)


def all_text(messages: list[Message]) -> str:
    return "\n".join(message["content"] for message in messages)


def done(answer: str, **fields: bool) -> events.Done:
    return events.Done("c", answer, timings={"first_token": 1.25, "total": 3.5}, refused=False)


@pytest.mark.parametrize("evil", EVIL)
def test_markdown_is_made_harmless(evil: str) -> None:
    assert_harmless(safe_markdown(evil))
    assert_harmless(safe_markdown(f"前文 {evil} 后文"))


@pytest.mark.parametrize("evil", EVIL)
def test_nothing_in_a_turn_is_live(evil: str) -> None:
    answer = f"答案[1]。{evil}"
    messages = shown(
        events.Notice("memory", evil),
        events.Memory(evil, "c", 0.0),
        events.Rewrite(evil, f"改写 {evil}", True),
        source(title=evil, location=evil, quote=evil, url=f"https://a.example/{evil}"),
        source(2, title=evil, quote=evil, link=f"/source/1{evil}", url=f"javascript:{evil}"),
        events.Thinking(evil),
        events.Token(answer),
        events.Revise(answer, (1,), (evil, "答案[1]。")),
        events.Error("model", evil),
        question=evil,
    )
    assert len(messages) >= 5
    for message in messages:
        assert_harmless(message["content"])
        assert_harmless(message.get("metadata", {}).get("title", ""))


def test_markdown_keeps_what_is_harmless() -> None:
    text = "**粗** `x < y`\n\n| a | b |\n|---|---|\n\n[文档](https://a.example/b)"
    assert safe_markdown(text) == text.replace("`x < y`", "<code>x &#60; y</code>")


def test_code_stays_as_it_was_written_and_moves_to_the_left() -> None:
    assert safe_markdown("1. a\n   ```html\n   <b>\n     c\n   ```\n2. <b>") == (
        "1. a\n```html\n<b>\n  c\n```\n2. &lt;b>"
    )
    assert safe_markdown("```\n<b>") == "```\n<b>"


def test_citations_become_links_and_unknown_ones_stay() -> None:
    answer = next(
        message["content"]
        for message in shown(source(), source(2), events.Token("重两千克[1]，长一米[1, 2][9]。"))
        if "千克" in message["content"]
    )
    first = '[[1]](/source/3#chunk-1 "手册")'
    second = '[[2]](/source/3#chunk-2 "手册")'
    assert answer == f"重两千克{first}，长一米{first}{second}[9]。"


def test_a_citation_in_code_is_no_link() -> None:
    content = all_text(shown(source(), events.Token("`a[1]`\n```\nb[1]\n```")))
    assert "`a[1]`\n```\nb[1]\n```" in content


def test_steps_are_shown_as_they_happen_and_folded_then() -> None:
    steps = (events.Step("rewrite", 0.0), events.Step("retrieve", 1.5))
    running = shown(*steps)[1]
    assert running["metadata"] == {"title": "正在检索知识库", "status": "pending"}
    assert "理解问题 · 第 0.0 秒" in running["content"]
    reading = shown(*steps, source(), source(2), events.Step("answer", 2.0), language="en")[1]
    assert reading["metadata"]["title"] == "Reading 2 passages"
    answering = shown(*steps, source(), events.Step("answer", 2.0), events.Token("两"))[1]
    assert answering["metadata"] == {"title": "正在回答", "status": "done"}
    ended = shown(*steps, source(), events.Step("answer", 2.0), events.Token("两"), done("两"))[1]
    assert ended["metadata"]["title"] == "检索并阅读了 1 段资料"


def test_before_the_first_event_something_is_seen_to_happen() -> None:
    assert shown()[1]["metadata"] == {"title": "正在准备", "status": "pending"}


def test_the_rewritten_question_is_shown_where_it_was_changed() -> None:
    assert "极光 X2 多重？" in all_text(shown(events.Rewrite("它多重？", "极光 X2 多重？", True)))
    same = all_text(shown(events.Rewrite("它多重？", "它多重？", False)))
    assert "检索用的问题" not in same


def test_unsupported_sentences_are_marked() -> None:
    text = "重两千克[1]。\n- 它很**贵**。"
    content = all_text(shown(source(), events.Revise(text, (1,), ("- 它很**贵**。",)), done(text)))
    assert '- <mark class="unsupported" title="资料中找不到依据">它很**贵**。</mark>' in content
    assert "标出的句子在资料中找不到依据" in content


def test_errors_refusals_and_stopped_answers_are_told_from_answers() -> None:
    failed = shown(events.Error("model", "模型没有响应。"))[-1]["content"]
    assert '<div class="error" role="alert">' in failed
    assert "模型没有响应。" in failed
    refused = shown(events.Token("没有。"), events.Done("c", "没有。", True, {"total": 1.0}))
    assert 'class="refused"' in all_text(refused)
    stopped = shown(events.Token("两"), events.Done("c", "两", False, {"total": 1.0}, True))
    assert 'class="stopped"' in all_text(stopped)
    good = all_text(shown(events.Token("两"), done("两")))
    assert not re.search(r'class="(error|refused|stopped|caution)"', good)


def test_times_are_in_small_print() -> None:
    assert "首字 1.2 秒 · 共 3.5 秒" in all_text(shown(events.Token("两"), done("两")))


def test_sources_stand_below_with_the_cited_ones_first() -> None:
    text = "一米[2]。"
    web = source(2, url="https://a.example/b?c=1&d=2#e", quote="第一行\n\n第二行")
    content = shown(source(), web, events.Revise(text, (2,)), done(text))[-1]["content"]
    assert "\n" not in content, "an empty line would end the HTML"
    assert content.index('class="n">2<') < content.index('class="n">1<')
    assert "资料来源（2）" in content
    assert "第一行<br>第二行" in content
    assert content.count("未引用") == 1
    parser = Tags()
    parser.feed(content)
    links = [attributes for tag, attributes in parser.found if tag == "a"]
    assert links[0]["href"] == "/source/3#chunk-2"
    assert links[1]["href"] == "https://a.example/b?c=1&d=2#e"
    assert links[1]["rel"] == "noopener noreferrer"


def test_what_bears_the_answer_out_is_marked_and_how_it_was_found_is_told() -> None:
    quote = "重两千克。 <b>电池</b>可用八小时。"
    found = source(quote=quote, dense_rank=2, keyword_rank=1)
    bare = shown(found, done("八小时[1]。"))[-1]["content"]
    assert "语义第 2 · 关键词第 1" in bare
    assert "<mark>" not in bare
    begin = quote.index("电池")
    link = "/source/3?mark=1:0-5,9-15;2:0-4#chunk-1"
    marked = replace(found, marks=((0, 5), (begin, begin + 6)), link=link)
    content = shown(found, marked, done("八小时[1]。"))[-1]["content"]
    assert "<mark>重两千克。</mark>" in content
    assert "<mark>电池&#60;&#47;b&#62;</mark>可用八小时。" in content
    parser = Tags()
    parser.feed(content)
    assert [attributes["href"] for tag, attributes in parser.found if tag == "a"] == [link]


def test_a_stored_turn_looks_like_the_one_that_was_streamed() -> None:
    turn = Turn(
        id="t",
        question=text_parts("它多重？"),
        answer="两千克[1]。",
        standalone="极光 X2 多重？",
        time=time.time(),
        sources=({"event": "source", **vars(source())},),
        timings={"retrieve": 0.5, "answer": 1.0, "first_token": 1.25, "total": 3.5},
    )
    stored = turn_messages(TurnView.from_turn(turn), "zh")
    streamed = shown(
        events.Rewrite("它多重？", "极光 X2 多重？", True),
        events.Step("retrieve", 0.5),
        source(),
        events.Step("answer", 1.0),
        events.Token("两千克[1]。"),
        done("两千克[1]。"),
    )
    assert stored == streamed


def test_jobs_show_progress_and_one_line_for_each_failure() -> None:
    job = Job(1, ("上传 <b>", "Upload <b>"), state="running")
    job.apply(Started(3))
    job.apply(Progress(32, 120, "chunks", "/data/手册 <x>.md"))
    content = jobs_html([job], "zh")
    assert_harmless(content)
    assert "手册 &lt;x&gt;.md：已嵌入 32/120 个片段" in content
    job.apply(Added("/data/手册.md", "极光 <手册>", 1, 120, 0, 0, True))
    job.apply(Unchanged("/data/b.md", "乙", 2))
    job.apply(Progress(2, 3, "documents", ""))
    job.apply(Failed("/data/c.pdf", DocumentError("{n} is broken.", "{n} 已损坏。", n="<c>.pdf")))
    job.apply(Finished(Summary(added=1, failed=1)))
    content = jobs_html([job], "zh")
    assert_harmless(content)
    assert '<progress value="2" max="3"' in content
    assert content.count('<li class="failed">') == 1
    assert "&lt;c&gt;.pdf 已损坏。" in content
    assert "极光 &lt;手册&gt;</b> 已添加，120 个片段" in content
    assert "c.pdf</b> &lt;c&gt;.pdf is broken." in jobs_html([job], "en")


def stored_source(**fields: object) -> StoredSource:
    known: dict[str, object] = {
        "id": 7,
        "collection": "default",
        "uri": "/docs/<a>.md",
        "title": "<b>标题</b>",
        "kind": "md",
        "chunks": 3,
        "size": 3400,
        "content_hash": "x",
        "added_at": 0.0,
        "updated_at": 0.0,
        **fields,
    }
    return StoredSource(**known)  # type: ignore[arg-type]


def test_the_table_of_sources() -> None:
    assert table_row(stored_source())[:5] == [7, "<b>标题</b>", "md", 3, "3.4 kB"]
    assert_harmless(chosen_html(stored_source(), "zh"))
    assert [size_text(n) for n in (0, 999, 12_345_678)] == ["0 B", "999 B", "12.3 MB"]
    assert "空的" in counts_html([], "/sample", "zh")
    assert "共 1 个文档，3 个片段" in counts_html([stored_source()], "/sample", "zh")
    assert "示例" not in counts_html([stored_source()], "/sample", "zh")
    assert "示例" in counts_html([stored_source(uri="/sample/g.md")], "/sample", "zh")


def test_the_head_shows_states_until_all_are_ready() -> None:
    loading = [State("聊天模型", "下载中 43% <b>", False), State("长期记忆", "就绪", True)]
    content = header_html("chat", "zh", loading)
    assert_harmless(content)
    assert "聊天模型: 下载中 43%" in content
    assert 'role="alert"' not in content
    failed = [State("聊天模型", "文件 <x> 无法下载。\n请手动放到 /models。" + "。" * 40, False)]
    content = header_html("knowledge", "zh", failed)
    assert_harmless(content)
    assert 'role="alert"' in content
    ready = header_html("chat", "en", [State("a", "ready", True)])
    assert "Ready" in ready
    assert 'href="/" aria-current=page' in ready
