"""The gate, the login and the account page over real HTTP, around an app that tells who asked."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI, Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from assistant.settings import Settings
from assistant.ui import gate
from assistant.ui.doors import add_gate
from assistant.ui.gate import COOKIE, SECURE_COOKIE
from assistant.ui.login import place_within
from assistant.ui.security import SecurityHeaders
from assistant.ui.visitor import Visitors
from assistant.users import passwords
from assistant.users.access import Access
from assistant.users.accounts import Account, Accounts
from assistant.users.attempts import Attempts
from assistant.users.audit import Audit
from assistant.users.identity import Role
from assistant.users.keys import add_key
from tests.web_app import served_app

GOOD = "four words make one"
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
PAGE = {"accept": "text/html,application/xhtml+xml"}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
PATHS = (
    "/", "/knowledge", "/memory", "/status", "/head", "/account", "/account/keys", "/source/1",
    "/source/1/original", "/source/1/page/1.png", "/memory/export", "/conversation/1/export",
    "/v1/models", "/v1/chat/completions", "/api/v1/search", "/api/openapi.json", "/config",
    "/theme.css", "/assets/index.js", "/gradio_api/queue/join", "/gradio_api/queue/data",
    "/gradio_api/upload", "/gradio_api/file=/etc/passwd", "/gradio_api/info", "/gradio_api/run/x",
    "/gradio_api/heartbeat/abc", "/gradio_api/component_server", "/healthz/x", "/readyz/..;/",
    "/loginx", "//login", "/login%00", "/Login", "/.well-known/x", "/login/../knowledge",
)  # fmt: skip


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(passwords, "_hasher", lambda: QUICK)
    monkeypatch.setattr(passwords, "_nobodys", lambda: QUICK.hash("nobody"))


@dataclass
class Site:
    """The app, its address and its data."""

    url: str
    folder: Path
    access: Access

    @property
    def audited(self) -> list[dict[str, Any]]:
        text = (self.folder / "logs" / "audit.jsonl").read_text("utf-8")
        return [json.loads(line) for line in text.splitlines()]

    def visitor(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=self.url, headers={"accept-language": "en", **headers})

    @contextmanager
    def logged_in(self, name: str = "li") -> Iterator[httpx.Client]:
        with self.visitor() as client:
            answer = client.post("/login", data={"name": name, "password": GOOD})
            assert answer.status_code == 303
            yield client


def echo() -> FastAPI:
    """Says who asked."""
    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    async def stream() -> Response:
        async def pieces() -> Any:
            for number in range(200):
                yield f"data: {number}\n\n"
                await asyncio.sleep(0.05)

        return StreamingResponse(pieces(), media_type="text/event-stream")

    async def who(request: Request, path: str) -> Response:
        found = getattr(request.state, "identity", None)
        told = {"user": found.user, "role": found.role.word, "way": found.way} if found else None
        asked = {name: value for name, value in request.headers.items() if "forwarded" in name}
        return JSONResponse({"who": told, "scheme": request.url.scheme, "forwarded": asked})

    app.add_api_route("/stream", stream, methods=["GET"])
    app.add_api_route("/{path:path}", who, methods=list(METHODS))
    return app


@contextmanager
def site(folder: Path, **given: object) -> Iterator[Site]:
    values = {"DATA_DIR": folder, "AUTH": "users"} | given
    settings = Settings.load({name: str(value) for name, value in values.items()}, None)
    access = Access(settings, Audit(settings.log_dir))
    app, inner = FastAPI(docs_url=None, redoc_url=None, openapi_url=None), echo()
    add_gate(app, access, Visitors("auto", is_open=access.way.is_open), settings)
    app.add_middleware(SecurityHeaders)
    app.mount("/", inner)
    with served_app(app) as url:
        yield Site(url, folder, access)


def add_users(folder: Path) -> None:
    accounts = Accounts(folder)
    for name, role in (("li", Role.EDITOR), ("wang", Role.READER), ("root", Role.ADMIN)):
        accounts.add(Account(name, role, QUICK.hash(GOOD)))


@pytest.fixture
def users(tmp_path: Path) -> Path:
    add_users(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One server for most tests; its data are made anew for each."""
    folder = tmp_path_factory.mktemp("data")
    add_users(folder)
    with site(folder) as opened:
        yield opened


