"""The whole app with users, over real HTTP: each role at each route and each handler of the pages,
and what one user may see of another."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from argon2 import PasswordHasher

from assistant.knowledge.catalogue import ATTACHED
from assistant.memory.address import RedisAddress
from assistant.memory.long_term import LongTermMemory
from assistant.memory.records import Turn, text_parts
from assistant.settings import Settings
from assistant.users.accounts import Account, Accounts
from assistant.users.identity import Role
from assistant.users.keys import add_key
from tests.browser import App, running_app
from tests.gradio_clicks import API, Page, clicks_on, file_data
from tests.openai_server import OpenAIServer, Reply, openai_server
from tests.waiting import wait_for

GOOD = "four words make one"
USERS = {"wang": Role.READER, "li": Role.EDITOR, "root": Role.ADMIN, "zhao": Role.READER}
SECRET = "石榴暗号七四一九"
CONVERSATION = "a1b2c3d4e5f60718293a4b5c6d7e8f90"


@dataclass
class Site:
    """The running app, its users and what they own."""

    app: App
    folder: Path
    keys: dict[str, str]
    model: OpenAIServer

    @contextmanager
    def visitor(self, **headers: str) -> Iterator[httpx.Client]:
        with httpx.Client(base_url=self.app.url, headers=headers, timeout=60) as client:
            yield client

    @contextmanager
    def page(self, user: str) -> Iterator[Page]:
        with self.visitor() as client:
            answer = client.post("/login", data={"name": user, "password": GOOD})
            assert answer.status_code == 303
            yield Page(client)

    def audited(self, user: str) -> list[str]:
        file = self.folder / "logs" / "audit.jsonl"
        lines = [json.loads(line) for line in file.read_text("utf-8").splitlines()]
        return [line["action"] for line in lines if line["user"] == user]

    def memory(self) -> tuple[RedisAddress, LongTermMemory]:
        address = RedisAddress(Settings.load({"DATA_DIR": str(self.folder)}, None))
        return address, LongTermMemory(address.url)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("data")
    accounts, hasher = Accounts(folder), PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
    for name, role in USERS.items():
        accounts.add(Account(name, role, hasher.hash(GOOD)))
    keys = {name: add_key(accounts, name, "test") for name in USERS}
    with openai_server() as model:
        given = {"CHAT_MODEL": "vllm:test", "VLLM_BASE_URL": model.url, "GRACE_SECONDS": "30"}
        with running_app(DATA_DIR=folder, AUTH="users", **given) as app:
            found = Site(app, folder, keys, model)
            _ = app.url
            model.replies += [Reply(("好。",))] * 2000
            store_turn(found, "li")
            wait_for_the_sample(found)
            yield found


def wait_for_the_sample(site: Site) -> None:
    """So that nothing but what the tests do changes the library."""
    marker = site.folder / "sample-added"
    wait_for(marker.exists, 240, told=lambda: site.app.said)


def store_turn(site: Site, user: str) -> None:
    address, memory = site.memory()
    turn = Turn("t1", text_parts(f"{SECRET}是什么？"), f"{SECRET}。", f"{SECRET}是什么？", 1.0)
    memory.add(user, CONVERSATION, turn, np.ones(384, dtype=np.float32), text=turn.text)
    memory.close()
    address.close()


@pytest.fixture(scope="module")
def handlers(site: Site) -> list[dict[str, Any]]:
    """Every handler of every page that the server has."""
    with site.page("root") as page:
        found = [each for each in page.config()["dependencies"] if each["backend_fn"]]
    assert len(found) > 25
    return found


#: What a handler may be given for any input; "file" is one that was uploaded.
FILLERS: tuple[Any, ...] = ("file",)
MORE: tuple[Any, ...] = (
    None, "1", 1, True, CONVERSATION, "default", ["1"], {"do": "delete"}, "http://127.0.0.1:9/",
)  # fmt: skip


def test_no_handler_without_a_login(
    site: Site, handlers: list[dict[str, Any]], record_property: Any
) -> None:
    codes = []
    with site.visitor() as client:
        page = Page(client)
        for each in handlers:
            codes.append(page.join(each["id"], [None] * len(each["inputs"])).status_code)
            body = {"data": [], "fn_index": each["id"], "session_hash": page.session}
            codes.append(client.post(f"{API}/run/x", json=body).status_code)
    print(f"handlers without a login: tried {len(codes)}, passed {len(codes) - codes.count(401)}")
    record_property("tried", len(codes))
    assert set(codes) == {401}


@pytest.mark.heavy
@pytest.mark.parametrize("user", ["wang", "li", "root"])
def test_every_handler_answers_every_role(
    site: Site, handlers: list[dict[str, Any]], user: str
) -> None:
    """A refusal is told on the page, and is no fault of the program."""
    before = len(site.app.said)
    with site.page(user) as page:
        said = page.click_all(clicks_on(handlers, None))
    assert said.count('"process_completed"') == len(handlers)
    assert "AccessDenied" not in site.app.said[before:]
    assert "LoginRequired" not in site.app.said[before:]


def library(site: Site) -> tuple[Any, ...]:
    """What an editor may change, as an administrator sees it."""
    with site.visitor(authorization=f"Bearer {site.keys['root']}") as client:
        collections = client.get("/api/v1/collections")
        sources = client.get("/api/v1/collections/default/sources")
        assert (collections.status_code, sources.status_code) == (200, 200)
    followed = site.folder / "sources.toml"
    own = sorted((site.folder / "uploads").glob(f"[!{ATTACHED[0]}]*"))  # others are of a chat
    uploads = [str(path) for folder in own for path in sorted(folder.rglob("*"))]
    told = followed.read_text("utf-8") if followed.exists() else ""
    return collections.json(), sources.json(), told, uploads


@pytest.mark.parametrize(
    "fillers", [FILLERS, pytest.param(MORE, marks=pytest.mark.heavy)], ids=["few", "many"]
)
def test_a_reader_changes_nothing_of_the_library(
    site: Site, handlers: list[dict[str, Any]], fillers: tuple[Any, ...]
) -> None:
    before = library(site)
    assert before[1], "there is the sample to lose"
    tried = 0
    event = {"do": "delete", "name": "x", "value": "1", "index": [0, 0], "id": 1}
    with site.page("wang") as page:
        uploaded = file_data(page.upload("a.md", b"# A\n\nbananas").json()[0], "a.md")
        for filler in fillers:
            given = [uploaded] if filler == "file" else filler
            page.click_all(clicks_on(handlers, given, event_data=event))
            tried += len(handlers)
    print(f"library as a reader: tried {tried}")
    assert library(site) == before
    assert [what for what in site.audited("wang") if what.startswith("library")] == []


def administered(site: Site) -> tuple[Any, ...]:
    """What administrators alone may change."""
    accounts = Accounts(site.folder).all().values()
    users = [(each.name, each.role, each.disabled, each.password, each.stamp) for each in accounts]
    prompts = sorted(str(path) for path in (site.folder / "prompts").rglob("*"))
    return users, prompts


@pytest.mark.parametrize("user", ["wang", "li"])
def test_users_and_prompts_are_for_administrators_alone(
    site: Site, handlers: list[dict[str, Any]], user: str
) -> None:
    before = administered(site)
    event = {"do": "user", "value": "root", "index": [0, 0]}
    with site.page(user) as page:
        of_page = page.config()["page"]["admin"]["dependencies"]
        tried = [each for each in handlers if each["id"] in of_page]
        said = page.click_all(clicks_on(tried, "root", event_data=event))
    print(f"users and prompts as {user}: tried {len(tried)}")
    assert len(tried) > 20
    assert "zhao" not in said, "nor do they see who else there is"
    assert administered(site) == before
    done = site.audited(user)
    assert not any(what.startswith(("users", "prompts", "collection.owner")) for what in done)


def test_a_reader_changes_nothing_through_the_interface_either(site: Site) -> None:
    before = library(site)
    of_default = "/api/v1/collections/default/sources"
    with site.visitor(authorization=f"Bearer {site.keys['wang']}") as client:
        answers = [
            client.post(f"{of_default}/urls", json={"urls": ["https://example.org/"]}),
            client.post(f"{of_default}/files", files={"files": ("a.md", b"# A")}),
            client.delete("/api/v1/sources/1"),
        ]
    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert library(site) == before


def test_a_conversation_is_its_owners_alone(site: Site, handlers: list[dict[str, Any]]) -> None:
    tried, told = 0, []
    event = {"do": "open", "name": CONVERSATION, "id": CONVERSATION, "value": CONVERSATION}
    with site.page("zhao") as page:
        said = page.click_all(clicks_on(handlers, CONVERSATION, event_data=event))
        tried += len(handlers)
        if SECRET in said or json.dumps(SECRET)[1:-1] in said:
            told.append(said)
        for path in (
            f"/?c={CONVERSATION}",
            f"/conversation/{CONVERSATION}/export",
            f"/conversation/{CONVERSATION}/export?format=json",
            f"/api/v1/conversations/{CONVERSATION}",
            "/api/v1/conversations",
            "/memory/export",
        ):
            for headers in ({}, {"authorization": f"Bearer {site.keys['zhao']}"}):
                tried += 1
                if SECRET in page.client.get(path, headers=headers).text:
                    told.append(path)
    print(f"another's conversation: tried {tried}, told {len(told)}")
    assert told == []
    address, memory = site.memory()
    assert memory.open("li", CONVERSATION).turns, "and it is still there"
    assert not memory.open("zhao", CONVERSATION).turns
    memory.close()
    address.close()
    with site.page("li") as page:
        assert SECRET in page.client.get("/memory/export").text


CLOSED = (
    "call/x", "call/v2/x", "run/x", "api/x", "call/x/y", "component_server", "component_server/",
    "file=/etc/passwd", "file=http://127.0.0.1:1/", "file=https://example.org/", "file/etc/passwd",
    "proxy=http://127.0.0.1:1/", "proxy=https://example.org/", "deep_link?session_hash=x",
    "dev/reload", "token", "token/", "user", "user/", "login_check", "monitoring", "runs", "runs/",
    "process_recording", "vibe-edit/", "vibe-edit", "vibe-code/", "vibe-code", "undo-vibe-edit/",
    "vibe-starter-queries/", "run-history/connect", "run-history/buckets", "run-history/records",
    "stream/x", "stream/x/close", "stream/x/y/1/playlist.m3u8", "openapi.json", "mcp", "mcp/sse",
    "custom_component/x/client/component/index.js", "reset/", "queue/join/", "cancel/x", "upload/",
    "heartbeat/", "heartbeat/a/b/../c", "profiling/traces", "profiling/summary",
)  # fmt: skip
#: Of Gradio, outside of its own folder.
CLOSED_TOP = (
    "/monitoring", "/monitoring/summary", "/monitoring/x", "/svelte/x", "/pwa_icon", "/docs",
    "/redoc", "/openapi.json", "/login_check", "/token", "/app_id", "/queue/join", "/queue/data",
    "/upload", "/file=/etc/passwd", "/run/x", "/call/x", "/gradio_api", "/gradio_api/",
    "/gradio_api/gradio_api/file=/etc/passwd", "//gradio_api/file=/etc/passwd",
)  # fmt: skip


@pytest.mark.parametrize("tried", [3 * (len(CLOSED) + len(CLOSED_TOP))], ids=lambda n: f"{n}-tried")
def test_what_gradio_brings_and_the_pages_do_not_need_is_closed(site: Site, tried: int) -> None:
    passed = []
    with site.page("root") as page:
        for path in (*(f"{API}/{each}" for each in CLOSED), *CLOSED_TOP):
            for method in ("GET", "POST", "DELETE"):
                tried -= 1
                answer = page.client.request(method, path, json={} if method == "POST" else None)
                if answer.status_code not in (404, 405):
                    passed.append((method, path, answer.status_code))
    assert passed == []
    assert tried == 0


def traversals(folder: Path) -> list[str]:
    targets = [folder / "users.json", folder / "knowledge.db", "/etc/passwd", "/proc/self/environ"]
    found = []
    for target in map(str, targets):
        plain = target.lstrip("/")
        up, coded = "../" * 12 + plain, "%2e%2e%2f" * 12 + plain
        found += [
            f"{API}/file={target}", f"{API}/file={up}", f"{API}/file={coded}",
            f"{API}/file=%2f{plain}", f"{API}/file=/{target}", f"{API}/file=file://{target}",
            f"/static/{up}", f"/static/{coded}", f"/static/%2f{plain}", f"/static//{plain}",
            f"/assets/{up}", f"/assets/{coded}", f"/assets/..%5c..%5c{plain}", f"/assets/{target}",
            f"/source/{up}", f"/source/1/{coded}", f"/source/1%2f..%2f{up}", f"/theme.css/{up}",
            f"/conversation/{coded}/export", f"/conversation/{up}/export", f"/?deep_link={up}",
            f"/api/v1/sources/{coded}", f"/api/v1/sources/{target}", f"/login/{up}",
            f"/.{target}", f"/..;/{plain}", f"/{coded}", f"/config/{up}", f"/favicon.ico/{up}",
        ]  # fmt: skip
    return found


#: Of the files above.
MARKS = (b"$argon2id$", b"root:x:0", b"SQLite format 3", b"\0PATH=")


def test_no_route_serves_a_file_that_it_should_not(site: Site) -> None:
    paths = traversals(site.folder)
    leaked = []
    with site.page("root") as page:
        for path in paths:
            request = page.client.build_request("GET", "/")
            # As it is: the client would tidy the path.
            request.url = request.url.copy_with(raw_path=path.encode("ascii"))
            answer = page.client.send(request)
            if any(mark in answer.content for mark in MARKS):
                leaked.append(path)
    print(f"traversal: tried {len(paths)}, passed {len(leaked)}")
    assert leaked == []


def test_an_uploaded_file_is_its_owners_alone(site: Site, handlers: list[dict[str, Any]]) -> None:
    content = "这份文件是李的。".encode()
    with site.page("li") as li, site.page("zhao") as zhao:
        [path] = li.upload("li.txt", content).json()
        assert Path(path).is_relative_to(site.folder), "not where others on the machine look"
        assert li.client.get(f"{API}/file={path}").content == content
        for variant in (path, f"/{path}", path.replace("/li.txt", "//li.txt"), f"{path}/"):
            assert zhao.client.get(f"{API}/file={variant}").status_code == 404
        for each in handlers:
            data = [[file_data(path)] for _ in each["inputs"]]
            if data:
                assert zhao.join(each["id"], data).status_code == 404
        [same] = zhao.upload("li.txt", content).json()
        assert same == path, "the same file is one file"
        assert zhao.client.get(f"{API}/file={path}").content == content


def test_a_pages_session_is_its_owners_alone(site: Site, handlers: list[dict[str, Any]]) -> None:
    fn = handlers[0]
    data = [None] * len(fn["inputs"])
    with site.page("li") as li, site.page("zhao") as zhao:
        li.click(fn["id"], data)
        event = li.join(fn["id"], data).json()["event_id"]
        thief = Page(zhao.client, li.session)
        cancel = {"session_hash": li.session, "fn_index": fn["id"], "event_id": event}
        codes = [
            thief.join(fn["id"], data).status_code,
            thief.client.get(f"{API}/queue/data?session_hash={li.session}").status_code,
            thief.client.get(f"{API}/heartbeat/{li.session}").status_code,
            thief.client.post(f"{API}/cancel", json=cancel).status_code,
            thief.client.post(
                f"{API}/cancel", json=cancel | {"session_hash": zhao.session}
            ).status_code,
            thief.client.post(f"{API}/reset", json=cancel).status_code,
        ]
        assert codes == [404] * 6
        assert li.client.post(f"{API}/cancel", json=cancel).status_code == 200


def test_a_click_that_is_none_is_refused(site: Site) -> None:
    with site.page("zhao") as page:
        for body in (b"", b"[]", b"{", b"null", b'{"session_hash": 1}', b"[" * 100_000):
            answer = page.client.post(f"{API}/queue/join", content=body)
            assert answer.status_code == 404, body[:20]
        huge = page.client.post(f"{API}/queue/join", content=b" " * (33 * 2**20))
        assert huge.status_code == 413


def pieces(site: Site) -> set[str]:
    """The files of uploads that are not whole yet."""
    return {path.name for path in (site.folder / "cache" / "page").glob("tmp*")}


def claimed(url: str, client: httpx.Client) -> int:
    """The status of an upload that says it has a terabyte."""
    host, port = url.removeprefix("http://").split(":")
    with closing(HTTPConnection(host, int(port), timeout=60)) as connection:
        connection.putrequest("POST", f"{API}/upload")
        connection.putheader("Cookie", f"assistant_session={client.cookies['assistant_session']}")
        connection.putheader("Content-Type", "multipart/form-data; boundary=x")
        connection.putheader("Content-Length", str(10**12))
        connection.endheaders()
        return connection.getresponse().status


def test_an_upload_is_bounded_in_number_and_size(site: Site) -> None:
    with site.page("zhao") as page:
        page.client.headers["accept-language"] = "zh-CN"
        kept = pieces(site)
        files = [("files", (f"{n}.txt", b"x")) for n in range(1001)]
        many = page.client.post(f"{API}/upload", files=files)
        assert many.status_code == 400
        assert "1000" in many.text and "文件" in many.text
        assert claimed(site.app.url, page.client) == 413
        assert pieces(site) == kept, "what came of it is cleared away"


ROUTES = (
    ("GET", "/", Role.READER), ("GET", "/knowledge", Role.READER), ("GET", "/memory", Role.READER),
    ("GET", "/status", Role.READER), ("GET", "/guide", Role.READER), ("GET", "/head", Role.READER),
    ("GET", "/admin", Role.READER),
    ("GET", "/account", Role.READER), ("GET", "/memory/export", Role.READER),
    ("GET", "/api/v1/collections", Role.READER), ("GET", "/api/v1/sources/1", Role.READER),
    ("GET", "/v1/models", Role.READER), ("GET", "/metrics", Role.ADMIN),
)  # fmt: skip


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route[0]} {route[1]}")
def test_each_role_at_each_route(site: Site, route: tuple[str, str, Role]) -> None:
    method, path, needed = route
    for user, role in USERS.items():
        if path.startswith(("/api", "/v1", "/metrics")):
            client = site.visitor(authorization=f"Bearer {site.keys[user]}")
        else:
            client = site.visitor()
        with client as opened:
            if "authorization" not in opened.headers:
                opened.post("/login", data={"name": user, "password": GOOD})
            code = opened.request(method, path).status_code
        assert (code == 403) == (role < needed), (user, code)
        assert code not in (401, 500)
    with site.visitor() as nobody:
        assert nobody.request(method, path).status_code == 401


def test_no_secret_is_in_a_page_or_in_the_log(site: Site) -> None:
    with site.page("root") as page:
        pages = [page.client.get(path).text for path in ("/", "/knowledge", "/memory", "/status")]
        token = page.client.cookies["assistant_session"]
    kept = [*pages, site.app.said, (site.folder / "logs" / "audit.jsonl").read_text("utf-8")]
    for secret in (GOOD, token, *site.keys.values(), "argon2"):
        assert not any(secret in text for text in kept)
