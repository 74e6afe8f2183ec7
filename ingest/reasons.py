"""Why the system refused a file, for messages."""

from __future__ import annotations

_CHINESE = {FileNotFoundError: "文件不存在", PermissionError: "没有权限"}


def os_reason(error: OSError) -> dict[str, str]:
    """The message fields ``reason`` and ``reason_zh``."""
    reason = error.strerror or str(error)
    return {"reason": reason, "reason_zh": _CHINESE.get(type(error), reason)}
