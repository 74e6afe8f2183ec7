"""The strings of a source's page and of the panel beside the chat: key -> (Chinese, English)."""

from __future__ import annotations

SOURCE: dict[str, tuple[str, str]] = {
    # A source's page
    "source_gone": (
        "没有这个来源，可能已被删除。",
        "There is no such source; it may have been deleted.",
    ),
    "file_gone": (
        "原文件已不在原处，但提取出的文字仍可查看。",
        "The original file is no longer in its place; its text can still be read.",
    ),
    "passages": ("{n} 段", "{n} passages"),
    "passages_one": ("{n} 段", "{n} passage"),
    "page_number": ("第 {n} 页", "page {n}"),
    "open_original": ("打开原文", "Open the original"),
    "back": ("返回对话", "Back to the chat"),
    "passages_before": ("查看前面的段落", "Earlier passages"),
    "passages_after": ("查看后面的段落", "Later passages"),
    "picture_alt": ("《{title}》第 {n} 页的图像", "Picture of page {n} of “{title}”"),
    "picture_show": ("第 {n} 页的图像", "Page {n} as a picture"),
    "picture_text": ("本页文字", "Text of this page"),
    "picture_unmarked": (
        "引用的文字未能在图像上标出，请看下面的文字。",
        "The cited words could not be marked on the picture; they are marked in the text below.",
    ),
    "picture_gone": (
        "原文件已不在原处，无法显示页面图像，只显示提取出的文字。",
        "The original file is no longer in its place, so the page can't be shown as a picture; "
        "this is its text.",
    ),
    "picture_changed": (
        "原文件在读取之后有改动，页面图像可能与引用不符，因此只显示读取时的文字。重新同步后可显示图像。",
        "The original file has changed since it was read, so its pages may not be the cited ones; "
        "this is the text as it was read. Sync the document to see pictures again.",
    ),
    "picture_failed": (
        "这一页无法绘制成图像，只显示提取出的文字。",
        "This page can't be drawn as a picture; this is its text.",
    ),
    "picture_busy": (
        "正在绘制的页面太多，暂时只显示提取出的文字；稍后重新打开即可看到图像。",
        "Too many pages are being drawn right now; this is the text. Open it again for a picture.",
    ),
    # The panel beside the chat
    "panel": ("引用来源", "Cited source"),
    "panel_close": ("关闭", "Close"),
    "panel_previous": ("上一处引用", "Previous citation"),
    "panel_next": ("下一处引用", "Next citation"),
    "panel_tab": ("在新标签页中打开", "Open in a tab"),
    "panel_loading": ("正在打开……", "Opening…"),
    "panel_ended": ("登录已过期，请重新登录。", "Your login has ended; please log in again."),
    "panel_failed": (
        "文档没能打开：请检查网络和服务是否正常，然后重试。",
        "The document could not be opened: check the network and the app, then try again.",
    ),
    "panel_retry": ("重试", "Try again"),
    "panel_of": ("第 {n} 处，共 {total} 处", "{n} of {total}"),
}
