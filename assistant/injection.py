"""Sentences of documents that command the model: it does not get to read them.

A document is data, but a small model obeys whoever spoke last. So a sentence that tells the model
what it is, what to ignore, what to reveal or what its answer has to be is left out of the prompt,
and the reader is told. On 150,000 sentences of encyclopedias, novels, web pages and chats, the
rules take one in ten thousand by mistake, mostly of manuals for chat bots; such a sentence can
still be found and opened, it is only not read to the model.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import replace

from assistant.fencing import without_marks
from assistant.passages import GAP, Passage
from assistant.sentences import split_sentences

_MODEL = (
    r"(?:\b(?:ai|llms?|(?:language |chat )?models?|(?:ai )?assistants?|chat ?bots?)\b"
    r"|人工智能|大模型|语言模型|模型|助手|助理|机器人)"
)
_ORDERS = (
    r"\b(?:instructions?|prompts?|rules?|guidelines?|directives?|commands?|messages?|context"
    r"|passages?)\b"
)
_ZH_ORDERS = r"(?:指令|指示|提示词?|要求|规则|命令|设定|约束|限制|内容|资料|信息|对话)"
_REPLIES = r"(?:answers?|repl(?:y|ies)|responses?|outputs?)\b"

#: What a command does -> how it is said.
RULES: dict[str, tuple[str, ...]] = {
    "ignore what was said": (
        r"\b(?:ignore|disregard|forget|override|bypass|discard)\b[^.!?\n]{0,40}?\b(?:previous|prior"
        r"|above|earlier|preceding|other|all|any|your|system|these|those)\b[^.!?\n]{0,30}?"
        + _ORDERS,
        r"(?:忽略|无视|忘记|忘掉|忽视|不要理会|不用理会|不要管|抛开|跳过|覆盖)[^。！？\n]{0,12}?"
        r"(?:以上|之前|上面|上述|前面|先前|所有|全部|其他|其它|系统|原有|一切|你的|任何)"
        r"[^。！？\n]{0,12}?" + _ZH_ORDERS,
    ),
    "be someone else": (
        r"\byou are (?:now|no longer) (?:an?|the|my|in|free|called|known|bound)\b",
        r"\bfrom now on,? you (?:are|will|must|shall|have)\b|\bpretend (?:to be|that you are)\b",
        r"你现在(?:是|扮演)|从现在(?:起|开始)[，,]?\s*你(?:是|要|就|必须|将)|你不再是|你?假装(?:你)?是",
        r"\b(?:developer|debug|god|dan|jailbreak|unrestricted|admin(?:istrator)?) mode\b"
        r"|\bjailbreak|\bdo anything now\b|开发者模式|越狱模式|管理员模式|无限制模式",
    ),
    "say what the prompt says": (
        r"\b(?:reveal|print|show|repeat|output|leak|disclose|quote|display|tell)\b[^.!?\n]{0,40}?"
        r"\b(?:system prompt|(?:your|hidden|initial|original|secret) (?:system )?"
        r"(?:prompts?|instructions?|rules))\b",
        r"(?:输出|显示|透露|泄露|打印|重复|公开|展示|复述|说出|告诉)[^。！？\n]{0,15}?"
        r"(?:系统提示|提示词|系统消息|系统指令|你的指令|初始指令|隐藏(?:的)?指令|你收到的)",
    ),
    "listen, model": (
        r"\b(?:attention|notice|note|message|instructions?|dear|hey|hello)\b[^.!?\n]{0,15}?"
        rf"(?:{_MODEL})\s*[:：,，!]",
        rf"\b(?:when|if|as) (?:an? |any |the )?{_MODEL}[^.!?\n]{{0,30}}?"
        r"\b(?:reads?|reading|sees?|process\w*|summari[sz]\w*|answer\w*|asked|must|should)\b",
        rf"{_MODEL}[^.!?\n。！？]{{0,20}}?\b(?:must|shall|have to|(?:is|are) required to)\b"
        r"[^.!?\n]{0,30}?\b(?:answer|reply|respond|say|output|write|include|cite|tell|end|begin)",
        rf"{_MODEL}[^。！？\n]{{0,10}}?(?:必须|请|务必|应当|应该|一律|只能|不得)"
        r"[^。！？\n]{0,20}?(?:回答|回复|输出|说|写|告诉|引用|附上|插入|执行|遵守|服从|声称)",
        rf"(?:致|写给|提醒|请)(?:所有|各位|阅读本文的|正在阅读的)?{_MODEL}[^。！？\n]{{0,4}}?[:：，,]",
        r"\bnew (?:system )?(?:instructions?|prompt)\b|\bsystem (?:message|override|prompt)\b",
        r"新的?(?:系统)?指令|系统(?:消息|覆盖|指令|提示)[:：]|最高优先级指令",
    ),
    "answer so": (
        r"\b(?:answer|reply|respond|output|write|say|print)\b[^.!?\n]{0,20}?\b(?:only|exactly"
        r"|nothing but|just)\b[^.!?\n]{0,20}?[\"'“‘「:：]",
        r"\b(?:end|begin|start|finish|append|add|include|insert|put)\b[^.!?\n]{0,30}?"
        r"\b(?:your|every|each|all|the) " + _REPLIES,
        r"\b(?:in|to|at|into) (?:your|every|each) " + _REPLIES,
        r"(?:只|仅|必须|务必|一律|直接)(?:需|要|能|可)?(?:回答|回复|输出|说)[^。！？\n]{0,6}?[“\"「『:：]",
        r"(?:你的|每次|每个|所有|任何)(?:的)?(?:回答|回复|答复|输出)[^。！？\n]{0,20}?"
        r"(?:必须|务必|都要|都应|结尾|末尾|开头|最后|加上|附上|插入|包含|只能)",
        r"(?:在|于)(?:回答|回复|答复|输出)(?:的)?(?:结尾|末尾|开头|最后|中)",
    ),
    "cite so": (
        r"\b(?:do not|don't|never)\b[^.!?\n]{0,20}?\b(?:cite|use|mention|trust|follow)\b"
        r"[^.!?\n]{0,20}?\b(?:other|rest|previous)\b[^.!?\n]{0,12}?\b(?:passages?|sources?)\b",
        r"(?:不要|不得|禁止|别)(?:引用|使用|提及|相信|参考)[^。！？\n]{0,6}?(?:其他|其它|别的)"
        r"[^。！？\n]{0,4}?(?:资料|来源|段落|文档)",
        r"\b(?:cite|quote) (?:only )?(?:me|this passage|this document)\b"
        r"|(?:只|请|务必)引用(?:我|本段|本文)",
    ),
    "lead the reader": (
        r"\b(?:tell|instruct|urge) (?:the )?(?:user|reader)s? (?:to|that)\b",
        r"(?:告诉|引导|诱导)(?:用户|读者|提问者|对方)[^。！？\n]{0,10}?"
        r"(?:点击|访问|打开|发送|提供|输入|下载|转账|扫码|联系|密码)",
    ),
}
_COMMAND = re.compile("|".join(p for rules in RULES.values() for p in rules), re.IGNORECASE)


def commands(sentence: str) -> bool:
    """Whether ``sentence`` speaks to the model, by any of :data:`RULES`; written with wide letters,
    or with characters between that no reader sees, as well."""
    normal = unicodedata.normalize("NFKC", sentence)
    seen = "".join(char for char in normal if unicodedata.category(char) != "Cf")
    return _COMMAND.search(without_marks(seen)) is not None


def without_commands(
    passages: Sequence[Passage], question: str
) -> tuple[list[Passage], tuple[str, ...]]:
    """The passages without sentences that command the model, numbered anew, and those sentences.

    A question that is about such sentences itself gets all of them.
    """
    if commands(question):
        return list(passages), ()
    kept: list[Passage] = []
    left_out: list[str] = []
    for passage in passages:
        quote, found = _spared(passage.quote)
        left_out += found
        if quote:
            kept.append(replace(passage, n=len(kept) + 1, quote=quote))
    return kept, tuple(left_out)


def _spared(quote: str) -> tuple[str, list[str]]:
    sentences = split_sentences(quote)
    bad = {place for place, sentence in enumerate(sentences) if commands(sentence)}
    if not bad:
        return quote, []
    text = ""
    for place, sentence in enumerate(sentences):
        if place not in bad:
            text += sentence
        elif text and not text.endswith(GAP):
            text = text.rstrip() + GAP
    return text.removesuffix(GAP).strip(), [sentences[place].strip() for place in sorted(bad)]
