"""The strings of the chat page: key -> (Chinese, English)."""

from __future__ import annotations

CHAT: dict[str, tuple[str, str]] = {
    # Conversations
    "new_conversation": ("新对话", "New conversation"),
    "really_delete": ("确认删除", "Delete it"),
    "cancel": ("取消", "Cancel"),
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
    # A turn
    "step_begin": ("正在准备", "Getting ready"),
    "step_queue": ("正在排队：第 {place} 位", "In the queue: number {place}"),
    "step_model": ("等待聊天模型就绪", "Waiting for the chat model"),
    "step_documents": ("正在读入第一批文档", "Reading the first documents in"),
    "step_rewrite": ("正在理解问题", "Understanding the question"),
    "step_retrieve": ("正在检索知识库", "Searching the knowledge base"),
    "step_reply": ("正在回答", "Answering"),
    "step_answer": ("正在阅读 {n} 段资料", "Reading {n} passages"),
    "step_answer_one": ("正在阅读 {n} 段资料", "Reading {n} passage"),
    "step_writing": ("正在回答", "Answering"),
    "did_queue": ("排队等候", "Waited in the queue"),
    "did_model": ("等待聊天模型", "Waited for the chat model"),
    "did_documents": ("读入第一批文档", "Read the first documents in"),
    "did_rewrite": ("理解问题", "Understood the question"),
    "did_retrieve": ("检索知识库", "Searched the knowledge base"),
    "did_reply": ("没有检索，直接回答", "Answered without a search"),
    "did_begin": ("准备", "Got ready"),
    "did_answer": ("阅读 {n} 段资料", "Read {n} passages"),
    "did_answer_one": ("阅读 {n} 段资料", "Read {n} passage"),
    "did_first_token": ("写出回答", "Wrote the answer"),
    "did_all": ("检索并阅读了 {n} 段资料", "Searched and read {n} passages"),
    "did_all_one": ("检索并阅读了 {n} 段资料", "Searched and read {n} passage"),
    "did_nothing": ("处理过程", "Steps"),
    "seconds": ("{seconds} 秒", "{seconds} s"),
    "rewritten": ("检索用的问题", "Searched for"),
    "rewritten_edited": ("您写的检索问题", "You searched for"),
    "rewriting_off": (
        "按原话检索（本对话已关闭问题补全）",
        "Searched as typed: completing questions is off in this conversation",
    ),
    "recalled_turn": ("想起您之前问过", "Recalled from an earlier conversation"),
    "recalled_fact": ("想起您说过", "Recalled that you said"),
    "recalled_preference": ("按您的要求回答", "Answered as you wish"),
    # How questions are searched
    "searching": ("检索与记忆", "Search and memory"),
    "searched_for": ("上一问的检索问题", "What was searched for"),
    "searched_for_more": (
        "不准确时可以直接修改，再按它重新检索和回答。",
        "Where it misses what you meant, change it and search again.",
    ),
    "search_again": ("按此重新检索", "Search again"),
    "complete_questions": ("结合上文补全问题", "Complete questions from the conversation"),
    "use_memory": ("使用长期记忆", "Use long-term memory"),
    "memories_used": (
        "本对话用到的记忆（取消勾选即不再使用）",
        "Memories used here (those not ticked are left out)",
    ),
    "search_only": ("只检索这些文档", "Search only these documents"),
    "search_only_more": ("不选则检索全部。", "Nothing chosen: all of them."),
    "whole_site": ("{site}（全站 {n} 页）", "{site} (whole site, {n} pages)"),
    "document_gone": ("{name}（已删除）", "{name} (deleted)"),
    "chosen": ("已保存，从下一个问题起生效。", "Kept; it holds from the next question on."),
    "nothing_to_search": ("请先写下要检索的问题。", "Write what to search for first."),
    "rated": ("谢谢，评价已保存。", "Thank you, your rating is kept."),
    "thinking": ("思考过程", "Thinking"),
    "sources": ("资料来源（{n}）", "Sources ({n})"),
    "not_cited": ("未引用", "not cited"),
    "found_dense": ("语义第 {n}", "meaning #{n}"),
    "found_keyword": ("关键词第 {n}", "words #{n}"),
    "found_rerank": ("重排第 {n}", "reranked #{n}"),
    "found_neighbour": ("含相邻段落", "with its neighbours"),
    "original": ("原网页", "Original"),
    "failed": ("没能回答", "This could not be answered"),
    "no_answer": ("知识库中没有这个问题的答案", "The knowledge base has no answer to this"),
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
    "incomplete_repeated": (
        "模型开始不断重复，已在此截断；可以重试或换一个模型",
        "The model began to repeat itself and was stopped; you can retry, or use another model",
    ),
    "incomplete_recited": (
        "模型开始复述系统提示词，已在此截断：资料中可能有诱导它的内容",
        "The model began to recite its instructions and was stopped: a document may have asked for "
        "them",
    ),
    "timing": ("首字 {first} 秒 · 共 {total} 秒", "First word {first} s · total {total} s"),
    "timing_total": ("共 {total} 秒", "Total {total} s"),
}
