"""How people ask which documents there are."""

from __future__ import annotations

import re

from assistant.asking.wording import first_match, patterns, trimmed

_DOCS = (
    r"(?:documents?|docs?|files?|pdfs?|sources?|manuals?|websites?|sites?|web ?pages?|uploads?|"
    r"articles?)"
)
_BASE = r"(?:knowledge ?base|library|document collection|collection of documents)"
_IN_BASE = rf"(?:in|of|from|inside) (?:the|your|this|our|my) {_BASE}"
_PLEASE = r"(?:(?:please|could you|can you|would you|kindly|tell me|let me see) )*"
_HAVE = (
    r"(?:do (?:you|we|i) (?:currently |already )?(?:have|hold|know|use|search|cover|own|contain)|"
    r"are (?:you using|there|available|loaded|indexed|uploaded|stored|included)|"
    r"(?:have|has) (?:been|you|we|i) \w+|can (?:you|i|we) (?:search|access|read|use|ask|see)|"
    rf"did (?:i|we|you) (?:upload|add|crawl|import|load|index)|you (?:can|have|know|use|search)|"
    rf"(?:are|is) {_IN_BASE})"
)
_AFTER = (
    rf"(?: (?:access to|now|so far|here|in total|right now|please|at the moment|already|search|"
    rf"{_IN_BASE}))*"
)
_ALL = r"(?: (?:a|the|an|all|list|of|full|complete|names?|titles?|my|your|our|available|uploaded))*"
_KINDS = r"(?: (?:all|kinds?|sorts?|types?|of|the|other|different))*"
_ALL_DOCUMENTS = patterns(
    rf"{_PLEASE}(?:which|what|how many|(?:list|"
    rf"show(?: me)?){_KINDS}){_KINDS} {_DOCS} {_HAVE}{_AFTER}",
    rf"{_PLEASE}(?:give me|get|see|list|show(?: me)?|names? of|name|enumerate|view){_ALL} {_DOCS}"
    rf"(?: (?:that )?you (?:have|know|can search))?{_AFTER}",
    rf"{_PLEASE}what(?:'s| is)?(?: \w+)?(?: are| is)? {_IN_BASE}|how (?:big|large) is (?:the|"
    rf"your) {_BASE}",
    rf"{_PLEASE}(?:show(?: me)?|list|describe|give me|explain|what (?:is|does)|what's)(?: (?:an? )?"
    rf"(?:overview|summary|list|contents?|everything|topics?|all)(?: of)?)? (?:the|your|our|this|"
    rf"my) {_BASE}"
    r"(?: (?:contain|hold|have|cover|about|include|like|please))*",
    r"(?:what|which) (?:\w+ )?(?:topics?|subjects?|areas?|information|content)"
    rf"(?: (?:do you|can you|are|is)\b[\w ]*|{_AFTER})(?: about| access to)?",
    rf"(?:which|what) topics are covered(?: {_IN_BASE})?",
    r"what (?:can|should|could) (?:i|we) ask(?: you)?(?: about)?|"
    r"what do you (?:actually )?know(?: about)?",
    rf"what (?:are|is) your {_DOCS}|what {_DOCS} are you using",
)
_DOCUMENTS_ABOUT = patterns(
    rf"{_PLEASE}(?:do (?:you|we) have|is there|are there|have (?:you|we) got)"
    rf"(?: (?:a|an|any|some|the|other|more))* {_DOCS} (?:about|on|regarding|concerning|covering|"
    rf"dealing with|related to|that (?:mentions?|covers?|explains?)|for) (.+?)(?: {_IN_BASE})?",
    rf"{_PLEASE}(?:which|what|how many) {_DOCS} (?:(?:do (?:you|we) have|are there) )?(?:about|on|"
    rf"cover|mention|deal with|are about) (.+?)(?: do (?:you|we) have| are there| {_IN_BASE})?",
    rf"(?:do (?:you|we) have|is there|are there)(?: anything)?(?: (?:about|on))? (.+?) {_IN_BASE}",
)
_NAMED = patterns(
    r"(?:do (?:you|we) have|have (?:you|we) got|can you see) (?:a |an |the |my |our )?(.+)"
)

