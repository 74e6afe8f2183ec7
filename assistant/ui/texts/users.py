"""Strings of the login, of a user's own page, and of what is refused."""

from __future__ import annotations

#: key -> (Chinese, English).
USERS: dict[str, tuple[str, str]] = {
    "refused": ("无法打开", "This can't be opened"),
    # Login
    "login": ("登录", "Log in"),
    "login_name": ("用户名", "Name"),
    "login_password": ("密码", "Password"),
    "login_service": ("使用统一账号登录", "Log in with your organisation's account"),
    "login_forgotten": (
        "没有账号或忘记密码？请联系管理员。",
        "No account, or the password is forgotten? Ask your administrator.",
    ),
    "login_left": ("您已退出登录。", "You are logged out."),
    "logout_ask": ("要退出登录吗？", "Log out now?"),
    "logout": ("退出登录", "Log out"),
    # Own page
    "account": ("我的账号", "My account"),
    "account_back": ("返回", "Back"),
    "account_password": ("更改密码", "Change the password"),
    "account_old": ("当前密码", "Current password"),
    "account_new": ("新密码", "New password"),
    "account_again": ("再次输入新密码", "New password once more"),
    "account_differ": ("两次输入的新密码不一致。", "The two new passwords differ."),
    "account_note": (
        "更改后，其他设备上的登录会失效。",
        "Logins on other devices end with the change.",
    ),
    "account_changed": (
        "密码已更改，其他设备上的登录已失效。",
        "The password is changed, and logins on other devices have ended.",
    ),
    "account_elsewhere": (
        "您的密码由登录服务管理，请在那里更改。",
        "Your password is kept by the service that you log in with; change it there.",
    ),
    "account_keys": ("API 密钥", "API keys"),
    "account_keys_note": (
        "程序用它以您的身份访问：Authorization: Bearer 密钥。",
        "Programs use one to act as you: Authorization: Bearer KEY.",
    ),
    "account_key_label": ("用途", "What it is for"),
    "account_key_add": ("新建密钥", "New key"),
    "account_key_new": (
        "新密钥仅显示这一次，请现在复制：",
        "The new key is shown this once; copy it now:",
    ),
    "account_key_end": ("撤销", "End"),
    "account_key_used": ("最后使用 {when}", "last used {when}"),
    "account_key_unused": ("从未使用", "never used"),
}
