"""Login at an OpenID Connect service, over real HTTP to a local one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from assistant.ui.gate import COOKIE
from assistant.ui.login_service import COOKIE as BEGUN
from assistant.users.accounts import Account, Accounts
from assistant.users.identity import Role
from tests.oidc_server import CLIENT, PASSWORD, Claims, OidcServer, key, oidc_server
from tests.test_access_gate import Site, site

PAGE = {"accept": "text/html"}


@pytest.fixture
def service() -> Iterator[OidcServer]:
    with oidc_server() as server:
        yield server


@pytest.fixture
def opened(service: OidcServer, tmp_path: Path) -> Iterator[Site]:
    given = {"OIDC_ISSUER": service.url, "OIDC_CLIENT_ID": CLIENT, "OIDC_CLIENT_SECRET": PASSWORD}
    with site(tmp_path, AUTH="oidc", OIDC_ROLES_CLAIM="groups", **given) as found:
        yield found


def log_in(site: Site, client: httpx.Client, place: str = "/knowledge") -> httpx.Response:
    """Through the login page, the service and back, as a browser goes."""
    page = client.get("/login", params={"next": place})
    assert "Log in with your organisation" in page.text
    away = client.get("/login/oidc/start", params={"next": place})
    if away.status_code != 303:
        return away
    back = httpx.get(away.headers["location"]).headers["location"]
    return client.get(back)


def who(client: httpx.Client) -> Any:
    answer = client.get("/")
    return answer.json()["who"] if answer.status_code == 200 else None


def test_a_visitor_logs_in_and_out(opened: Site, service: OidcServer) -> None:
    with opened.visitor() as client:
        assert client.get("/memory", headers=PAGE).headers["location"] == "/login?next=%2Fmemory"
        answer = log_in(opened, client)
        assert (answer.status_code, answer.headers["location"]) == (303, "/knowledge")
        assert who(client) == {"user": "chen", "role": "reader", "way": "oidc"}
        assert BEGUN not in client.cookies
        assert "that you log in with" in client.get("/account").text
        client.post("/logout")
        assert who(client) is None
    assert [line["action"] for line in opened.audited] == ["login", "logout"]


@pytest.mark.parametrize("basic", [True, False])
def test_the_app_shows_its_password_as_the_service_wants_it(
    opened: Site, service: OidcServer, basic: bool
) -> None:
    service.basic = basic
    with opened.visitor() as client:
        assert log_in(opened, client).status_code == 303
        assert who(client)


@pytest.mark.parametrize(
    ("groups", "role"),
    [(["staff", "editor"], "editor"), ("admin", "admin"), ([], "reader"), ([1, None], "reader")],
)
def test_the_role_is_in_a_claim(
    opened: Site, service: OidcServer, groups: object, role: str
) -> None:
    service.user["groups"] = groups
    with opened.visitor() as client:
        log_in(opened, client)
        assert who(client)["role"] == role


def test_the_users_file_has_the_last_word(opened: Site, service: OidcServer) -> None:
    accounts = Accounts(opened.folder)
    accounts.add(Account("chen", Role.EDITOR))
    with opened.visitor() as client:
        log_in(opened, client)
        assert who(client)["role"] == "editor"
        accounts.change("chen", lambda account: replace(account, disabled=True))
        assert who(client) is None
        assert log_in(opened, client).status_code == 401
        assert who(client) is None


def other(claims: Claims) -> str:
    """Signed with a key that the service doesn't have, under the name of one that it has."""
    return jwt.encode({"alg": "RS256", "kid": "one"}, claims, key("other"))


def unsigned(claims: Claims) -> str:
    from joserfc.jws import JWSRegistry

    return jwt.encode(
        {"alg": "none"}, claims, OctKey.generate_key(256), registry=JWSRegistry(algorithms=["none"])
    )


def plain(claims: Claims) -> Claims:
    return dict(claims)


