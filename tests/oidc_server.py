"""A local login service that speaks OpenID Connect: discovery, the code flow with PKCE, keys."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

from tests.serving import served

CLIENT, PASSWORD = "knowledge app", "a secret: with %"

HEADER = {"alg": "RS256", "kid": "one"}

Claims = dict[str, Any]


@cache
def key(name: str) -> RSAKey:
    """A key of this name; made once, for that takes long."""
    return RSAKey.generate_key(2048, {"kid": name})


@dataclass
class OidcServer:
    """What it says, for a test to change."""

    url: str = ""
    user: Claims = field(default_factory=lambda: {"sub": "1", "preferred_username": "chen"})
    key: RSAKey = field(default_factory=lambda: key("one"))
    change: Callable[[Claims], Claims] = dict  # of the ID token's claims, before it is signed
    sign: Callable[[Claims], str] | None = None  # instead of the key
    published: list[RSAKey] | None = None  # instead of the key
    issuer: str = ""  # in place of the true one
    basic: bool = True
    refuses: str = ""  # the error that the visitor brings back
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: int = 0  # asked for

    def description(self) -> Claims:
        way = "client_secret_basic" if self.basic else "client_secret_post"
        return {
            "issuer": self.issuer or self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
            "token_endpoint_auth_methods_supported": [way],
        }

    def authorize(self, asked: dict[str, str]) -> str:
        """Where the visitor, who says yes at once, is sent back to."""
        assert asked["response_type"] == "code" and "openid" in asked["scope"].split()
        assert asked["client_id"] == CLIENT and asked["code_challenge_method"] == "S256"
        if self.refuses:
            return f"{asked['redirect_uri']}?{urlencode({'error': self.refuses})}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}"

    def token(self, asked: dict[str, str], authorization: str) -> tuple[int, Claims]:
        self.tokens += 1
        if not self._is_client(asked, authorization):
            return 401, {"error": "invalid_client"}
        begun = self.codes.pop(asked.get("code", ""), None)
        digest = hashlib.sha256(asked.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            begun is None
            or asked.get("grant_type") != "authorization_code"
            or begun["redirect_uri"] != asked.get("redirect_uri")
            or begun["code_challenge"] != challenge
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300} | self.user
        claims = self.change(claims | {"nonce": begun["nonce"]})
        token = self.sign(claims) if self.sign else jwt.encode(HEADER, claims, self.key)
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}

    def _is_client(self, asked: dict[str, str], authorization: str) -> bool:
        if self.basic:
            kind, _, coded = authorization.partition(" ")
            plain = base64.b64decode(coded).decode() if kind == "Basic" else ""
            return plain == f"{CLIENT}:{PASSWORD}"
        return (asked.get("client_id"), asked.get("client_secret")) == (CLIENT, PASSWORD)

    def keys(self) -> Claims:
        keys = self.published if self.published is not None else [self.key]
        return {"keys": [key.as_dict(private=False) for key in keys]}


@contextmanager
def oidc_server() -> Iterator[OidcServer]:
    server = OidcServer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            place = urlsplit(self.path)
            if place.path == "/authorize":
                asked = {name: values[0] for name, values in parse_qs(place.query).items()}
                self.send_response(302)
                self.send_header("Location", server.authorize(asked))
                self.end_headers()
            elif place.path == "/keys":
                self._send(200, server.keys())
            else:
                self._send(200, server.description())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            asked = {name: values[0] for name, values in parse_qs(body).items()}
            self._send(*server.token(asked, self.headers.get("Authorization", "")))

        def _send(self, status: int, content: Claims) -> None:
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with served(Handler) as url:
        server.url = url
        yield server
