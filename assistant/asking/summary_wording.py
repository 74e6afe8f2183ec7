"""How people ask for a summary."""

from __future__ import annotations

import re

from assistant.asking.wording import first_group, first_match, patterns, trimmed

_PLEASE = (
    r"(?:(?:please|could you|can you|would you|kindly|tell me|i want you to|i'd like you to) )*"
)
_SHORT = (
    r"(?:short|brief|quick|concise|detailed|good|nice|general|high[- ]level|rough|\w+[- ]"
    r"(?:line|sentence|paragraph|page))"
)
_SUMMARIES = patterns(
    rf"{_PLEASE}(?:(?:summari[sz]e|sum up|recap|condense|outline|tl;?dr)"
    r"(?: (?:of|for|for me|again|please|briefly|the (?:key|main) points of|the contents? of))*)"
    r"(?: (.+))?",
    rf"{_PLEASE}(?:(?:give|write|make|provide|create|show|get)(?: me| us)? |i(?:'d like| want|"
    rf" need)"
    rf" )?(?:a |an |the )?(?:{_SHORT} )*(?:summary|overview|recap|abstract|outline|"
    rf"gist)(?: please)?"
    r"(?: (?:of|for|on) (.+))?",
    rf"{_PLEASE}(?:(?:what|which) are |give me |list |show me )?(?:the )?(?:key|main|"
    rf"most important|"
    r"central|core) (?:takeaways?|points?|messages?|ideas?|findings?)(?: (?:of|from|in) (.+))?",
    r"(?:so )?what(?: is|'s|s| are) (.+?) (?:all |mainly |generally )?about",
    r"what (?:does|do) (.+?) (?:say|cover|contain|discuss|describe)"
    r"(?:,? in (?:short|brief|a nutshell|general))?",
)
_TAIL = re.compile(
    r"(?:^|[, ]+)(?:for me|please|briefly|again|in (?:short|brief)|in(?:to)? (?:\w+ )+(?:words|"
    r"sentences?|bullet points?|bullets|points|paragraphs?|lines)|in (?:english|chinese))$",
    re.IGNORECASE,
)

_ZH_ASK = (
    r"(?:请|麻烦|帮我|帮忙|给我|你|您|能不能|能否|可以|可不可以|能|我想要|我想|想要|再|来|先|"
    r"用.{1,4}(?:话|句|条|字|段)话?)*"
)
_ZH_SUM = r"(?:总结|概括|归纳|概述|提炼|小结|摘要|综述|梳理|简述|總結|歸納)"
_ZH_GIST = (
    r"(?:主要内容|主要观点|核心观点|核心内容|中心思想|大意|要点|重点|梗概|摘要|概要|主旨|大致内容|"
    r"关键点|主要思想)"
)
_ZH_SUMMARIES = patterns(
    rf"{_ZH_ASK}{_ZH_SUM}(?:总结|概括|归纳)?(?:一下|下|一遍|出)?(.+?)?(?:吗|吧|呢)?",
    rf"{_ZH_ASK}(?:把|将|对)(.+?)(?:做|进行|作)?(?:一个|个|一下)?{_ZH_SUM}(?:一下|下|成.{{1,6}}|"
    rf"出来)?(?:吗|吧)?",
    rf"(.+?){_ZH_SUM}(?:一下|下)(?:吧|吗)?|(?:全文|全篇|整篇){_ZH_SUM}",
    rf"{_ZH_ASK}(?:做|写|出|给|生成|要)?(?:我)?(?:一?个|一?份|一?段)?(?:小结|摘要|总结|概要|"
    rf"概述)(?:吧)?",
    r"(.+?)(?:主要|大概|大致|都|到底)*(?:是)?(?:讲|说|写|介绍|谈|描述|讨论)(?:的是|的|了|"
    r"述了)?(?:些)?"
    r"(?:什么|啥|哪些内容|哪些)(?:内容|东西)?(?:的)?",
    rf"{_ZH_ASK}(?:简要|简单|大致|大概)?(?:地)?(?:介绍|说明|说|讲)(?:一下|"
    rf"下)(.+?)的?(?:{_ZH_GIST}|内容)",
    rf"(.+?)的?{_ZH_GIST}(?:是什么|有哪些|是啥|呢)?",
)
_ZH_TAIL = re.compile(rf"的?(?:{_ZH_GIST}|内容|观点)$|^(?:的|：|:)+")


def summary_object(text: str) -> str | None:
    """What is to be summarised, in the words of ``text``; empty where it doesn't say. None where
    it asks for no summary.

    >>> summary_object("总结一下《用户手册》的要点"), summary_object("Summarise this document")
    ('《用户手册》', 'this document')
    """
    text = _TAIL.sub("", trimmed(text))
    found = first_match((*_SUMMARIES, *_ZH_SUMMARIES), text)
    if found is None:
        return None
    return _ZH_TAIL.sub("", _TAIL.sub("", first_group(found))).strip()