#: What a test begins with.
PLAIN: dict[str, Any] = {
    "user": {"sub": "1", "preferred_username": "chen"},
    "change": plain,
    "sign": None,
    "refuses": "",
}
FAULTS: dict[str, Callable[[OidcServer], Any]] = {
    "another nonce": lambda s: setattr(s, "change", lambda c: c | {"nonce": "x"}),
    "no nonce": lambda s: setattr(s, "change", lambda c: {**c, "nonce": None}),
    "another audience": lambda s: setattr(s, "change", lambda c: c | {"aud": "other"}),
    "several audiences": lambda s: setattr(s, "change", lambda c: c | {"aud": [CLIENT, "other"]}),
    "another party": lambda s: setattr(s, "change", lambda c: c | {"azp": "other"}),
    "another issuer": lambda s: setattr(s, "change", lambda c: c | {"iss": "https://evil.example"}),
    "expired": lambda s: setattr(s, "change", lambda c: c | {"exp": 1}),
    "of tomorrow": lambda s: setattr(s, "change", lambda c: c | {"iat": 2**33, "exp": 2**34}),
    "no name": lambda s: setattr(s, "user", {"sub": "1"}),
    "a name that is none": lambda s: setattr(s, "user", {"preferred_username": "../root"}),
    "a name that is no text": lambda s: setattr(s, "user", {"preferred_username": ["root"]}),
    "another's key": lambda s: setattr(s, "sign", other),
    "unsigned": lambda s: setattr(s, "sign", unsigned),
    "no token": lambda s: setattr(s, "sign", lambda _: ""),
    "nonsense": lambda s: setattr(s, "sign", lambda _: "a.b.c"),
    "refused": lambda s: setattr(s, "refuses", "access_denied"),
}


@pytest.mark.parametrize("tried", [len(FAULTS)], ids=lambda n: f"{n}-tried")
def test_what_cannot_be_believed_lets_nobody_in(
    opened: Site, service: OidcServer, tried: int
) -> None:
    passed = []
    for name, fault in FAULTS.items():
        vars(service).update(vars(replace(service, **PLAIN)))
        fault(service)
        with opened.visitor() as client:
            answer = log_in(opened, client)
            assert (answer.status_code, "<h1>Log in</h1>" in answer.text) == (401, True), name
            if COOKIE in client.cookies or who(client):
                passed.append(name)
        tried -= 1
    assert (passed, tried) == ([], 0)


@pytest.mark.parametrize(
    "change", [{"issuer": "https://evil.example"}, {"published": []}], ids=["issuer", "no-keys"]
)
def test_a_service_that_is_another_lets_nobody_in(
    opened: Site, service: OidcServer, change: dict[str, Any]
) -> None:
    vars(service).update(change)
    with opened.visitor() as client:
        assert log_in(opened, client).status_code == 401
        assert who(client) is None


def test_a_code_of_another_browser_lets_nobody_in(opened: Site, service: OidcServer) -> None:
    """An attacker's own code, planted in a victim's browser, and the other way round."""
    with opened.visitor() as attacker, opened.visitor() as victim:
        away = attacker.get("/login/oidc/start").headers["location"]
        back = httpx.get(away).headers["location"]
        assert victim.get(back).status_code == 401, "began no login"
        victim.get("/login/oidc/start")
        assert victim.get(back).status_code == 401, "began another"
        assert who(victim) is None
        assert service.tokens == 0
        assert attacker.get(back).status_code == 303
        assert attacker.get(back).status_code == 401, "a code is good once"


def test_new_keys_of_the_service_are_found(opened: Site, service: OidcServer) -> None:
    with opened.visitor() as client:
        log_in(opened, client)
        client.post("/logout")
        new = key("two")
        service.published = [new]
        service.sign = lambda claims: jwt.encode({"alg": "RS256", "kid": "two"}, claims, new)
        assert log_in(opened, client).status_code == 303
        assert who(client)


def test_a_service_that_is_away_is_said(opened: Site, service: OidcServer) -> None:
    opened.access.audit.note(None, "test")
    with oidc_server() as gone:
        url = gone.url
    with opened.visitor() as client:
        service.description = lambda: {"issuer": service.url, "token_endpoint": url}  # type: ignore[method-assign]
        answer = client.get("/login/oidc/start")
    assert answer.status_code == 401
    assert "authorization_endpoint" in answer.text


def test_an_unverified_address_is_nobodys(service: OidcServer, tmp_path: Path) -> None:
    given = {"OIDC_ISSUER": service.url, "OIDC_CLIENT_ID": CLIENT, "OIDC_CLIENT_SECRET": PASSWORD}
    with site(tmp_path, AUTH="oidc", OIDC_USER_CLAIM="email", **given) as opened:
        for verified, user in ((False, None), (None, None), (True, "chen@example.org")):
            service.user = {"sub": "1", "email": "chen@example.org", "email_verified": verified}
            with opened.visitor() as client:
                log_in(opened, client)
                assert (who(client) or {"user": None})["user"] == user


def test_there_is_no_password_to_guess_beside_the_service(opened: Site) -> None:
    with opened.visitor() as client:
        client.post("/login", data={"name": "chen", "password": "x"})
        assert COOKIE not in client.cookies
        assert who(client) is None
