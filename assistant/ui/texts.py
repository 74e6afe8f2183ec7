"""Every string of the page, in Chinese and English, and which of the two a visitor reads."""

from __future__ import annotations

#: key -> (Chinese, English).
TEXTS: dict[str, tuple[str, str]] = {
    # The terminal
    "app_ready": ("知识库助手已就绪：{url}（Ctrl+C 退出）", "Ready: {url} (Ctrl+C ends it)"),
    # Both pages
    "app": ("知识库助手", "Knowledge Assistant"),
    "chat": ("对话", "Chat"),
    "knowledge": ("知识库", "Knowledge"),
    "pages": ("页面", "Pages"),
    "chat_model": ("聊天模型", "Chat model"),
    "memory": ("长期记忆", "Memory"),
    "starting": ("启动中", "starting"),
    "ready": ("就绪", "ready"),
    "all_ready": ("就绪", "Ready"),
    # Conversations
    "conversations": ("历史对话", "Conversations"),
    "new_conversation": ("新对话", "New conversation"),
    "delete_conversation": ("删除当前对话", "Delete this conversation"),
    "really_delete": ("确认删除", "Delete it"),
    "cancel": ("取消", "Cancel"),
    "deleted_conversation": ("对话已删除。", "The conversation was deleted."),
    "show_conversations": ("历史对话", "Conversations"),
    # Chat
    "ask": (
        "输入问题，回车发送，Shift+回车换行",
        "Ask a question (Enter sends, Shift+Enter: new line)",
    ),
    "welcome": ("有什么想问的？", "What would you like to know?"),
    "welcome_more": (
        "我只根据知识库里的文档回答，并在每句话后标出依据。",
        "I answer only from the documents in the knowledge base, and cite each sentence.",
    ),
    "welcome_empty": (
        "知识库还是空的。请先到[知识库页面](/knowledge)上传文件或抓取网站。",
        "The knowledge base is still empty. Upload files or crawl a site on the "
        "[Knowledge page](/knowledge) first.",
    ),
    "example_1": ("怎么把文档加入知识库？", "How do I add documents?"),
    "example_2": ("怎么更换聊天模型？", "How do I change the chat model?"),
    "example_3": ("对话记录保存在哪里？", "Where are conversations kept?"),
    "still_answering": (
        "这个对话还在回答，请先停止再删除。",
        "This conversation is still answering: stop it before you delete it.",
    ),
    # A turn
    "step_begin": ("正在准备", "Getting ready"),
    "step_model": ("等待聊天模型就绪", "Waiting for the chat model"),
    "step_rewrite": ("正在理解问题", "Understanding the question"),
    "step_retrieve": ("正在检索知识库", "Searching the knowledge base"),
    "step_answer": ("正在阅读 {n} 段资料", "Reading {n} passages"),
    "step_writing": ("正在回答", "Answering"),
    "did_model": ("等待聊天模型", "Waited for the chat model"),
    "did_rewrite": ("理解问题", "Understood the question"),
    "did_retrieve": ("检索知识库", "Searched the knowledge base"),
    "did_answer": ("阅读 {n} 段资料", "Read {n} passages"),
    "did_first_token": ("开始回答", "Began to answer"),
    "did_all": ("检索并阅读了 {n} 段资料", "Searched and read {n} passages"),
    "did_nothing": ("处理过程", "Steps"),
    "at_second": ("第 {seconds} 秒", "at {seconds} s"),
    "rewritten": ("检索用的问题", "Searched for"),
    "recalled": ("想起您之前问过", "Recalled from an earlier conversation"),
    "thinking": ("思考过程", "Thinking"),
    "sources": ("资料来源（{n}）", "Sources ({n})"),
    "not_cited": ("未引用", "not cited"),
    "original": ("原网页", "Original"),
    "failed": ("没能回答", "This could not be answered"),
    "refused": ("知识库中没有这个问题的答案", "The knowledge base has no answer to this"),
    "unsupported": (
        "标出的句子在资料中找不到依据，请核对。",
        "No passage bears out the marked sentences; please check them.",
    ),
    "unsupported_sentence": ("资料中找不到依据", "No passage bears this out"),
    "incomplete_stopped": ("已停止，回答不完整", "Stopped; the answer is incomplete"),
    "incomplete_broken": (
        "回答中途中断，不完整；可以重试",
        "The answer broke off and is incomplete; you can retry",
    ),
    "incomplete_cut": (
        "回答达到长度上限，在此截断；可在 .env 中调大 MAX_TOKENS",
        "The answer was cut at its longest; MAX_TOKENS in .env allows more",
    ),
    "timing": ("首字 {first} 秒 · 共 {total} 秒", "First word {first} s · total {total} s"),
    "timing_total": ("共 {total} 秒", "Total {total} s"),
    # Knowledge page
    "add_files": ("上传文件", "Upload files"),
    "add_files_more": (
        "拖到这里或点击选择，可以一次选多个：Markdown、HTML、文本、PDF、Word",
        "Drop them here or click to choose, several at once: Markdown, HTML, text, PDF, Word",
    ),
    "add_site": ("添加网页或网站", "Add a web page or site"),
    "url": ("网址", "Address"),
    "depth": ("抓取深度", "Depth"),
    "depth_more": (
        "0 只添加这一页；1 加上它链接到的同站网页；依此类推。",
        "0 adds this page only, 1 also the pages of the site that it links to, and so on.",
    ),
    "allow_private": (
        "允许内网和本机地址（仅限您信任的网站）",
        "Allow private and local addresses (for sites you trust)",
    ),
    "add": ("添加", "Add"),
    "no_url": ("请先填写网址。", "Enter an address first."),
    "jobs": ("正在进行", "Progress"),
    "job_files": ("上传 {n} 个文件", "Upload of {n} files"),
    "job_file": ("上传 {name}", "Upload of {name}"),
    "job_site": ("抓取 {url}", "Crawl of {url}"),
    "job_page": ("添加网页 {url}", "Page {url}"),
    "job_sample": ("添加示例文档", "Adding the sample documents"),
    "job_waiting": ("等待中", "waiting"),
    "job_running": ("进行中", "running"),
    "job_done": ("完成", "done"),
    "job_cancelled": ("已取消", "cancelled"),
    "job_failed": ("失败", "failed"),
    "job_partly": ("完成，部分失败", "done, some failed"),
    "job_count": ("{done}/{total} 个文档", "{done} of {total} documents"),
    "job_count_open": ("{done} 个文档", "{done} documents"),
    "job_chunks": (
        "{name}：已嵌入 {done}/{total} 段",
        "{name}: {done} of {total} passages embedded",
    ),
    "stop_jobs": ("停止", "Stop"),
    "line_added": ("已添加，{n} 段", "added, passages: {n}"),
    "line_updated": (
        "已更新，新增 {n} 段，移除 {removed} 段",
        "updated, passages: {n} new, {removed} removed",
    ),
    "line_unchanged": ("没有变化", "unchanged"),
    "counts": ("共 {sources} 个来源，{chunks} 段", "Sources: {sources}, passages: {chunks}"),
    "empty_base": (
        "知识库还是空的：上传文件或添加网站后即可提问。",
        "The knowledge base is empty: upload files or add a site, then ask.",
    ),
    "sample_note": (
        "其中的使用指南是首次启动时加入的示例，不需要可以删除，不会再自动加入。",
        "The user guides are samples added at the first start. Delete them if you like; they do "
        "not come back.",
    ),
    "col_id": ("编号", "No."),
    "col_title": ("标题", "Title"),
    "col_kind": ("类型", "Kind"),
    "col_chunks": ("段数", "Passages"),
    "col_size": ("大小", "Size"),
    "col_updated": ("更新时间", "Updated"),
    "select_hint": ("点选一行可以查看或删除。", "Choose a row to open or delete it."),
    "selected": ("已选：{title}", "Chosen: {title}"),
    "open_source": ("查看内容", "Open"),
    "delete_source": ("删除这个来源", "Delete this source"),
    "deleted_source": ("已删除：{title}", "Deleted: {title}"),
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
    "page_number": ("第 {n} 页", "page {n}"),
    "open_original": ("打开原文", "Open the original"),
    "back": ("返回对话", "Back to the chat"),
}