@pytest.fixture
def closed(shared: Site) -> Site:
    for part in ("sessions", "logs"):
        shutil.rmtree(shared.folder / part, ignore_errors=True)
    (shared.folder / "users.json").unlink()
    add_users(shared.folder)
    shared.access.attempts = Attempts()
    return shared


@pytest.mark.parametrize("tried", [len(METHODS) * len(PATHS)], ids=lambda n: f"{n}-tried")
def test_nobody_passes_without_a_login(closed: Site, tried: int) -> None:
    passed = []
    with closed.visitor() as client:
        for method in METHODS:
            for path in PATHS:
                answer = client.request(method, path)
                tried -= 1
                if answer.status_code not in (401, 404, 405) or "who" in answer.text:
                    passed.append((method, path, answer.status_code))
                if answer.status_code == 401 and method != "HEAD":
                    assert answer.json()["error"]["code"] == "login"
    assert passed == []
    assert tried == 0


FAKES = (
    {"cookie": f"{COOKIE}=made-up"},
    {"cookie": f"{COOKIE}=../../users"},
    {"cookie": f"{SECURE_COOKIE}=made-up"},
    {"cookie": "access-token=1; user=root; identity=root"},
    {"authorization": "Bearer kb-00000000-made-up"},
    {"authorization": "Bearer"},
    {"authorization": "Basic cm9vdDpyb290"},
    {"x-forwarded-user": "root"},
    {"remote-user": "root"},
    {"x-user": "root", "x-role": "admin"},
    {"x-forwarded-for": "127.0.0.1"},
    {"x-original-url": "/login"},
    {"x-rewrite-url": "/healthz"},
    {"x-http-method-override": "OPTIONS"},
    {"host": "localhost"},
    {"host": "login"},
)


@pytest.mark.parametrize("tried", [len(FAKES) * len(PATHS)], ids=lambda n: f"{n}-tried")
def test_no_header_makes_somebody_of_nobody(closed: Site, tried: int) -> None:
    with closed.visitor() as client:
        answers = [client.get(path, headers=fake) for fake in FAKES for path in PATHS]
    assert len(answers) == tried
    assert [a.request.url for a in answers if a.status_code not in (401, 404, 405)] == []


def test_what_is_open_tells_nothing_of_anybody(closed: Site) -> None:
    with closed.visitor() as client:
        for path in gate.WATCHED:
            assert client.get(path).json()["who"] is None


def test_a_page_leads_to_the_login_and_back(closed: Site) -> None:
    with closed.visitor() as client:
        answer = client.get("/knowledge?source=3&x=a%20b", headers=PAGE)
        assert answer.status_code == 303
        assert answer.headers["location"] == "/login?next=%2Fknowledge%3Fsource%3D3%26x%3Da%2520b"
        page = client.get(answer.headers["location"])
        assert 'value="/knowledge?source=3&amp;x=a%20b"' in page.text
        fields = {"name": "li", "password": GOOD, "next": "/knowledge?source=3"}
        back = client.post("/login", data=fields)
        assert (back.status_code, back.headers["location"]) == (303, "/knowledge?source=3")
        assert client.get("/").json()["who"] == {"user": "li", "role": "editor", "way": "session"}
        assert client.get("/login?next=/memory").headers["location"] == "/memory"


@pytest.mark.parametrize(
    "place",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil", "javascript:x",
        "evil", "", "/\t/evil.example", "/\n/evil", "///evil", "/login", "/logout", "http:/x",
    ],
)  # fmt: skip
def test_the_login_leads_nowhere_else(place: str) -> None:
    assert place_within(place) == "/"


