"""Answers that say themselves that the documents don't tell: Chinese and English, many forms."""

from __future__ import annotations

import re

from assistant.knowledge.simplified import simplified

_THINGS = "资料|文档|文件|段落|信息|资讯|内容|上下文|知识库|原文|文中|材料"
_TELLS = "提到|提及|提供|说明|给出|包含|涉及|包括|记载|显示|指出|描述|列出|回答|找到|答案"
_DOCUMENTS = r"passages?|documents?|sources?|texts?|context|information|excerpts?|articles?"
_MENTION = (
    r"mention|specif|provid|state|contain|include|say|tell|give|indicat|discuss|address|cover"
    r"|answer|describ|list|refer"
)
_ADMITS = re.compile(
    rf"(?:{_THINGS})[^，,。；;\n]{{0,12}}(?:没有|并未|未|无法|不包含|不足|并无|没|不能)"
    rf"|(?:没有|并未|未曾|未|没)(?:直接|明确|具体|找到|任何|相关|关于|的){{0,3}}"
    rf"(?:{_TELLS}|信息|资讯|内容|资料|记录)"
    r"|(?:无法|不能|难以)(?:从|根据)?[^，,。；;\n]{0,12}"
    r"(?:确定|回答|得知|判断|知道|得出|找到|提供|确认)"
    r"|不清楚|不知道|不确定|不详|查(?:不到|无)|(?:抱歉|对不起)[，,！!。]"
    rf"|\b(?:{_DOCUMENTS})\b[^.;\n]{{0,40}}(?:\bnot\b|n['’]t\b|\bno\b|\bnothing\b|\bneither\b)"
    rf"|(?:\bnot|\bnever|n['’]t)\b[^.;\n]{{0,30}}\b(?:{_MENTION})\w*\b[^.;\n]{{0,30}}"
    rf"\b(?:{_DOCUMENTS})\b"
    rf"|\bno (?:\w+ )?(?:{_DOCUMENTS}|mention|details?|data|record|answer)\b"
    r"|\b(?:cannot|can['’]t|can not|could(?: not|n['’]t)|unable to|not able to|impossible to)"
    r" (?:\w+ )?(?:answer|determin|find|found|provid|say|tell|confirm|know)"
    r"|(?:\bnot|n['’]t) (?:\w+ )?(?:mentioned|specified|provided|stated|given|clear|available"
    r"|described|known)\b"
    r"|\bI(?:['’]m| am) (?:sorry|afraid|not sure)\b|\bsorry\b"
    r"|\bI (?:do not|don['’]t|did not|didn['’]t) (?:know|have|find|see)\b|\bunknown\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"[^。！？!?\n.]+(?:[。！？!?\n]|\.(?!\d)|$)")


def admits(text: str) -> bool:
    """Whether ``text`` says that the documents, or the speaker, can't tell.

    >>> admits("資料中沒有提到他的生日。"), admits("I could not find any information on that.")
    (True, True)
    >>> admits("他没有参加比赛。"), admits("The bridge was not built in 1900.")
    (False, False)
    """
    return _ADMITS.search(simplified(text)) is not None


def admission(answer: str) -> float:
    """The share of an answer's characters that stand in sentences which admit, 0..1."""
    sentences = [found[0] for found in _SENTENCE.finditer(answer) if found[0].strip()]
    full = sum(map(len, sentences))
    return sum(len(one) for one in sentences if admits(one)) / full if full else 0.0
