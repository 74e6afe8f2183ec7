"""The head of the pages and what else stands around Gradio's part: for whom, in which language and
colours, and harmless whatever a name or a state says."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import FastAPI
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.testclient import TestClient

from assistant.ui.head import PAGES, Heads, Looker, header_html, notices, page_at
from assistant.ui.looks import cookies_of, root_attributes, scheme
from assistant.ui.shell import Frame, Shell
from assistant.ui.status import State
from assistant.ui.visitor import Visitors
from assistant.users.identity import Identity, Role

READY = [State("聊天模型", "就绪", True), State("长期记忆", "就绪", True)]
LOADING = [State("聊天模型", "下载中 43% <b>", False), State("长期记忆", "就绪", True)]
FAILED = [State("聊天模型", "文件 <x> 无法下载。\n请手动放到 /models。" + "。" * 40, False)]
EVIL = '"><img src=x onerror=alert(1)>'


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(content)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


def test_the_head_shows_states_until_all_are_ready() -> None:
    loading = header_html("chat", LOADING, Looker("zh"))
    assert "聊天模型: 下载中 43% &lt;b&gt;" in loading
    assert 'role="alert"' not in loading
    failed = header_html("knowledge", FAILED, Looker("zh"))
    assert 'role="alert"' in failed
    assert "<x>" not in failed
    ready = header_html("chat", READY, Looker("en"))
    assert "Ready" in ready
    assert notices(READY) == ""


@pytest.mark.parametrize(("key", "path"), PAGES)
def test_the_head_says_which_page_it_is(key: str, path: str) -> None:
    links = Tags(header_html(key, READY, Looker("en"))).all("a")
    assert [link["href"] for link in links if "aria-current" in link] == [path]
    assert page_at(path) == key
    assert page_at(f"{path}/") == key


def test_each_language_leads_to_the_other_by_its_own_name() -> None:
    english = header_html("chat", READY, Looker("en"))
    assert re.search(r'data-language="zh" lang="zh-CN">中文</button>', english)
    chinese = header_html("chat", READY, Looker("zh"))
    assert re.search(r'data-language="en" lang="en">English</button>', chinese)
    pressed = [b for b in Tags(chinese).all("button") if b.get("aria-pressed") == "true"]
    assert [b.get("data-language") or b.get("data-theme-choice") for b in pressed] == ["zh", "auto"]


def test_who_is_logged_in_can_log_out() -> None:
    local = header_html("chat", READY, Looker("en"))
    assert "/logout" not in local
    someone = Identity(EVIL, Role.EDITOR, "session")
    session = header_html("chat", READY, Looker("en", someone))
    assert Tags(session).all("form") == [{"method": "post", "action": "/logout"}]
    assert Tags(session).all("img") == []
    assert "editor" in session
    proxied = header_html("chat", READY, Looker("en", Identity("li", Role.READER, "proxy")))
    assert "/logout" not in proxied
    assert "li" in proxied


def test_the_guide_is_offered_until_it_was_seen() -> None:
    assert 'class="hello"' in header_html("chat", READY, Looker("zh"))
    assert 'class="hello"' not in header_html("guide", READY, Looker("zh"))
    seen = Looker("zh", cookies={"guide": "seen"})
    assert 'class="hello"' not in header_html("chat", READY, seen)


@pytest.mark.parametrize(
    ("cookie", "found"),
    [("theme=dark", "dark"), ("theme=light", "light"), ("theme=" + EVIL, "auto"), ("", "auto")],
)
def test_only_known_colours_are_taken(cookie: str, found: str) -> None:
    cookies = cookies_of({"cookie": cookie})
    assert scheme(cookies) == found
    assert "<" not in root_attributes("zh", cookies)


PAGE = """<!doctype html>
<html
	lang="en"
	style="margin: 0">
	<head>
		<meta charset="utf-8" />
		<meta
			property="og:image"
			content="https://elsewhere.example/picture.jpg"
		/>
		<meta name="twitter:title" content="Gradio" />
		<script>window.gradio_config = {"title": "<body>", "lang": "en"};</script>
	</head>
	<body
		style="margin: 0"
	>
		<gradio-app control_page_title="true" embed="false"></gradio-app>
	</body>
