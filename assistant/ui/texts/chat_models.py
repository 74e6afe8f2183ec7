"""The strings of the choice of a chat model: key -> (Chinese, English)."""

from __future__ import annotations

CHAT_MODELS: dict[str, tuple[str, str]] = {
    "model_choice": ("本对话使用的模型", "The model of this conversation"),
    "model_default": ("{name}（默认）", "{name} (default)"),
    "model_gone": ("{name}（已不再提供）", "{name} (no longer offered)"),
    "model_not_offered": (
        "没有可选的模型 {name}，保持原来的选择。",
        "There is no model {name} to choose; what was chosen stays.",
    ),
    # The status page and the guide
    "model_offered": ("对话中可选", "Also to choose from"),
}