def test_the_login_page_in_both_languages_runs_nothing(closed: Site) -> None:
    for language, word in (("zh-CN", "用户名"), ("en-US", "Password")):
        with closed.visitor(**{"accept-language": language}) as client:
            answer = client.get("/login")
            assert word in answer.text
            assert f'lang="{language[:2]}' in answer.text
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy and "script" not in policy
            assert "unsafe" not in policy and "frame-ancestors 'none'" in policy
            assert "<script" not in answer.text and "http" not in answer.text
            assert answer.headers["cache-control"] == "no-store"


def test_a_name_with_markup_stays_text(closed: Site) -> None:
    with closed.visitor() as client:
        answer = client.post("/login", data={"name": '"><script>x</script>', "password": "x"})
    assert answer.status_code == 401
    assert "<script>" not in answer.text


def test_a_wrong_login_is_told_without_saying_what_was_wrong(closed: Site) -> None:
    with closed.visitor() as client:
        texts = {
            re.sub(r' (value="[^"]*"|autofocus)', "", client.post("/login", data=fields).text)
            for fields in (
                {"name": "li", "password": "wrong"},
                {"name": "nobody", "password": "wrong"},
                {"name": "", "password": ""},
                {},
            )
        }
        assert len(texts) == 1
        assert "not right" in texts.pop()
        assert client.get("/").status_code == 401


def test_brute_force_is_held_up(closed: Site) -> None:
    with closed.visitor() as client:
        answers = [
            client.post("/login", data={"name": "li", "password": f"guess {n}"}) for n in range(60)
        ]
        codes = [answer.status_code for answer in answers]
        assert codes.count(401) < 8
        assert codes.count(429) > 50
        assert int(answers[-1].headers["retry-after"]) >= 1
        right = client.post("/login", data={"name": "li", "password": GOOD})
        assert right.status_code == 429, "not even the right one, for now"


def test_many_guesses_at_once_are_held_up_too(closed: Site) -> None:
    codes: list[int] = []

    def guess(number: int) -> None:
        with closed.visitor() as client:
            data = {"name": "wang", "password": f"guess {number}"}
            codes.append(client.post("/login", data=data).status_code)

    threads = [threading.Thread(target=guess, args=(n,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(codes) == 24
    assert codes.count(401) <= 6


def test_the_cookie_is_for_this_app_alone(closed: Site) -> None:
    with closed.visitor() as client:
        answer = client.post("/login", data={"name": "li", "password": GOOD})
        [cookie] = answer.headers.get_list("set-cookie")
        assert re.match(rf"{COOKIE}=[\w-]{{43}}; ", cookie)
        assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(cookie.split("; "))
        assert "Domain" not in cookie and "Secure" not in cookie
        secure = client.post(
            "/login",
            data={"name": "li", "password": GOOD},
            headers={"x-forwarded-proto": "https", "x-forwarded-for": "203.0.113.9"},
        )
        [cookie] = secure.headers.get_list("set-cookie")
        assert re.match(rf"{SECURE_COOKIE}=[\w-]{{43}}; ", cookie)
        assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(cookie.split("; "))
    assert closed.audited[-1]["details"]["address"] == "203.0.113.9"


def test_a_planted_session_is_of_no_use(closed: Site) -> None:
    with closed.logged_in("wang") as attacker, closed.visitor() as victim:
        planted = attacker.cookies[COOKIE]
        fields = {"name": "li", "password": GOOD}
        victim.post("/login", data=fields, headers={"cookie": f"{COOKIE}={planted}"})
        assert victim.cookies[COOKIE] != planted
        assert victim.get("/").json()["who"]["user"] == "li"
        assert attacker.get("/").status_code == 401, "the planted session ended"
        made_up = closed.visitor(cookie=f"{COOKIE}=chosen-by-the-attacker")
        answer = made_up.post("/login", data={"name": "li", "password": GOOD})
        assert "chosen" not in answer.headers["set-cookie"]
        assert made_up.get("/").status_code == 401
        made_up.close()


CROSS = (
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "origin": "https://evil.example"},
    {"sec-fetch-site": "nonsense"},
    {"origin": "https://evil.example"},
    {"origin": "null"},
    {"origin": ""},
    {"origin": "http://127.0.0.1"},
    {"origin": "http://127.0.0.1:1"},
    {"origin": "https://{host}"},
    {"origin": "http://{host}.evil.example"},
    {"origin": "http://evil.example?{host}"},
    {"origin": "http://{host}@evil.example"},
)
CHANGES = ("POST", "PUT", "PATCH", "DELETE")
CHANGED = ("/", "/gradio_api/queue/join", "/gradio_api/upload", "/logout", "/account/password",
           "/account/keys", "/v1/chat/completions", "/login")  # fmt: skip


@pytest.mark.parametrize(
    "tried", [len(CROSS) * len(CHANGES) * len(CHANGED)], ids=lambda n: f"{n}-tried"
)
def test_another_sites_page_changes_nothing(closed: Site, tried: int) -> None:
    passed = []
    with closed.logged_in() as client:
        host = closed.url.removeprefix("http://")
        for fake in CROSS:
            headers = {name: value.format(host=host) for name, value in fake.items()}
            for method in CHANGES:
                for path in CHANGED:
                    answer = client.request(method, path, headers=headers)
                    tried -= 1
                    if answer.status_code != 403:
                        passed.append((headers, method, path, answer.status_code))
        assert client.get("/").status_code == 200, "still logged in"
    assert passed == []
    assert tried == 0


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec-fetch-site": "same-origin"},
        {"sec-fetch-site": "none"},
        {"origin": "http://{host}"},
        {"origin": "https://app.example", "x-forwarded-proto": "https",
         "x-forwarded-host": "app.example"},
    ],
)  # fmt: skip
def test_the_apps_own_page_changes_what_it_wants(closed: Site, headers: dict[str, str]) -> None:
    host = closed.url.removeprefix("http://")
    sent = {name: value.format(host=host) for name, value in headers.items()}
    with closed.logged_in() as client:
        if "x-forwarded-proto" in sent:
            sent["cookie"] = f"{SECURE_COOKIE}={client.cookies[COOKIE]}"
        assert client.post("/x", headers=sent).status_code == 200


