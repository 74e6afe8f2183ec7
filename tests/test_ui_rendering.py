"""Turns, jobs and sources as Markdown and HTML: what is shown, and that nothing of it is live."""

import html
import re
import time
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from assistant import events
from assistant.errors import DocumentError
from assistant.memory.records import Turn, text_parts
from assistant.ui.jobs import Job
from assistant.ui.library_rendering import jobs_html
from assistant.ui.markdown import safe_markdown
from assistant.ui.rendering import Message, turn_messages
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
    *("ol", "time", "small", "input", "bdi"),
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


def done(answer: str, turn_id: str = "") -> events.Done:
    timings = {"first_token": 1.25, "total": 3.5}
    return events.Done("c", answer, timings=timings, refused=False, turn_id=turn_id)


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
    first, second = (
        f'[<span>&#91;</span>{n}<span>&#93;</span>](/source/3#chunk-{n} "手册")' for n in (1, 2)
    )
    assert answer == f"重两千克{first}，长一米{first}{second}[9]。"


def test_a_citation_in_code_is_no_link() -> None:
    content = all_text(shown(source(), events.Token("`a[1]`\n```\nb[1]\n```")))
    assert "`a[1]`\n```\nb[1]\n```" in content


def test_steps_are_shown_as_they_happen_and_folded_then() -> None:
    steps = (events.Step("rewrite", 0.0), events.Step("retrieve", 1.5))
    running = shown(*steps)[1]
    assert running["metadata"] == {"title": "正在检索知识库", "status": "pending"}
    assert (
        '<li class="done"><span>理解问题</span> <time>1&#46;5 秒</time></li>' in running["content"]
    )
    assert '<li class="now"><span>正在检索知识库</span></li>' in running["content"]
    reading = shown(*steps, source(), source(2), events.Step("answer", 2.0), language="en")[1]
    assert reading["metadata"]["title"] == "Reading 2 passages"
    answering = shown(*steps, source(), events.Step("answer", 2.0), events.Token("两"))[1]
    assert answering["metadata"] == {"title": "正在回答", "status": "done"}
    ended = shown(*steps, source(), events.Step("answer", 2.0), events.Token("两"), done("两"))[1]
    assert ended["metadata"]["title"] == "检索并阅读了 1 段资料 · 3.5 秒"
    assert "<span>写出回答</span> <time>2&#46;2 秒</time>" in ended["content"]


def test_the_place_in_the_queue_is_shown_while_it_waits() -> None:
    waits = (events.Step("queue", 0.0, place=3), events.Step("queue", 0.5, place=1))
    running = shown(*waits)[1]
    assert running["metadata"]["title"] == "正在排队：第 1 位"
    assert running["content"].count("<li") == 1
    short = shown(*waits, events.Step("retrieve", 0.9), events.Token("两"), done("两"))[1]
    assert "排队" not in short["content"]
    long = shown(*waits, events.Step("retrieve", 4.0), events.Token("两"), done("两"))[1]
    assert "<span>排队等候</span> <time>3&#46;5 秒</time>" in long["content"]


def test_versions_lead_to_each_other() -> None:
    view = TurnView(
        "它多重？", ended=True, answer="两千克。", turn_id="b", siblings=("a", "b", "c")
    )
    content = turn_messages(view, "en")[1]["content"]
    assert 'name="version" value="a"' in content and 'name="version" value="c"' in content
    assert ">2/3</span>" in content and "Version 2 of 3" in content
    assert "version" not in all_text(turn_messages(replace(view, siblings=("b",)), "en"))


def test_an_error_names_its_request_and_can_be_tried_again() -> None:
    view = TurnView("它多重？", request_id="<abc>")
    view.apply(events.Error("model", "模型没有响应。"))
    content = turn_messages(view, "zh")[-1]["content"]
    assert "编号 &#60;abc&#62;" in content
    assert '<button type="button" class="again" name="retry" value="">重新提问</button>' in content


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
    assert 'class="no-answer"' in all_text(refused)
    stopped = shown(events.Token("两"), events.Done("c", "两", False, {"total": 1.0}, True))
    assert 'class="stopped"' in all_text(stopped)
    good = all_text(shown(events.Token("两"), done("两")))
    assert not re.search(r'class="(error|no-answer|stopped|caution)"', good)


def test_times_are_in_small_print() -> None:
    told = {"first_token": 1.25, "total": 3.5}
    ended = events.Done("c", "两", False, told, model="a:b", tokens={"prompt": 312, "answer": 58})
    content = html.unescape(all_text(shown(events.Token("两"), ended)))
    assert "首字 1.2 秒 · 共 3.5 秒 · 读 312 · 写 58 词元 · a:b" in content


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
        done("两千克[1]。", turn.id),
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
    assert "极光 &lt;手册&gt;</bdi></b> 已添加，120 个片段" in content
    assert "c.pdf</bdi></b> &lt;c&gt;.pdf is broken." in jobs_html([job], "en")
