"""Login at an OpenID Connect service: the code flow with PKCE, and a checked ID token.

1. :meth:`Oidc.begin` gives the address at the service to which the visitor is sent, and what their
   browser has to bring back: state, nonce, PKCE's verifier.
2. The service sends the visitor back with a code.
3. :meth:`Oidc.finish` trades the code for an ID token, over a connection of our own, and checks its
   signature, issuer, audience, times and nonce.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import threading
import time
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import KeySet

from assistant.errors import AssistantError
from assistant.settings import Settings

ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA")
SCOPES = "openid profile email"
#: How long what the service tells of itself is kept.
KEPT_SECONDS = 3600.0
WAIT_SECONDS = 10.0
LEEWAY_SECONDS = 60


class OidcError(AssistantError):
    """The login service can't be used, or what it sent can't be believed."""

    kind = "oidc"

    def __init__(self, why: str, why_zh: str) -> None:
        super().__init__(
            "The login service did not let you in: {why}. Try again; if it stays, tell your "
            "administrator.",
            "登录服务未能完成登录：{why_zh}。请重试；如仍失败，请联系管理员。",
            why=why,
            why_zh=why_zh,
        )


class LoginUnknown(OidcError):
    """The visitor comes back to a browser that did not send them."""

    def __init__(self) -> None:
        super().__init__(
            "this browser began no login, or long ago", "此浏览器没有正在进行的登录，或已超时"
        )


class LoginRefused(OidcError):
    """The service says no."""

    def __init__(self, word: str) -> None:
        super().__init__(f"it said {word}", f"返回 {word}")


@dataclass(frozen=True)
class Begun:
    """What ties an answer of the service to the browser that asked.

    Args:
        place: where the visitor wants to go.
    """

    state: str
    nonce: str
    verifier: str
    place: str


@dataclass(frozen=True)
class Vouched:
    """Whom the service vouches for; ``roles`` comma-separated, as it says them."""

    user: str
    roles: str


class Oidc:
    """Args:
    settings: OIDC_* are used.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._service: dict[str, Any] = {}
        self._keys: Any = None
        self._asked = 0.0

    def begin(self, redirect: str, place: str) -> tuple[str, Begun]:
        """The address that the visitor is sent to, and what their browser keeps.

        Raises:
            OidcError: the service can't be reached.
        """
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        begun = Begun(state, nonce, verifier, place)
        digest = hashlib.sha256(begun.verifier.encode("ascii")).digest()
        asked = {
            "response_type": "code",
            "client_id": self._settings.oidc_client_id,
            "redirect_uri": redirect,
            "scope": SCOPES,
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": urlsafe_b64encode(digest).decode("ascii").rstrip("="),
            "code_challenge_method": "S256",
        }
        address = self._told()["authorization_endpoint"]
        mark = "&" if "?" in address else "?"
        return f"{address}{mark}{urlencode(asked)}", begun

    def finish(self, code: str, state: str, begun: Begun, redirect: str) -> Vouched:
        """Whom the service vouches for.

        Raises:
            OidcError: nobody, or it can't be believed.
        """
        if not code or not hmac.compare_digest(state, begun.state):
            raise OidcError("the answer belongs to another login", "返回的结果属于另一次登录")
        answer = self._post(
            self._told()["token_endpoint"],
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": redirect,
                "code_verifier": begun.verifier,
            },
        )
        claims = self._checked(str(answer.get("id_token", "")), begun.nonce)
        return self._vouched(claims)

    def _checked(self, token: str, nonce: str) -> dict[str, Any]:
        try:
            claims = self._decoded(token)
            required = {
                "iss": self._told()["issuer"],
                "aud": self._settings.oidc_client_id,
                "nonce": nonce,
            }
            options: dict[str, Any] = {
                name: {"essential": True, "value": value} for name, value in required.items()
            }
            options |= {"exp": {"essential": True}, "iat": {"essential": True}}
            jwt.JWTClaimsRegistry(leeway=LEEWAY_SECONDS, **options).validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise OidcError(
                f"the ID token is refused ({error})", f"ID 令牌无效（{error}）"
            ) from error
        audience = claims["aud"]
        party = claims.get("azp", self._settings.oidc_client_id)
        if isinstance(audience, list) and len(audience) > 1 and "azp" not in claims:
            party = None
        if party != self._settings.oidc_client_id:
            raise OidcError("the ID token is another program's", "ID 令牌属于其他程序")
        return claims

    def _decoded(self, token: str) -> dict[str, Any]:
        try:
            return dict(jwt.decode(token, self._key_set(), algorithms=ALGORITHMS).claims)
        except InvalidKeyIdError:  # the service has new keys
            return dict(jwt.decode(token, self._key_set(anew=True), algorithms=ALGORITHMS).claims)

    def _vouched(self, claims: dict[str, Any]) -> Vouched:
        claim = self._settings.oidc_user_claim
        user = claims.get(claim)
        if not isinstance(user, str) or not user:
            raise OidcError(f"the ID token has no {claim}", f"ID 令牌中没有 {claim}")
        if claim == "email" and claims.get("email_verified") is not True:
            raise OidcError("the email address is not verified", "邮箱尚未验证")
        roles = claims.get(self._settings.oidc_roles_claim, "")
        if isinstance(roles, list):
            roles = ",".join(str(role) for role in roles)
        return Vouched(user, str(roles))

    def _told(self) -> dict[str, Any]:
        """What the service tells of itself. Raises OidcError."""
        with self._lock:
            if self._service and time.monotonic() - self._asked < KEPT_SECONDS:
                return self._service
            issuer = self._settings.oidc_issuer
            told = self._get(f"{issuer}/.well-known/openid-configuration")
            if str(told.get("issuer", "")).rstrip("/") != issuer:
                raise OidcError(
                    f"it calls itself {told.get('issuer')}, and OIDC_ISSUER is {issuer}",
                    f"它的标识是 {told.get('issuer')}，而 OIDC_ISSUER 是 {issuer}",
                )
            for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
                if not isinstance(told.get(name), str):
                    raise OidcError(f"it names no {name}", f"它没有提供 {name}")
            self._service, self._keys = told, None
            self._asked = time.monotonic()
            return told

    def _key_set(self, anew: bool = False) -> Any:
        address = self._told()["jwks_uri"]
        with self._lock:
            if self._keys is None or anew:
                self._keys = KeySet.import_key_set(self._get(address))  # type: ignore[arg-type]
            return self._keys

    def _get(self, address: str) -> dict[str, Any]:
        try:
            return _object(httpx.get(address, timeout=WAIT_SECONDS))
        except httpx.HTTPError as error:
            raise _unreachable(address, error) from error

    def _post(self, address: str, fields: dict[str, str]) -> dict[str, Any]:
        """Ask as this app, in the way that the service takes its password."""
        name, password = self._settings.oidc_client_id, self._settings.oidc_client_secret
        ways = self._told().get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        auth: httpx.BasicAuth | None = None
        if "client_secret_basic" in ways:
            auth = httpx.BasicAuth(name, password)
        else:
            fields = fields | {"client_id": name, "client_secret": password}
        try:
            return _object(httpx.post(address, data=fields, auth=auth, timeout=WAIT_SECONDS))
        except httpx.HTTPError as error:
            raise _unreachable(address, error) from error


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise _answered(answer, f"HTTP {answer.status_code}")
    if answer.status_code != 200:
        raise _answered(answer, str(found.get("error", f"HTTP {answer.status_code}"))[:100])
    return found


def _answered(answer: httpx.Response, what: str) -> OidcError:
    host = answer.url.host
    return OidcError(f"{host} answered {what}", f"{host} 返回 {what}")


def _unreachable(address: str, error: httpx.HTTPError) -> OidcError:
    return OidcError(f"{address} can't be reached ({error})", f"无法访问 {address}（{error}）")
