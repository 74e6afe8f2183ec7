"""Strings of the admin page: users, prompts, the audit log."""

from __future__ import annotations

#: key -> (Chinese, English).
ADMIN: dict[str, tuple[str, str]] = {
    "admin": ("管理", "Admin"),
    "admin_refused": (
        "此页面仅供管理员使用。",
        "This page is for administrators.",
    ),
    "admin_cancel": ("取消", "Cancel"),
    "admin_close": ("关闭", "Close"),
    # Users: where they are kept
    "admin_users_heading": ("## 用户", "## Users"),
    "admin_way_users": (
        "用户保存在数据目录的 users.json 中，密码只保存哈希。",
        "Users are kept in users.json in the data folder, passwords as hashes only.",
    ),
    "admin_way_proxy": (
        "登录由代理负责（请求头 {name}），密码不在这里。角色依次取自：下表、请求头 {roles}、"
        "AUTH_DEFAULT_ROLE（{default}）。",
        "A proxy logs users in (header {name}); no password is kept here. A role is that of the "
        "table below, else of the header {roles}, else AUTH_DEFAULT_ROLE ({default}).",
    ),
    "admin_way_oidc": (
        "登录由 {name} 负责，密码不在这里。角色依次取自：下表、声明 {roles}、"
        "AUTH_DEFAULT_ROLE（{default}）。",
        "{name} logs users in; no password is kept here. A role is that of the table below, else "
        "of the claim {roles}, else AUTH_DEFAULT_ROLE ({default}).",
    ),
    "admin_not_set": ("（未设置）", "(not set)"),
    "admin_way_local": (
        "现在无需登录：应用只在本机可用，使用者拥有全部权限。如需供他人使用，先添加一位管理员，"
        "再在 .env 中设置 AUTH=users 并重启：",
        "Nobody logs in now: the app answers on this machine only, and whoever sits here may do "
        "everything. To let others in, add an administrator, then set AUTH=users in .env and "
        "start again:",
    ),
    "admin_way_off": (
        "AUTH=off：任何能打开页面的人都可以查看和修改全部内容。如需登录，先添加一位管理员，"
        "再在 .env 中设置 AUTH=users 并重启：",
        "AUTH=off: everybody who reaches the page may read and change everything. To have logins, "
        "add an administrator, then set AUTH=users in .env and start again:",
    ),
    # Users: the table
    "admin_name": ("用户", "User"),
    "admin_role": ("角色", "Role"),
    "admin_last_login": ("最近登录", "Last login"),
    "admin_sessions": ("登录中", "Sessions"),
    "admin_keys": ("API 密钥", "API keys"),
    "admin_unknown": ("未知", "not known"),
    "admin_disabled": ("已停用", "disabled"),
    "admin_guest": ("来自登录服务", "of the login service"),
    "admin_you": ("您", "you"),
    "admin_change": ("管理", "Manage"),
    "admin_change_label": ("管理用户：{name}", "Manage the user {name}"),
    "admin_nobody": ("还没有用户。", "There are no users yet."),
    # Users: adding and changing one
    "admin_add": ("添加用户", "Add a user"),
    "admin_new_name": ("用户名", "Name"),
    "admin_new_password": ("密码（留空则自动生成）", "Password (empty: one is made)"),
    "admin_added": ("已添加用户 {name}。", "The user {name} is added."),
    "admin_password_once": (
        "{name} 的密码，仅显示这一次，请现在交给本人：",
        "The password of {name}. It is shown this once; hand it over now:",
    ),
    "admin_password_typed": (
        "{name} 的密码已更改，其所有登录均已失效。",
        "{name} has the new password and is logged out everywhere.",
    ),
    "admin_save_role": ("更改角色", "Change the role"),
    "admin_role_done": ("{name} 的角色现在是{role}。", "{name} is {role} now."),
    "admin_disable": ("停用", "Disable"),
    "admin_enable": ("启用", "Enable"),
    "admin_disable_done": (
        "已停用 {name}：登录和密钥均不可用。",
        "{name} is kept out, with logins and keys.",
    ),
    "admin_enable_done": ("已启用 {name}。", "{name} may come in again."),
    "admin_set_password": ("设置新密码", "Set a new password"),
    "admin_end_sessions": ("结束全部登录", "End all sessions"),
    "admin_sessions_done": ("{name} 的登录已全部结束。", "Every session of {name} has ended."),
    "admin_key_revoke": ("撤销", "Revoke"),
    "admin_key_done": ("密钥已撤销。", "The key is revoked."),
    "admin_key_made": ("创建于 {when}", "made {when}"),
    "admin_no_keys": ("没有 API 密钥。", "No API keys."),
    "admin_remove": ("删除用户…", "Delete the user…"),
    "admin_remove_what": (
        "将从用户文件中删除 {name}，登录和密钥立即失效。",
        "{name} will be removed from the users' file; logins and keys end at once.",
    ),
    "admin_remove_talks": (
        "其对话（{conversations}）和记忆（{facts}）会保留，以后用同一名称添加的用户可以看到，"
        "除非在下面选择一并删除。",
        "Their conversations ({conversations}) and memories ({facts}) stay, and whoever is added "
        "under this name gets them, unless you delete them below.",
    ),
    "admin_remove_unread": (
        "长期记忆暂不可用，无法统计其对话和记忆；它们会保留。",
        "Long-term memory is away, so their conversations and memories are not counted; they stay.",
    ),
    "admin_remove_shelves": (
        "其知识库会保留，由管理员管理，可在下方移交：{names}。",
        "Their collections stay, in the hands of administrators, and can be handed over below: "
        "{names}.",
    ),
    "admin_remove_elsewhere": (
        "登录服务仍可能让其登录：如需禁止，请改为停用。",
        "The login service may still let them in: to keep them out, disable them instead.",
    ),
    "admin_remove_forget": (
        "同时删除其对话和记忆（无法恢复）",
        "Delete their conversations and memories, too (this can't be undone)",
    ),
    "admin_remove_really": ("确认删除", "Delete"),
    "admin_removed": ("已删除用户 {name}。", "The user {name} is deleted."),
    "admin_not_forgotten": (
        "{name} 的对话未能删除，用户已停用但没有删除：请稍后再试。",
        "The conversations of {name} could not be deleted: the user is disabled, not deleted. Try "
        "again later.",
    ),
    # Collections
    "admin_shelves_heading": ("## 知识库的所有者", "## Owners of collections"),
    "admin_shelf": ("知识库", "Collection"),
    "admin_owner": ("新的所有者", "New owner"),
    "admin_owner_none": ("公共（无所有者）", "nobody's own"),
    "admin_owner_gone": ("{owner}，不在用户文件中", "{owner}, not in the users' file"),
    "admin_hand_over": ("移交", "Hand over"),
    "admin_handed": ("“{name}”现在属于 {owner}。", "“{name}” belongs to {owner} now."),
    "admin_choose_both": (
        "请选择知识库和新的所有者。",
        "Choose a collection and its new owner.",
    ),
    # Prompts
    "admin_prompts_heading": ("## 提示词", "## Prompts"),
    "admin_prompts_about": (
        "修改保存在数据目录中，升级后仍然有效，保存后立即用于下一个问题。",
        "Edits are kept in the data folder, survive an upgrade, and are used from the next "
        "question on.",
    ),
    "admin_prompt": ("提示词", "Prompt"),
    "admin_prompt_answer": ("回答", "Answer"),
    "admin_prompt_rewrite": ("改写问题", "Rewriting"),
    "admin_prompt_smalltalk": ("闲聊", "Small talk"),
    "admin_prompt_own": ("模型自己的知识", "Own knowledge"),
    "admin_about_answer": (
        "根据资料回答问题。需要系统说明；引号中的话可以原样说出，其余内容不会在回答中复述。"
        "最后一条消息里的“资料：”“问题：”等标签请保留，文档中的同名标签会被替换，以免冒充。",
        "Answers from the passages. What stands in quotation marks may be said word for word; "
        "anything else of the system message an answer may not recite. Keep the labels of the last "
        "message (Passages:, Question:): documents can't pose as these.",
    ),
    "admin_about_rewrite": (
        "结合对话补全问题。模型必须只回一行：“主题 | 完整的问题”；格式不对的回复不会被采用。",
        "Completes a question from the conversation. The model must reply with one line, "
        "“topic | complete question”; a reply of another form is not used.",
    ),
    "admin_about_smalltalk": (
        "回应问候、感谢等闲聊，不查资料。",
        "Replies to greetings, thanks and the like, without documents.",
    ),
    "admin_about_own": (
        "资料中没有答案时，用模型自己的知识补充（OWN_KNOWLEDGE=on 时）。",
        "Adds what the model itself knows where the documents hold no answer (with "
        "OWN_KNOWLEDGE=on).",
    ),
    "admin_for_language": ("问题的语言", "Questions in"),
    "admin_needs": ("最后一条消息须包含：{names}", "The last message must hold: {names}"),
    "admin_is_shipped": ("自带", "as shipped"),
    "admin_is_edited": ("已修改", "edited"),
    "admin_is_moved": ("自带版本有更新", "shipped one has changed"),
    "admin_is_broken": ("修改不可用", "edit can't be used"),
    "admin_edited_by": ("{by} 修改于 {at}", "edited by {by}, {at}"),
    "admin_moved": (
        "升级带来了新的自带提示词，现在用的仍是您的修改。自带提示词的变化：",
        "An upgrade has changed the shipped prompt; your edit is still in use. What changed in "
        "the shipped one:",
    ),
    "admin_fault": (
        "现在用的是自带提示词，因为修改后的不可用：",
        "The shipped prompt is in use, because the edited one can't be used:",
    ),
    "admin_keep": ("保留我的修改", "Keep mine"),
    "admin_take": ("改用新的自带提示词", "Take the shipped one"),
    "admin_kept": ("已保留您的修改。", "Your edit is kept."),
    "admin_diff_mine": ("与自带提示词的差别", "How it differs from the shipped prompt"),
    "admin_diff_same": ("没有差别。", "No difference."),
    "admin_text": ("提示词正文", "Text of the prompt"),
    "admin_unsaved": (
        "这是您尚未保存的修改。",
        "These are your changes, not saved yet.",
    ),
    "admin_save": ("保存并启用", "Save and use"),
    "admin_reset": ("恢复自带提示词", "Reset to the shipped prompt"),
    "admin_reset_done": (
        "已恢复自带提示词，原来的修改在“以前的版本”里。",
        "The shipped prompt is in use again; the edit is among the earlier versions.",
    ),
    "admin_prompt_done": ("已保存，从下一个问题起使用。", "Saved; used from the next question on."),
    "admin_earlier": ("以前的版本（{n}）", "Earlier versions ({n})"),
    "admin_earlier_load": ("放入编辑框", "Put into the editor"),
    "admin_earlier_loaded": (
        "已放入编辑框，保存后启用。",
        "It is in the editor now; save it to use it.",
    ),
    "admin_earlier_diff": ("与现在使用的差别", "How it differs from what is in use"),
    "admin_try": ("用上面的提示词试答一个问题", "Try the text above with a question"),
    "admin_try_ask": ("试一试", "Try it"),
    "admin_try_empty": ("请先输入一个问题。", "Enter a question first."),
    "admin_try_language": (
        "这个问题的语言用的是另一份提示词：请用提示词对应的语言提问。",
        "A question in this language goes by the other prompt: ask in the language of this one.",
    ),
    "admin_try_waiting": ("正在回答…", "Answering…"),
    "admin_try_other": (
        "这个问题没有用到正在编辑的提示词。",
        "This question was answered without the prompt that you edit.",
    ),
    # Audit log
    "admin_audit_heading": ("## 审计记录", "## Audit log"),
    "admin_audit_kind": ("类别", "Kind"),
    "admin_audit_all": ("全部", "All"),
    "admin_audit_login": ("登录", "Logins"),
    "admin_audit_users": ("用户", "Users"),
    "admin_audit_library": ("资料", "Documents"),
    "admin_audit_collection": ("知识库", "Collections"),
    "admin_audit_prompts": ("提示词", "Prompts"),
    "admin_audit_find": ("筛选：用户、对象、操作", "Filter: user, target, action"),
    "admin_audit_when": ("时间", "When"),
    "admin_audit_who": ("谁", "Who"),
    "admin_audit_what": ("操作", "What"),
    "admin_audit_none": ("没有符合的记录。", "There are no such entries."),
    "admin_audit_more": ("显示更多", "Show more"),
    "audit_address": ("地址", "address"),
    "audit_owner": ("所有者", "owner"),
    "audit_before": ("原所有者", "owner before"),
    "audit_readers": ("读者", "readers"),
    "audit_names": ("名称", "names"),
    "audit_count": ("数量", "count"),
    "audit_login": ("登录", "logged in"),
    "audit_login_failed": ("登录失败", "failed to log in"),
    "audit_login_delayed": ("登录过于频繁，被推迟", "login was put off"),
    "audit_logout": ("退出登录", "logged out"),
    "audit_password_failed": ("改密码时旧密码有误", "old password was wrong"),
    "audit_users_add": ("添加用户", "added a user"),
    "audit_users_remove": ("删除用户", "deleted a user"),
    "audit_users_forget": ("删除用户的对话和记忆", "deleted a user's conversations"),
    "audit_users_password": ("更改密码", "changed a password"),
    "audit_users_role": ("更改角色", "changed a role"),
    "audit_users_disable": ("停用用户", "disabled a user"),
    "audit_users_enable": ("启用用户", "enabled a user"),
    "audit_users_sessions": ("结束登录", "ended sessions"),
    "audit_users_key_add": ("新建密钥", "made an API key"),
    "audit_users_key_revoke": ("撤销密钥", "revoked an API key"),
    "audit_library_add": ("添加资料", "added documents"),
    "audit_library_delete": ("删除资料", "deleted documents"),
    "audit_library_sync": ("重新同步资料", "synced documents"),
    "audit_library_follow": ("添加来源", "followed a source"),
    "audit_library_repair": ("检查或修复索引", "checked the index"),
    "audit_collection_create": ("新建知识库", "made a collection"),
    "audit_collection_change": ("更改知识库", "changed a collection"),
    "audit_collection_delete": ("删除知识库", "deleted a collection"),
    "audit_collection_owner": ("移交知识库", "handed over a collection"),
    "audit_prompts_save": ("修改提示词", "edited a prompt"),
    "audit_prompts_reset": ("恢复自带提示词", "reset a prompt"),
    "audit_prompts_keep": ("保留修改过的提示词", "kept an edited prompt"),
}