</html>
"""


def framed(_: Request) -> Frame:
    return Frame("zh", "对话 · 知识库助手", '<div id="head">头</div>')


@pytest.fixture
def client() -> TestClient:
    app = FastAPI(middleware=[Middleware(Shell, framing=framed)])
    app.add_api_route("/", lambda: HTMLResponse(PAGE))
    app.add_api_route("/other", lambda: HTMLResponse("<html lang='en'><p>other</p></html>"))
    app.add_api_route("/text", lambda: PlainTextResponse("<gradio-app"))
    app.add_api_route("/missing", lambda: HTMLResponse("<gradio-app", 404))
    return TestClient(app)


def test_gradios_page_is_completed(client: TestClient) -> None:
    answer = client.get("/", headers={"cookie": "theme=dark"})
    page = answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    tags = Tags(page)
    [root] = tags.all("html")
    assert (root["lang"], root["data-theme"], root["style"]) == ("zh-CN", "dark", "margin: 0")
    assert "<title>对话 · 知识库助手</title>" in page
    assert "elsewhere.example" not in page
    assert page.index('<div id="head">') < page.index("<gradio-app")
    assert page.index("--accent:") < page.index("window.gradio_config")
    assert page.index("matchMedia") < page.index("window.gradio_config")
    assert 'window.gradio_config = {"title": "<body>", "lang": "en"}' in page
    assert 'control_page_title="false"' in page
    assert "no-store" in answer.headers["cache-control"]


@pytest.mark.parametrize("path", ["/other", "/text", "/missing"])
def test_all_else_passes_as_it_is(client: TestClient, path: str) -> None:
    assert "head" not in client.get(path).text
    assert client.head("/").status_code == 405


class FakeStatus:
    is_ready = True
    watched = 0

    def states(self, language: str) -> list[State]:
        return FAILED if language == "en" else READY

    def watch(self) -> None:
        self.watched += 1


def test_the_states_are_told_to_pages_that_ask() -> None:
    status = FakeStatus()
    heads = Heads(cast(Any, status), Visitors("auto"))
    app = FastAPI()
    app.include_router(heads.router())
    client = TestClient(app)
    ready = client.get("/head", headers={"accept-language": "zh"}).json()
    assert (ready["ready"], ready["notices"]) == (True, "")
    assert "就绪" in ready["states"]
    failed = client.get("/head", headers={"cookie": "language=en", "accept-language": "zh"}).json()
    assert 'role="alert"' in failed["notices"]
    assert status.watched == 2


def test_a_page_is_framed_for_who_asks() -> None:
    heads = Heads(cast(Any, FakeStatus()), Visitors("en"))
    scope = {"type": "http", "method": "GET", "path": "/memory", "headers": [], "query_string": b"",
             "server": ("x", 80), "scheme": "http",
             "state": {"identity": Identity("li", Role.READER, "session")}}  # fmt: skip
    frame = heads.frame(Request(scope))
    assert frame.title == "Memory · Knowledge Assistant"
    assert "<strong>li</strong> · reader" in frame.head


@pytest.mark.parametrize(
    ("setting", "cookie", "accept", "language"),
    [
        ("auto", "", "zh-CN", "zh"),
        ("auto", "language=en", "zh-CN", "en"),
        ("zh", "language=en", "zh-CN", "en"),
        ("zh", "", "en", "zh"),
        ("auto", "language=fr", "en", "en"),
        ("auto", 'language="zh"', "en", "zh"),
        ("auto", 'a=\x00;;; ={}; b={"x": [1]}; language=en', "zh", "en"),
    ],
)
def test_the_chosen_language_comes_first(
    setting: str, cookie: str, accept: str, language: str
) -> None:
    request = SimpleNamespace(headers={"cookie": cookie, "accept-language": accept})
    assert Visitors(setting).language(cast(Any, request)) == language
