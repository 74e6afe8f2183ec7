"""The way in that the settings choose, and whether it can be taken."""

from __future__ import annotations

from enum import StrEnum
from urllib.parse import urlsplit

from assistant.errors import SettingsError
from assistant.settings import Settings
from assistant.users.accounts import Accounts

LOOPBACK = ("127.0.0.1", "::1", "localhost")


class Way(StrEnum):
    """How a visitor becomes a user."""

    LOCAL = "local"  # no login; the app is reached at this machine's own address only
    OFF = "off"  # no login, wherever it is reached from: an explicit setting
    USERS = "users"  # name and password
    PROXY = "proxy"  # a trusted proxy names the user
    OIDC = "oidc"  # a login service names the user

    @property
    def is_open(self) -> bool:
        """Whether everyone is the local user."""
        return self in (Way.LOCAL, Way.OFF)


def chosen_way(settings: Settings) -> Way:
    """
    Raises:
        SettingsError: the app must not start like this.
        UsersError: the users' file can't be read.
    """
    if settings.auth == "auto":
        if settings.host in LOOPBACK:
            return Way.LOCAL
        _check_someone(settings)
        return Way.USERS
    if settings.auth == "users":
        _check_users(settings)
    elif settings.auth == "proxy":
        _check_proxy(settings)
    elif settings.auth == "oidc":
        _check_oidc(settings)
    return Way(settings.auth)


def _can_someone_log_in(settings: Settings) -> bool:
    accounts = Accounts(settings.data_dir).all().values()
    return any(account.password and not account.disabled for account in accounts)


def _check_someone(settings: Settings) -> None:
    if not _can_someone_log_in(settings):
        raise SettingsError(
            "HOST is {host}, so others can reach the app, and there is no login: it has no users. "
            "Add one with `python -m assistant.users add NAME --role admin`; or set HOST=127.0.0.1 "
            "in .env; or, where everyone may read and change everything, AUTH=off.",
            "HOST 的值是 {host}，其他人可以访问，但还没有任何用户，无法登录。请用 "
            "`python -m assistant.users add 用户名 --role admin` 添加用户；或在 .env 中设置 "
            "HOST=127.0.0.1；如果允许任何人查看和修改全部内容，则设置 AUTH=off。",
            host=settings.host,
        )


def _check_users(settings: Settings) -> None:
    if not _can_someone_log_in(settings):
        raise SettingsError(
            "AUTH is users, and there is no user who could log in: add one with "
            "`python -m assistant.users add NAME --role admin`.",
            "AUTH 的值是 users，但没有可以登录的用户：请用 "
            "`python -m assistant.users add 用户名 --role admin` 添加。",
        )


def _check_proxy(settings: Settings) -> None:
    if not settings.auth_proxy_header or not settings.auth_proxy_from:
        raise SettingsError(
            "AUTH is proxy: set AUTH_PROXY_HEADER to the header in which your proxy names the "
            "user, and AUTH_PROXY_FROM to the proxy's address. The proxy must remove that header "
            "from what visitors send.",
            "AUTH 的值是 proxy：请将 AUTH_PROXY_HEADER 设为代理用来告知用户名的请求头，"
            "AUTH_PROXY_FROM 设为代理的地址。代理必须删除访客自己发送的该请求头。",
        )


def _check_oidc(settings: Settings) -> None:
    issuer = urlsplit(settings.oidc_issuer)
    if not (settings.oidc_issuer and settings.oidc_client_id and settings.oidc_client_secret):
        raise SettingsError(
            "AUTH is oidc: set OIDC_ISSUER, OIDC_CLIENT_ID and OIDC_CLIENT_SECRET to what your "
            "login service gave you.",
            "AUTH 的值是 oidc：请将 OIDC_ISSUER、OIDC_CLIENT_ID 和 OIDC_CLIENT_SECRET "
            "设为登录服务提供的值。",
        )
    if issuer.scheme != "https" and issuer.hostname not in LOOPBACK:
        raise SettingsError(
            "OIDC_ISSUER is {issuer}: a login service is reached over https://.",
            "OIDC_ISSUER 的值是 {issuer}：登录服务必须使用 https://。",
            issuer=settings.oidc_issuer,
        )
