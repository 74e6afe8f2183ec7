"""The strings of files attached to a conversation: key -> (Chinese, English)."""

from __future__ import annotations

ATTACHED: dict[str, tuple[str, str]] = {
    "attached_add": ("添加文件到这个对话", "Attach files to this conversation"),
    "attached_files": ("这个对话的文件", "Files of this conversation"),
    "attached_remove": ("移除 {name}", "Remove {name}"),
    "attached_waiting": ("等待读取", "waiting"),
    "attached_reading": ("正在读取", "reading"),
    "attached_reading_n": ("正在读取 {done}/{total} 段", "reading, {done} of {total} passages"),
    "attached_ready": ("{n} 个段落可用", "ready, {n} passages"),
    "attached_ready_one": ("1 个段落可用", "ready, 1 passage"),
    "attached_failed": ("无法读取：{why}", "can't be read: {why}"),
    "attached_empty": ("没有可读的文字。", "it holds no text."),
    "attached_broken": (
        "读取中断：请移除后重新添加。",
        "reading it was broken off: remove it and attach it again.",
    ),
    "attached_stale": (
        "是用另一个嵌入模型读取的：请移除后重新添加。",
        "it was read with another embedding model: remove it and attach it again.",
    ),
    "attached_again": (
        "{name} 未再次添加：内容与 {other} 相同。",
        "{name} was not attached again: it is the same as {other}.",
    ),
    "attached_twice": (
        "{name} 选择了两次，只添加一次。",
        "{name} was chosen twice: once is enough.",
    ),
    "attached_early": (
        "{names} 仍在读取，这次提问可能用不上；读完后可以重新回答。",
        "{names} is still being read, and may be missing from this answer: answer again once it is "
        "ready.",
    ),
    "attached_gone": ("这个文件已经移除。", "That file is gone already."),
}
