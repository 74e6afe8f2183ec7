"""A passage as a rendered section: its form, its marks to the letter, and nothing that lives."""

from __future__ import annotations

import html
import random
import re

import pytest
from lxml import html as lxml_html

from assistant.ui.source_sections import section_html

TEXT = """## 充电 Charging

充满电需要90分钟，见 `USB-C` & <b>说明</b> __init__。

- 一 **请勿** 高温
  接着说
  1. 里面
- 二

| 电量 | 时间 |
| --- | --- |
| 50% | 40 `min` |

> 引用
> 两行

```bash
aurora --battery <script>

echo "#"
```

# 末尾"""
SPACES = re.compile(r"\s+")


def shown(markup: str, path: str = "//text()") -> list[str]:
    return [str(each) for each in lxml_html.fromstring(f"<div>{markup}</div>").xpath(path)]


def test_each_form_is_rendered() -> None:
    found = section_html(TEXT, [], "md")
    assert "<h4>充电 Charging</h4>" in found
    assert (
        "<p>充满电需要90分钟，见 <code>USB-C</code> &amp; &lt;b&gt;说明&lt;/b&gt; __init__。</p>"
        in found
    )
    assert (
        "<ul><li>一 <strong>请勿</strong> 高温<br>接着说<ol><li>里面</li></ol></li><li>二</li></ul>"
        in found
    )
    assert '<tr><th scope="col">电量</th><th scope="col">时间</th></tr>' in found
    assert "<tr><td>50%</td><td>40 <code>min</code></td></tr>" in found
    assert "<blockquote>引用<br>两行</blockquote>" in found
    code = "aurora --battery &lt;script&gt;\n\necho &quot;#&quot;"
    assert f'<pre tabindex="0"><code>{code}</code></pre>' in found
    assert "<h3>末尾</h3>" in found


def test_plain_text_stays_as_it_was_set() -> None:
    text = "# no heading\n- no item\n  **stars** <b>"
    assert section_html(text, [(2, 4)], "txt") == (
        '<div class="text"># <mark>no</mark> heading\n- no item\n  **stars** &lt;b&gt;</div>'
    )


@pytest.mark.parametrize("seed", range(60))
def test_marks_are_exactly_the_marked_words(seed: int) -> None:
    """Wherever a mark begins and ends, across whatever forms: what is marked is the marked text,
    but for the signs that make the forms."""
    chance = random.Random(seed)
    cuts = sorted(chance.sample(range(len(TEXT) + 1), 4))
    marks = [(cuts[0], cuts[1]), (cuts[2], cuts[3])]
    found = section_html(TEXT, marks, "md")
    lxml_html.fromstring(f"<div>{found}</div>")  # well nested for a strict reader, too
    marked = "".join(shown(found, "//mark//text()"))
    letters = re.compile(r"[^\w]")
    forms = re.compile(r"^```\w*|^\s*1\.|`", re.M)
    told = {
        place: char for begin, end in marks for place, char in enumerate(TEXT[begin:end], begin)
    }
    hidden = {place for form in forms.finditer(TEXT) for place in range(*form.span())}
    kept = "".join(char for place, char in sorted(told.items()) if place not in hidden)
    assert letters.sub("", marked) == letters.sub("", kept)


HOSTILE = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "![a](https://evil.example/x.png)",
    "[a](javascript:alert(1))", "<https://evil.example>", "`<b>`", "| <i> | </td> |",
    "- <li>", "> <blockquote>", "```html\n<script>\n```", "# <h1>", "&lt;script&gt;",
    "</div></main>",
    "<svg/onload=alert(1)>", "a\x00b", "```", "|||", "- ", "**", "`" * 50, "1. " * 40, ">" * 40,
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("kind", ["md", "html", "txt", "pdf"])
def test_nothing_of_a_document_is_html(text: str, kind: str) -> None:
    found = section_html(text, [(0, 3), (4, len(text))], kind)
    tags = set(re.findall(r"<(/?[a-z0-9]+)", found))
    known = {"p", "ul", "ol", "li", "br", "code", "pre", "table", "tr", "td", "th", "div"}
    known |= {"mark", "strong", "blockquote", "h3", "h4", "h5", "h6"}
    assert {tag.strip("/") for tag in tags} <= known
    assert not re.search(r"<[^>]*\b(?:href|src|on\w+|style)\s*=", found)
    if kind == "txt":
        assert html.unescape(re.sub(r"</?(?:mark|div)[^>]*>", "", found)) == text


def test_long_runs_of_signs_take_no_time() -> None:
    """Each was quadratic or worse in one reader of Markdown or another."""
    for text in ("`a " * 20_000, "**a " * 20_000, "| " * 40_000, "- " * 40_000, "> " * 40_000):
        assert len(section_html(text, [], "md")) > 100