def test_no_other_site_may_read(closed: Site) -> None:
    with closed.logged_in() as client:
        for method in ("GET", "OPTIONS"):
            headers = {
                "origin": "https://evil.example",
                "access-control-request-method": "POST",
                "access-control-request-headers": "authorization",
            }
            answer = client.request(method, "/v1/models", headers=headers)
            assert not [name for name in answer.headers if name.startswith("access-control")]


def test_a_key_is_good_for_programs_wherever_they_run(closed: Site) -> None:
    key = add_key(closed.access.accounts, "wang", "job")
    with closed.visitor(authorization=f"Bearer {key}") as program:
        who = {"user": "wang", "role": "reader", "way": "key"}
        assert program.get("/v1/models").json()["who"] == who
        cross = {"origin": "https://notebook.example", "sec-fetch-site": "cross-site"}
        assert program.post("/v1/chat/completions", headers=cross).json()["who"] == who
        for path in ("/account/password", "/account/keys", "/account/keys/end"):
            assert program.post(path, data={"label": "x"}).status_code == 404
        assert program.get("/account").status_code == 404


def test_a_key_is_no_session_and_a_session_no_key(closed: Site) -> None:
    key = add_key(closed.access.accounts, "wang", "job")
    with closed.logged_in() as client, closed.visitor() as other:
        assert other.get("/", headers={"cookie": f"{COOKIE}={key}"}).status_code == 401
        token = client.cookies[COOKIE]
        assert other.get("/", headers={"authorization": f"Bearer {token}"}).status_code == 401


def test_logging_out_ends_the_session_and_is_asked_first(closed: Site) -> None:
    with closed.logged_in() as client:
        token = client.cookies[COOKIE]
        assert "Log out" in client.get("/logout", headers=PAGE).text
        assert client.get("/").status_code == 200
        answer = client.post("/logout")
        assert answer.headers["location"] == "/login?left=1"
        assert answer.headers["clear-site-data"] == '"storage"'
        assert COOKIE not in client.cookies
        assert "logged out" in client.get("/login?left=1").text
        assert client.get("/", headers={"cookie": f"{COOKIE}={token}"}).status_code == 401
    assert [line["action"] for line in closed.audited] == ["login", "logout"]


