"""The strings of the memory page: key -> (Chinese, English)."""

from __future__ import annotations

MEMORY: dict[str, tuple[str, str]] = {
    # What it is
    "memories": ("记忆", "Memory"),
    "memory_intro": (
        "您在对话中说过的、以后用得上的话（您的情况、希望怎样回答）会按原话记在这里，对话全文也会保存。"
        "文档里的内容和助手自己说的话不会当作您的话来记。",
        "What you say in chats that will matter later (about you, or how you want to be answered) "
        "is kept here in your own words, and so is every conversation. Nothing is taken from "
        "documents or from what the assistant says.",
    ),
    "memory_where": ("保存位置", "Where"),
    "memory_where_own": (
        "只在 REDIS_URL 所指的 Redis 中，按用户分开存放",
        "Only in the Redis that REDIS_URL names, apart for each user",
    ),
    "memory_where_embedded": (
        "只在这台机器的内置 Redis 中（数据文件夹下的 redis），按用户分开存放",
        "Only in this machine's embedded Redis (redis in the data folder), apart for each user",
    ),
    "memory_keeping": ("保存时间", "How long"),
    "memory_kept_ever": ("直到您删除", "Until you delete it"),
    "memory_kept_days": (
        "{days} 天，置顶的记忆一直保留",
        "{days} days, pinned memories for ever",
    ),
    "memory_caps": (
        "最多 {turns} 轮对话、{facts} 条记忆，超出时最早的先删，置顶的不删",
        "at most {turns} turns and {facts} memories: the oldest go first, pinned ones never",
    ),
    "memory_used": ("怎样使用", "Use"),
    "memory_used_more": (
        "与问题有关的几条会随问题发给聊天模型，并显示在回答上方",
        "The few that bear on a question go to the chat model with it, and stand above the answer",
    ),
    # Pausing
    "remembering": ("记住我说的话", "Remember what I say"),
    "remembering_on": ("已开启", "On"),
    "remembering_paused": ("已暂停", "Paused"),
    "remembering_paused_more": (
        "已暂停：不再从新的对话中记下您的情况和喜好。对话全文仍会保存，已有的记忆照常使用。",
        "Paused: nothing more about you is noted from new chats. Conversations are still stored, "
        "and what is remembered is still used.",
    ),
    # Redis away
    "memory_as_last_read": (
        "下面是断开之前读到的内容，可能已经变化；恢复后会自动刷新。",
        "Below is what was read before; it may have changed. It is read again once Redis is back.",
    ),
    "memory_not_read": (
        "现在读不到记忆，恢复后会自动显示。",
        "The memory can't be read now; it will show here once Redis is back.",
    ),
    "memory_held": (
        "有 {n} 条写入在等待 Redis 恢复，暂存在运行本程序的机器上，恢复后自动保存。",
        "Writes that wait for Redis: {n}. They are kept on the machine that runs this program, and "
        "stored once Redis is back.",
    ),
    # Memories
    "memories_heading": ("记住的内容", "What is remembered"),
    "memory_count": ("{n} 条", "{n}"),
    "memory_search": ("搜索记忆和对话", "Search memories and conversations"),
    "memory_search_hint": (
        "搜索记忆和对话（回车：也按意思找）",
        "Search (Enter: also by meaning)",
    ),
    "memory_all": ("全部", "All"),
    "memory_fact": ("关于您", "About you"),
    "memory_preference": ("回答方式", "How to answer"),
    "memory_said": ("说于", "Said"),
    "memory_written": ("您于 {at} 在本页写下", "Written by you on this page, {at}"),
    "memory_pinned": ("已置顶", "Pinned"),
    "memory_near": ("意思相近", "Similar in meaning"),
    "memory_before": ("以前的说法（{n}）", "Before ({n})"),
    "memory_until": ("至 {at}", "until {at}"),
    "memory_none": (
        "还没有记住什么。在对话里说说您的情况，比如“我用的是一块 96 GB 的 H20”，"
        "或者在这里自己写一条。",
        "Nothing is remembered yet. Say something about yourself in a chat, such as “I use an H20 "
        "with 96 GB”, or write a memory here yourself.",
    ),
    "memory_none_of_kind": ("这一类还没有内容。", "There is nothing of this kind yet."),
    "memory_none_found": (
        "没有含有这些字词的记忆。按回车可以查找意思相近的。",
        "No memory has these words. Enter also finds what means the same.",
    ),
    "memory_none_near": ("没有找到。", "Nothing was found."),
    "memory_more": ("再显示一些（还有 {n} 条）", "Show more ({n} left)"),
    "memory_more_talks": ("再显示一些对话", "Show more conversations"),
    "memory_edit": ("编辑", "Edit"),
    "memory_edit_label": ("编辑这条记忆", "Edit this memory"),
    "memory_save": ("保存", "Save"),
    "memory_cancel": ("取消", "Cancel"),
    "memory_edit_hint": ("Ctrl+回车保存，Esc 取消", "Ctrl+Enter saves, Esc cancels"),
    "memory_pin": ("置顶", "Pin"),
    "memory_unpin": ("取消置顶", "Unpin"),
    "memory_delete": ("删除", "Delete"),
    "memory_delete_which": (
        "这条记忆和它以前的说法都会删除，无法恢复。",
        "This memory and what it said before will be deleted. This can't be undone.",
    ),
    "memory_really_delete": ("确认删除", "Delete it"),
    "memory_saved": ("已保存。", "Saved."),
    "memory_saved_later": (
        "记下了，等 Redis 恢复后保存。",
        "Noted: it is stored once Redis is back.",
    ),
    "memory_deleted": ("已删除。", "Deleted."),
    "memory_gone": (
        "这条记忆已经在别处删除，列表已刷新。",
        "This memory was deleted elsewhere; the list is up to date again.",
    ),
    "memory_gone_typed": (
        "这条记忆已经在别处删除。您写的内容放进了“写一条记忆”，可以保存为新的一条。",
        "This memory was deleted elsewhere. What you typed is in “Write a memory”, to be saved as "
        "a new one.",
    ),
    "memory_changed": (
        "这条记忆刚刚在别处改过，列表已刷新。请看过新的内容再决定。",
        "This memory was changed elsewhere; the list is up to date again. Please look at it first.",
    ),
    "memory_changed_typed": (
        "这条记忆刚刚在别处改成了“{text}”。您写的内容还在，再点保存就会替换它。",
        "This memory was changed elsewhere to “{text}”. What you typed is still there; save again "
        "to replace it.",
    ),
    "memory_empty": ("请先写下内容。", "Please write something first."),
    "memory_long": (
        "一条记忆最多 {most} 字，这里有 {n} 字。",
        "A memory has at most {most} characters; this has {n}.",
    ),
    # Writing one's own
    "memory_write": ("写一条记忆", "Write a memory"),
    "memory_write_hint": (
        "例如：我在上海工作；请用中文回答，并附上代码",
        "For example: I work in Shanghai; answer with code",
    ),
    "memory_kind": ("类别", "Kind"),
    "memory_known": (
        "这句话已经记着了。",
        "This is remembered already.",
    ),
    # Conversations
    "memory_conversations": ("保存的对话", "Conversations"),
    "memory_turn": ("{n} 轮", "{n} turn"),
    "memory_turns": ("{n} 轮", "{n} turns"),
    "memory_asked": ("问过：{text}", "Asked: {text}"),
    "memory_no_title": ("没有标题的对话", "Untitled conversation"),
    "memory_no_conversations": ("还没有保存的对话。", "No conversation is stored yet."),
    "memory_forget": ("忘记", "Forget"),
    "memory_forget_label": ("忘记对话：{title}", "Forget the conversation: {title}"),
    "memory_forget_turns": (
        "这个对话（{turns}）会全部删除",
        "The whole conversation ({turns}) will be deleted",
    ),
    "memory_forget_facts": (
        "，连同只在这里说过的 {n} 条记忆",
        ", with memories that were said only here: {n}",
    ),
    "memory_forget_back": (
        "；另有 {n} 条记忆会退回以前的说法",
        "; memories that go back to what they said before: {n}",
    ),
    "memory_no_undo": ("。无法恢复。", ". This can't be undone."),
    "memory_really_forget": ("确认忘记", "Forget it"),
    "memory_forgotten": ("对话已忘记。", "The conversation was forgotten."),
    # All of it
    "memory_data_heading": ("### 您的数据", "### Your data"),
    "memory_export": ("导出全部（JSON）", "Export all (JSON)"),
    "memory_export_more": (
        "所有对话、记忆和设置，当场生成，服务器上不留副本。",
        "Every conversation, memory and choice; made on the spot, no copy stays on the server.",
    ),
    "memory_not_exported": ("没能导出", "The export failed"),
    "memory_back": ("返回记忆页", "Back to the memory page"),
    "memory_forget_all": ("全部忘记", "Forget everything"),
    "memory_forget_all_more": (
        "删除您的所有对话和记忆，包括文字、向量和摘要。知识库里的文档不受影响。",
        "Deletes all your conversations and memories: texts, vectors and summaries. The documents "
        "of the knowledge base stay.",
    ),
    "memory_forget_all_which": (
        "将删除 {conversations} 个对话和 {facts} 条记忆，无法恢复。需要的话请先导出。",
        "Conversations that will be deleted: {conversations}; memories: {facts}. This can't be "
        "undone. Export them first if you need them.",
    ),
    "memory_forget_all_type": (
        "输入“{word}”以确认",
        "Type “{word}” to confirm",
    ),
    "memory_forget_all_word": ("全部忘记", "forget everything"),
    "memory_all_forgotten": ("全部忘记了。", "Everything was forgotten."),
}
