"""Questions that may be about anything, and the question to ask back."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from assistant.asking.covering import best_cover
from assistant.asking.overview import plain
from assistant.knowledge.records import Hit
from assistant.models.embedding.model import Embed

if TYPE_CHECKING:
    from assistant.retrieval import Found

#: A pointing question is off the conversation's subject where its cosine to the user's last one
#: is below this (of the embedded model).
OFF_SUBJECT = 0.785
#: Hits that tell what the question may be about, the share that one document may have of their
#: scores while it is still unclear which is meant, and the choices that are named.
NEAREST, CONCENTRATED, CHOICES = 8, 0.6, 4

# "The actor's", "this library", "it": with nothing beside them that says which.
_NOUNS = (
    r"(?:act(?:or|ress)|animal|country|language|state|company|park|library|county|team|player|book|"
    r"movie|film|show|song|city|town|case|fund|bond|plan|document|court|mission|chain|clinic|"
    r"department|stadium|series|cell|district|event|river|island|church|school|university|author|"
    r"singer|band|album|game|war|treaty|law|loan|account|card|service|tool|system|model|version|"
    r"feature|product|device|region|building|museum|hospital|disease|drug|plant|species|breed|"
    r"club|league|championship|contract|policy|form|order|machine|printer|software|app|course)"
)
_TIMES = r"(?:time|year|week|month|morning|evening|afternoon|century|day|way|kind|sort|type)"
_OPEN = (
    r"(?:is|are|was|were|be|been|mean|means|to|the|for|in|of|a|an|i|you|we|he|she|it|they|can|has|"
    r"have|do|does|much|would|will)"
)
_THIS = (
    rf"\b(?:this|these) (?!{_TIMES}\b|{_OPEN}\b)[a-z]+"
    rf"|\b(?:of|in|for|by|to|about|with|from|at|on) (?:that|those) (?!{_TIMES}\b|{_OPEN}\b)[a-z]+"
    r"|(?:[这该此][个些份家款部种台本篇位条项所]|那[本部家款台篇])(?!时候|问题)[\u3400-\u9fff]"
)
_POINTS = re.compile(
    rf"{_THIS}|\b(?:it|its|they|them|their|he|she|him|his|her)\b"
    rf"|\bthe (?:\w+ )?{_NOUNS}s?(?:['’]s)?\b(?! (?:of|in|for|that|who|called|named|to|on|from|"
    rf"by)\b)"
    r"|[它他她]们?",
    re.IGNORECASE,
)
_POINTS_ALONE = re.compile(_THIS, re.IGNORECASE)

_ENGLISH_BARE = """
a about after again all also am an and any are as ask at be because been before begin begins
better best both but buy by call called can change come cost costs could date deadline did do
does done else enough exactly fee fees find first for free from get gets give go going good
happen happens has have he her here him his how i if in into is it its just kind last limit
limits long made make many may me mean means more most much must my need needed new next no not
now of on one ones open opens or order other our out over pay please possible price prices
problem reason require required requirement requirements return right rule rules same second see
she should show so some something start starts step steps still stop support supported supports
take takes tell than that the their them then there these they thing things this those time to
too two until up use used using us very want was way we were what when where which while who why
will with without work working works would write written wrong wrote yes you your apply doesn't
don't can't isn't what's it's safe allowed cancel close closes fix details detail explain
"""
_CHINESE_BARE = """
多少 多少钱 钱 怎么 怎样 如何 什么 什么样 什么时候 时候 时间 哪 哪里 哪儿 哪个 哪些 哪种 哪天
谁 几 几点 多久 多长 多大 多远
为什么 为何 是 不是 是不是 有 没有 有没有 能 能不能 可以 可不可以 会 会不会 要 要不要 需要 应该
得 吗 呢 吧 啊 呀 么 嘛 了 的 地
我 你 他 她 它 我们 你们 他们 它们 这 那 这个 那个 这些 那些 这里 那里 这样 其 该 第一 第二
第一个 第二个 第三个 个 一个 些 点
申请 办理 办 弄 做 用 使用 开始 结束 开门 关门 开 关 价格 费用 收费 免费 花 买 退 换 退货 取消
修改 改 更 更好 好 最好 好用 行 支持 要求
条件 限制 步骤 流程 材料 手续 方法 办法 区别 意思 含义 原因 作用 功能 规定 详细 具体 说说 说 讲
讲讲 介绍 一下 解释 告诉 请 请问 想 知道 问
然后 还有 另外 之后 以后 最后 接下来 下一步 和 跟 与 呢 也 都 就 还 又 再 在 到 去 来 给 对 从
把 被 让 多 少 大 小 长 快 慢 贵 便宜
写 写的 作者 行不行 安全 合法 正常 不行 不能 不了 出错 坏 修 处理 解决 联系 电话 地址 名字 叫
看 找 查 拿 取 领 交 付
"""
# What can be asked of anything.
_BARE_WORDS = frozenset(f"{_ENGLISH_BARE}{_CHINESE_BARE}".split())
_PIECE = re.compile(r"[\u3400-\u9fff]+|[A-Za-z]+(?:['’][a-z]+)?|\d+")
_HAN = re.compile(r"[\u3400-\u9fff]")

_WORDS = {
    "zh": ("您问的是{choices}？请说明是哪一个。", "“{}”", "、", "，还是"),
    "en": ("Do you mean {choices}? Please say which one.", '"{}"', ", ", " or "),
}


def is_bare(question: str) -> bool:
    """Whether ``question`` holds no word that says what it is about.

    >>> is_bare("How much is it?"), is_bare("多少钱？"), is_bare("How much is the visa?")
    (True, True, False)
    """
    pieces = _PIECE.findall(question)
    return bool(pieces) and all(map(_is_bare, pieces))


def is_unclear(question: str, earlier: str = "", embed: Embed | None = None) -> bool:
    """Whether ``question`` may be about anything, by its words.

    At a conversation's beginning: it has no subject, or points at one that nobody named. Later:
    it points, and is off the subject of the user's last question.

    Args:
        earlier: the user's last question, empty at a conversation's beginning.
        embed: texts to questions' vectors of the embedded model; without it no later question
            is unclear.

    Raises:
        ModelError: ``embed`` failed.
    """
    if not earlier:
        return is_bare(question) or bool(_POINTS_ALONE.search(question))
    if embed is None or not _POINTS.search(question):
        return False
    own, before = embed([question, earlier])
    return float(own @ before) < OFF_SUBJECT


def clarifying(found: Found, language: str) -> str:
    """The question to ask back, with the nearest documents as choices; empty where what is found
    is mostly of one document, which then is meant.

    Args:
        found: for the unclear question.
        language: "zh" or "en".
    """
    nearest = list(found.hits[:NEAREST])
    weights: dict[str, float] = {}
    for hit in nearest:
        name = _subject(hit)
        weights[name] = weights.get(name, 0.0) + hit.score
    total = sum(weights.values())
    if len(weights) < 2 or max(weights.values()) > CONCENTRATED * total:
        return ""
    names = sorted(weights, key=lambda name: -weights[name])
    return _asked(names[:CHOICES], language)


def _asked(names: Sequence[str], language: str) -> str:
    text, quoted, comma, last = _WORDS[language]
    told = [quoted.format(plain(name)) for name in names]
    return text.format(choices=comma.join(told[:-1]) + last + told[-1])


def _subject(hit: Hit) -> str:
    return hit.source.title.strip() or hit.location or hit.source.uri


def _is_bare(piece: str) -> bool:
    if _HAN.match(piece):
        return best_cover(piece, lambda word: int(word in _BARE_WORDS)) > 0
    return piece.casefold().replace("’", "'") in _BARE_WORDS