def test_a_stream_ends_with_its_session(closed: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "LOOK_SECONDS", 0.1)
    with closed.logged_in() as client:
        began = time.monotonic()
        with client.stream("GET", "/stream") as answer:
            lines = answer.iter_lines()
            assert next(lines) == "data: 0"
            closed.access.sessions.end(client.cookies[COOKIE])
            rest = list(lines)
        assert time.monotonic() - began < 5
        assert "data: 199" not in rest
        assert client.get("/").status_code == 401


def test_a_login_takes_no_flood(closed: Site) -> None:
    with closed.visitor() as client:
        big = client.post("/login", data={"name": "li", "password": "x" * 100_000})
        assert big.status_code == 413
        endless = client.post("/login", content=(b"x" * 1000 for _ in range(100)))
        assert endless.status_code == 413


def test_a_user_changes_the_password_and_other_logins_end(closed: Site) -> None:
    with closed.logged_in() as here, closed.logged_in() as there:
        page = here.get("/account").text
        assert "li" in page and "editor" in page
        fields = {"old": GOOD, "new": "another good one", "again": "another good one"}
        for wrong, word in (
            ({"old": "not it"}, "not right"),
            ({"again": "different"}, "differ"),
            ({"new": "short", "again": "short"}, "characters"),
        ):
            answer = here.post("/account/password", data=fields | wrong)
            assert answer.status_code == 422
            assert word in answer.text
        answer = here.post("/account/password", data=fields)
        assert answer.headers["location"] == "/account?changed=1"
        assert "changed" in here.get("/account?changed=1").text
        assert there.get("/").status_code == 401


def test_a_user_makes_and_ends_a_key(closed: Site) -> None:
    with closed.logged_in() as client:
        page = client.post("/account/keys", data={"label": "<b>job</b>"}).text
        key = re.search(r"kb-[\w-]{20,}", page)
        assert key and "&lt;b&gt;job" in page
        again = client.get("/account").text
        assert key[0] not in again
        [key_id] = re.findall(r'name="id" value="(\w+)"', again)
        with closed.logged_in("wang") as other:
            assert other.post("/account/keys/end", data={"id": key_id}).status_code == 422
        with closed.visitor(authorization=f"Bearer {key[0]}") as program:
            assert program.get("/v1/models").status_code == 200
            assert client.post("/account/keys/end", data={"id": key_id}).status_code == 303
            assert program.get("/v1/models").status_code == 401
    text = (closed.folder / "logs" / "audit.jsonl").read_text("utf-8")
    assert "users.key.add" in text and "users.key.revoke" in text and key[0] not in text


@pytest.mark.parametrize("ended", ["removed", "disabled"])
def test_who_is_out_is_out_at_once(closed: Site, ended: str) -> None:
    with closed.logged_in() as client:
        if ended == "removed":
            Accounts(closed.folder).remove("li")
        else:
            Accounts(closed.folder).change("li", lambda account: replace(account, disabled=True))
        assert client.get("/").status_code == 401


def test_another_role_counts_at_once(closed: Site) -> None:
    with closed.logged_in() as client:
        Accounts(closed.folder).change("li", lambda account: replace(account, role=Role.READER))
        assert client.get("/").json()["who"]["role"] == "reader"


def test_a_damaged_users_file_shuts_the_gate(closed: Site) -> None:
    with closed.logged_in() as client:
        (closed.folder / "users.json").write_text("{")
        answer = client.get("/")
        assert answer.status_code == 503
        assert "users.json" in answer.json()["error"]["message"]


def test_a_session_survives_a_restart(users: Path) -> None:
    with site(users) as first, first.logged_in() as client:
        token = client.cookies[COOKIE]
    with site(users) as second, second.visitor(cookie=f"{COOKIE}={token}") as again:
        assert again.get("/").json()["who"]["user"] == "li"


