"""What is refused at the door, whoever asks."""

from __future__ import annotations

from assistant.errors import AssistantError
from assistant.users.identity import AccessDenied


class Foreign(AccessDenied):
    """Another site's page asks for a change."""

    def __init__(self, origin: str) -> None:
        super().__init__(
            "This request comes from another site ({origin}) and was not carried out.",
            "该请求来自其他网站（{origin}），未执行。",
            origin=origin[:100],
        )


class Elsewhere(AccessDenied):
    """Somebody from elsewhere asks where nobody logs in."""

    def __init__(self, host: str) -> None:
        super().__init__(
            "This app has no login, so it answers at this machine's own address only, such as "
            "http://127.0.0.1; {host} is another. To let others in, set AUTH in .env "
            "(see docs/users.md).",
            "本应用未设置登录，只能通过本机地址（如 http://127.0.0.1）访问，而当前地址是 {host}。"
            "如需供他人使用，请在 .env 中设置 AUTH（参见 docs/users.md）。",
            host=host[:100],
        )


class TooLarge(AssistantError):
    """A request has more in it than it may."""

    kind = "too_large"

    def __init__(self) -> None:
        super().__init__("The request is too large.", "请求内容过大。")


class Missing(AssistantError):
    """There is nothing here, or nothing of the user's."""

    kind = "not_found"

    def __init__(self) -> None:
        super().__init__("There is nothing here.", "此处没有内容。")


class UploadTooLarge(AssistantError):
    """More at once than may be."""

    kind = "upload"

    def __init__(self, files: int, megabytes: int) -> None:
        super().__init__(
            "One upload has at most {files} files and {mb} MB together: upload the rest after it.",
            "一次最多上传 {files} 个文件，合计不超过 {mb} MB：其余文件请稍后再上传。",
            files=files,
            mb=megabytes,
        )


class DiskFull(AssistantError):
    """The disk has no room."""

    kind = "disk_full"

    def __init__(self) -> None:
        super().__init__(
            "The server's disk is nearly full: nothing was uploaded.",
            "服务器磁盘空间不足，未上传任何内容。",
        )
