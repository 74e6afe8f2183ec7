"""Who may come in: from what a request brings to an :class:`Identity`, and the logins."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace

from assistant.errors import AssistantError
from assistant.settings import Settings
from assistant.users import passwords
from assistant.users.accounts import Account, Accounts, UsersError, new_stamp, user_name
from assistant.users.attempts import Attempts
from assistant.users.audit import Audit
from assistant.users.identity import LOCAL, Identity, Role
from assistant.users.keys import PREFIX, owner_of
from assistant.users.sessions import Session, Sessions
from assistant.users.ways import LOOPBACK, Way, chosen_way

log = logging.getLogger(__name__)


class LoginFailed(AssistantError):
    """Name or password is wrong; which of the two is not said."""

    kind = "login_failed"

    def __init__(self) -> None:
        super().__init__("The name or the password is not right.", "用户名或密码不正确。")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), ()


class LoginDelayed(AssistantError):
    """Too many attempts failed: the next may be made in ``seconds``."""

    kind = "login_delayed"

    def __init__(self, seconds: float) -> None:
        self.seconds = max(1, round(seconds + 0.5))
        super().__init__(
            "Too many attempts. Try again in {n} seconds.",
            "尝试次数过多，请在 {n} 秒后重试。",
            n=self.seconds,
        )

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.seconds,)


@dataclass(frozen=True)
class Asked:
    """What a request brings.

    Args:
        peer: address of who is at the other end of the connection.
        token: of a session.
        key: what stands in ``Authorization: Bearer``.
        proxy_user, proxy_role: what a proxy said; believed only of a trusted one.
        is_use: counts as a use of the session.
    """

    peer: str = ""
    token: str = ""
    key: str = ""
    proxy_user: str = ""
    proxy_role: str = ""
    is_use: bool = True


class Access:
    """Args:
    settings: AUTH, SESSION_* and DATA_DIR are used.

    Raises:
        SettingsError: this way in can't be taken.
    """

    def __init__(self, settings: Settings, audit: Audit) -> None:
        self.way = chosen_way(settings)
        self.accounts = Accounts(settings.data_dir)
        self.audit = audit
        self.attempts = Attempts()
        self.sessions = Sessions(
            settings.session_dir,
            idle=settings.session_idle_hours * 3600,
            longest=settings.session_days * 86400,
        )
        #: The headers that name user and role; empty where none is to be believed.
        self.proxy_headers = (settings.auth_proxy_header, settings.auth_proxy_roles)
        self._default = settings.auth_default_role
        # Without a list, a proxy on this machine may say where a visitor comes from, not who it is.
        self._trusted = settings.auth_proxy_from or LOOPBACK[:2]

    def is_trusted(self, peer: str) -> bool:
        """Whether ``peer`` is one of our own proxies."""
        return is_in(peer, self._trusted)

    def identity(self, asked: Asked) -> Identity | None:
        """Who asks; None: nobody who is known.

        Raises:
            UsersError: the users' file can't be read.
        """
        if asked.key.startswith(PREFIX):
            owner = owner_of(self.accounts, asked.key)
            if owner:
                return Identity(owner.name, owner.role, "key")
            if not self.way.is_open:
                return None
        if self.way.is_open:
            return LOCAL
        if self.way is Way.PROXY:
            return self._told(asked)
        session = self.sessions.find(asked.token, asked.is_use) if asked.token else None
        return self._in_session(session) if session else None

    def login(self, name: str, password: str, address: str) -> str:
        """Begin a session; its token.

        Raises:
            LoginFailed, LoginDelayed: not now, or not like this.
        """
        try:
            user = user_name(name)
        except UsersError:
            user = ""
        wait = self.attempts.take(user, address)
        if wait:
            self.audit.note(None, "login.delayed", user or name[:64], address=address)
            raise LoginDelayed(wait)
        account = self.accounts.get(user)
        kept = account.password if account and not account.disabled else None
        if not passwords.is_right(password, kept) or account is None:
            self.audit.note(None, "login.failed", user or name[:64], address=address)
            raise LoginFailed
        self.attempts.succeeded(user, address)
        self.audit.note(Identity(user, account.role, "session"), "login", user, address=address)
        return self.sessions.start(user, account.stamp)

    def admit(self, name: str, told_role: str, address: str) -> str:
        """Begin a session of somebody whom a login service vouches for; its token.

        Raises:
            LoginFailed: nothing gives them a role, or they are disabled.
            UsersError: this can't be a user's name.
        """
        user = user_name(name)
        role = self._role(user, told_role)
        if role is None:
            self.audit.note(None, "login.failed", user, address=address)
            raise LoginFailed
        account = self.accounts.get(user)
        self.audit.note(Identity(user, role, self.way), "login", user, address=address)
        return self.sessions.start(user, account.stamp if account else "", role.word)

    def logout(self, identity: Identity, token: str) -> None:
        self.sessions.end(token)
        self.audit.note(identity, "logout", identity.user)

    def change_password(self, identity: Identity, old: str, new: str, address: str) -> str:
        """Give ``identity`` the password ``new``. All their sessions end; the token of a new one.

        Raises:
            LoginFailed, LoginDelayed: ``old`` is not right.
            PasswordRefused: ``new`` is too easy.
        """
        wait = self.attempts.take(identity.user, address)
        if wait:
            raise LoginDelayed(wait)
        account = self.accounts.named(identity.user)
        if not passwords.is_right(old, account.password):
            self.audit.note(identity, "password.failed", identity.user, address=address)
            raise LoginFailed
        self.attempts.succeeded(identity.user, address)
        passwords.check_new(new, identity.user)
        changed = set_password(self.accounts, identity.user, new)
        self.sessions.end_all(identity.user)
        self.audit.note(identity, "users.password", identity.user)
        return self.sessions.start(identity.user, changed.stamp)

    def _in_session(self, session: Session) -> Identity | None:
        account = self.accounts.get(session.user)
        if account is None:  # of a login service, or removed
            known = self.way is Way.OIDC and session.role and not session.stamp
            return Identity(session.user, Role.named(session.role), "oidc") if known else None
        if account.disabled or account.stamp != session.stamp:
            return None
        return Identity(session.user, account.role, "oidc" if session.role else "session")

    def _told(self, asked: Asked) -> Identity | None:
        if not asked.proxy_user or not self.is_trusted(asked.peer):
            return None
        try:
            user = user_name(asked.proxy_user)
        except UsersError as error:
            log.warning("%s", error)
            return None
        role = self._role(user, asked.proxy_role)
        return Identity(user, role, "proxy") if role else None

    def _role(self, user: str, told: str) -> Role | None:
        """The users' file comes first, then what was told (the highest of several), then the
        default. None: no entry."""
        account = self.accounts.get(user)
        if account:
            return None if account.disabled else account.role
        if user == LOCAL.user:  # whose conversations are there from before there was a login
            return None
        words = [word.strip().lower() for word in told.split(",")]
        found = [role for role in Role if role.word in words]
        if found:
            return max(found)
        return None if self._default == "none" else Role.named(self._default)


def set_password(accounts: Accounts, user: str, password: str) -> Account:
    """Every session of ``user`` ends by it. Raises UsersError."""
    kept = passwords.hashed(password)
    return accounts.change(user, lambda account: replace(account, password=kept, stamp=new_stamp()))


def is_in(address: str, networks: Sequence[str]) -> bool:
    """Whether ``address`` is in one of ``networks``; also where it is one of IPv4 in IPv6.

    >>> is_in("::ffff:10.1.2.3", ["10.0.0.0/8"]), is_in("unix:", ["10.0.0.0/8"])
    (True, False)
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    plain = getattr(found, "ipv4_mapped", None) or found
    return any(plain in ipaddress.ip_network(network) for network in networks)