_ZH_DOCS = (
    r"(?:文档|文件|资料|文章|材料|手册|网站|网页|来源|说明书|文献|pdf|内容|数据|主题|话题|领域|"
    r"文檔|檔案|資料|东西)"
)
_ZH_BASE = r"(?:(?:你|我|咱们|我们)?的?(?:知识库|知識庫|资料库|文档库|文件库|库))"
_ZH_LEAD = (
    rf"(?:请问|请|那|现在|目前|当前|一共|总共|你们?|您|我们?|咱们|{_ZH_BASE}|这里|都|里|中|内|能|"
    rf"可以|帮我|给我|給我|"
    r"看看|看一下|告诉我|说说|的|总|到底|手头|已经|已|还|一下|面)*"
)
_ZH_HAVE = (
    r"(?:有|包含|包括|收录|掌握|上传|存|导入|读|学|看|查|抓取|存放|用|涵盖|覆盖|录入|检索|参考)"
)
_ZH_MANY = r"(?:哪些|什么|多少|几|啥|哪几|哪|些什么|些啥|些)(?:种|类|个|篇|份|本|类型的|方面的|些)*"
_ZH_TAIL = r"(?:可以查|可查|能查|可用|呢|啊|呀|吗|了|可以看|可以用)*"
_ZH_ALL_DOCUMENTS = patterns(
    rf"{_ZH_LEAD}{_ZH_HAVE}(?:过|了|着|的)?(?:都)?{_ZH_MANY}{_ZH_DOCS}{_ZH_TAIL}",
    rf"{_ZH_LEAD}{_ZH_BASE}(?:里面|里|中|内)?(?:都|一共|总共|现在)*(?:有|包含|装|存|放|"
    rf"收录)(?:了|着)?"
    rf"{_ZH_MANY}{_ZH_DOCS}?{_ZH_TAIL}",
    rf"{_ZH_LEAD}{_ZH_BASE}有?(?:多大|多少内容)",
    rf"{_ZH_LEAD}(?:请|帮我)?(?:列出|列一下|列|列举|显示|展示|查看|看|看看|介绍|介绍一下)(?:一下|"
    rf"下|来)?"
    rf"(?:你|我|您)?(?:全部|所有|现有|已有|掌握|有|上传|这些|的)*{_ZH_DOCS}(?:吧|列表|清单|目录)?",
    rf"{_ZH_LEAD}(?:介绍|介绍一下|看看|说说|讲讲)?(?:一下)?{_ZH_BASE}的?(?:{_ZH_DOCS}?(?:列表|"
    rf"清单|目录|概况|总览))?",
    r"(?:文档|文件|资料|来源)(?:列表|清单|目录)",
    r"(?:你|您)(?:都|能|到底|究竟)*(?:知道|懂|了解)(?:些)?(?:什么|啥|哪些(?:东西|内容|知识)?)",
    r"(?:我|你|您)?(?:可以|能|能够)(?:向你|问|问你|回答)(?:您)?(?:些)?(?:什么|哪些|哪方面|"
    r"哪些方面|啥|哪类)"
    r"(?:的|方面的)?(?:问题|内容|主题)?",
    r"(?:你|您)的(?:资料|数据|知识|答案|信息|内容)?(?:来源|出处)(?:是|有)?(?:什么|哪里|哪些|啥)?",
)
_ZH_DOCUMENTS_ABOUT = patterns(
    rf"{_ZH_LEAD}(?:有没有|有无|是否有|有)(?:什么|哪些|一些|任何|多少|几[篇份个])?"
    rf"(?:关于|有关|讲|介绍|涉及|提到|包含|跟|和|与)(.+?)(?:有关|相关|方面)?的{_ZH_DOCS}(?:吗|呢|"
    rf"么|没有)?",
    rf"{_ZH_LEAD}(?:有没有|是否有|有哪些)(.+?)(?:有关|相关|方面)的?{_ZH_DOCS}(?:吗|呢|么)?",
    rf"{_ZH_BASE}(?:里面|里|中|内)?(?:有没有|是否有|有)(?:关于)?(.+?)(?:的{_ZH_DOCS})?(?:吗|呢|"
    rf"么|没有)",
)
_ZH_NAMED = patterns(rf"{_ZH_LEAD}(?:有没有|有|是否有)(.+?)(?:吗|么|没有)?")
# What a name of a document may hold.
_DOCUMENT = re.compile(
    r"《|\.(?:pdf|docx?|md|txt|pptx?|xlsx?)\b|手册|指南|文档|文件|报告|白皮书|制度|说明书|规定|"
    r"教程|合同|"
    r"\b(?:manual|guide|handbook|report|policy|paper|document|file|pdf|book|notes|contract|"
    r"tutorial)s?\b",
    re.IGNORECASE,
)


def library_topic(text: str) -> str | None:
    """What documents are asked for: empty for all of them. None where ``text`` asks for none.

    >>> library_topic("有没有关于报销的文档？"), library_topic("Which documents do you have?")
    ('报销', '')
    """
    text = trimmed(text)
    if first_match((*_ALL_DOCUMENTS, *_ZH_ALL_DOCUMENTS), text):
        return ""
    found = first_match((*_DOCUMENTS_ABOUT, *_ZH_DOCUMENTS_ABOUT), text)
    return found[1].strip() if found else None


def wanted_document(text: str) -> str:
    """The name in "do you have the user manual?", which may be a document's; empty where there is
    none."""
    found = first_match((*_NAMED, *_ZH_NAMED), trimmed(text))
    return found[1].strip() if found and _DOCUMENT.search(found[1]) else ""