@pytest.fixture
def proxied(users: Path) -> Iterator[Callable[..., Site]]:
    with ExitStack() as opened:

        def make(trusted: str) -> Site:
            given = {"AUTH_PROXY_HEADER": "X-User", "AUTH_PROXY_ROLES": "X-Role"}
            return opened.enter_context(site(users, AUTH="proxy", AUTH_PROXY_FROM=trusted, **given))

        yield make


def test_a_trusted_proxy_names_the_user(proxied: Callable[..., Site]) -> None:
    with proxied("127.0.0.1").visitor() as client:
        headers = {"x-user": "Chen@Example.org", "x-role": "editor"}
        who = {"user": "chen@example.org", "role": "editor", "way": "proxy"}
        assert client.get("/", headers=headers).json()["who"] == who
        assert client.get("/", headers={"x-user": "li"}).json()["who"]["role"] == "editor"
        assert client.get("/").status_code == 401
        assert client.get("/", headers=PAGE).status_code == 401, "there is no login to lead to"
        twice = [("x-user", "li"), ("x-user", "root")]
        assert client.get("/", headers=twice).status_code == 401
        cross = {"x-user": "li", "origin": "https://evil.example"}
        assert client.post("/", headers=cross).status_code == 403


def test_nobody_else_is_believed_to_be_the_proxy(proxied: Callable[..., Site]) -> None:
    with proxied("10.1.2.3").visitor() as client:
        for claim in ({}, {"x-forwarded-for": "10.1.2.3"}, {"forwarded": "for=10.1.2.3"}):
            answer = client.get("/", headers={"x-user": "root", "x-role": "admin"} | claim)
            assert answer.status_code == 401


def test_what_an_untrusted_visitor_claims_of_itself_goes_no_further(users: Path) -> None:
    with site(users, AUTH_PROXY_FROM="10.1.2.3") as closed, closed.logged_in() as client:
        claims = {"for": "1.2.3.4", "host": "evil.example", "proto": "https", "prefix": "/x"}
        sent = {f"x-forwarded-{name}": value for name, value in claims.items()}
        told = client.get("/", headers=sent | {"forwarded": "for=1.2.3.4"}).json()
        assert told["forwarded"] == {}
        assert told["scheme"] == "http"


HOSTS = (
    "evil.example", "evil.example:80", "127.0.0.1.evil.example", "192.168.1.5:7860", "[::2]",
    "localhost.evil.example", "0.0.0.0", "127.0.0.1@evil.example",
)  # fmt: skip


@pytest.mark.parametrize("tried", [len(HOSTS) * len(PATHS)], ids=lambda n: f"{n}-tried")
def test_without_a_login_only_this_machines_own_names_are_answered(
    tmp_path: Path, tried: int
) -> None:
    """Else a page from elsewhere could give its own name the address 127.0.0.1."""
    with site(tmp_path, AUTH="auto") as opened, opened.visitor() as client:
        assert client.get("/").json()["who"]["user"] == "local"
        assert client.get("/", headers={"host": "app.localhost:7860"}).status_code == 200
        assert client.get("/login", headers=PAGE).headers["location"] == "/"
        passed = 0
        for host in HOSTS:
            for path in PATHS:
                tried -= 1
                answer = client.get(path, headers={"host": host})
                passed += answer.status_code not in (403, 404)
        assert (passed, tried) == (0, 0)
        told = client.get("/", headers={"host": "evil.example", **PAGE})
        assert "AUTH" in told.text and told.headers["content-type"].startswith("text/html")
        through = client.get("/", headers={"x-forwarded-for": "203.0.113.9"})
        assert through.status_code == 403, "a proxy lets others in who do not log in"


def test_where_the_login_is_off_everyone_is_local(tmp_path: Path) -> None:
    with site(tmp_path, AUTH="off") as opened, opened.visitor(host="kb.example") as client:
        assert client.get("/").json()["who"] == {"user": "local", "role": "admin", "way": "local"}
        cross = {"origin": "https://evil.example"}
        assert client.post("/", headers=cross).status_code == 403