LANGUAGES = ("zh", "en")


def text(key: str, language: str, /, **fields: object) -> str:
    """The string ``key`` in ``language`` with its fields filled in.

    >>> text("job_count", "en", done=1, total=3)
    '1 of 3 documents'
    """
    return TEXTS[key][LANGUAGES.index(language)].format(**fields)


def table(language: str) -> dict[str, str]:
    """All strings in ``language``, with their fields open."""
    return {key: pair[LANGUAGES.index(language)] for key, pair in TEXTS.items()}


def visitor_language(setting: str, accept_language: str) -> str:
    """ "zh" or "en": ``LANGUAGE`` where it is set, else the first of the two that the browser
    asks for, else English.

    >>> visitor_language("auto", "fr;q=0.9, zh-TW;q=0.8, en;q=0.7")
    'zh'
    """
    if setting in LANGUAGES:
        return setting
    wanted = [_preference(part) for part in accept_language.split(",")]
    for _, tag in sorted(wanted, key=lambda pair: -pair[0]):
        if tag in LANGUAGES:
            return tag
    return "en"


def _preference(part: str) -> tuple[float, str]:
    tag, _, quality = part.partition(";")
    try:
        weight = float(quality.strip().removeprefix("q=") or 1)
    except ValueError:
        weight = 0.0
    return weight, tag.strip().lower().partition("-")[0]
