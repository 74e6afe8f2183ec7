"""How people ask for a comparison."""

from __future__ import annotations

import re

from assistant.asking.wording import LONGEST, trimmed

MOST = 4  # things compared at once

_PLEASE = r"(?:(?:please|could you|can you|would you|kindly|i want you to) )*"
_CHEAPER = (
    r"(?:better|worse|faster|cheaper|bigger|larger|smaller|slower|stronger|safer|longer|heavier|"
    r"(?:more|less) \w+)"
)
_ENGLISH = (
    r"\b(?:differences?|distinctions?|contrasts?|comparisons?) (?:between|among|amongst) (.+)$",
    rf"^{_PLEASE}(?:compare|contrast) (.+)$",
    r"^(?:what (?:is|are) )?([^,.?!]{1,60}? (?:vs\.?(?! code)|versus) [^,.?!:]{1,60})",
    r"\bhow (?:does|do|is|are|did) (.+?) (?:differ|different|distinguished) from (.+)$",
    r"\bwhat (?:distinguishes|differentiates) (.+?) from (.+)$",
    rf"\bwhich(?: \w+)? (?:is|are|has|runs|works|costs) (?:the )?{_CHEAPER}[\w ]{{0,24}}?[,:] "
    r"(.{1,50}? or .{1,50})$",
    r"\bhow do (.{1,50}? and .{1,50}?) (?:compare|differ)\b",
    r"^should (?:i|we) (?:use|choose|take|buy|pick) (.{1,40}? or .{1,40})$",
    rf"^(?:is|are) ([\w .+#-]{{2,40}}?) {_CHEAPER} than ([\w .+#-]{{2,40}})$",
)
_JOIN = r"(?:和|与|跟|以及|及|、|/|vs\.?|同(?!比|时|样|一))"
_SIDE = r"[^?？,，。!！]"
_GOOD = r"(?:好|快|合适|划算|贵|便宜|强|安全)"
_CHINESE = (
    rf"^({_SIDE}{{1,50}}?{_JOIN}{_SIDE}{{1,50}}?)(?:之间|两者|二者|三者|这两个)?(?:的|有|存在|"
    rf"主要|最大|本质|到底|"
    r"究竟|什么|何|哪些|是|啥|多大|上)*(?:区别|不同|差异|差别|异同)",
    rf"^(?:请|帮我|麻烦|来|给我|再)*(?:对比|比较)(?:一下|下)?(?:这两款|这两个|两者|"
    rf"两款)?[：:，,]?(.+{_JOIN}.+)$",
    rf"^({_SIDE}{{1,24}}?{_JOIN}{_SIDE}{{1,24}}?)(?:相比|比较|对比|孰优孰劣|怎么选)",
    rf"^({_SIDE}{{1,24}}?{_JOIN}{_SIDE}{{1,24}}?)[，, ]?(?:哪个|哪种|哪款|哪一个|哪家|"
    rf"谁)(?:的?[^的]{{0,6}})?"
    r"(?:更|最|比较)?(?:好|快|高|低|大|小|长|短|贵|便宜|强|重|轻|多|少|安全|划算|合适|"
    r"厉害)[^\s]{0,4}$",
    rf"^({_SIDE}{{1,16}}?)更?{_GOOD}[，,]?还是({_SIDE}{{1,16}}?)更?{_GOOD}(?:些|一点|呢)?$",
    r"^([^?？比]{1,14}?)(?<![同环对相占])比(?![例较如赛重率])([^?？比]{1,14}?)更?(?:贵|便宜|好|快|慢|重|轻|高|低|大|小|长|短|强)"
    r"(?:多少|吗|在哪里?|多少钱|几倍|么)$",
)
_COMPARISONS = tuple(re.compile(source, re.IGNORECASE) for source in (*_ENGLISH, *_CHINESE))
_SPLIT = re.compile(
    r",? (?:and|or|with|vs\.?|versus|against) |,? to (?=the |a )|\s*[,、，/]\s*"
    r"|\s*(?:和|与|跟|以及|及|或|vs\.?|同(?!比|时|样|一))\s*",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"《[^《》]+》")
_AROUND = re.compile(
    r"^(?:请问|请|那么?|你知道|我想知道|关于|between |both |either |说说|了解)+"
    r"|(?:之间|两者|这两个|这两款|各自|有什么|有何|有|的|呢|各|分别|之|都|到底| please| the two)+$",
    re.IGNORECASE,
)
_POINTER = re.compile(
    r"(?:it|its|this|that|these|those|them|they|(?:the )?others?|the two|both|one|each|you|me|"
    r"the (?:first|second|former|latter)(?: one)?|[它他她你我]们?|这个?|那个?|其[他它]的?|别的|"
    r"前者|后者|"
    r"第[一二三]个|两者|这些|那些)",
    re.IGNORECASE,
)


def compared_things(text: str) -> tuple[str, ...]:
    """The two things or more that are compared, at most :data:`MOST`; none where nothing is, or
    where only the conversation says what.

    >>> compared_things("年假和病假有什么区别？"), compared_things("Redis vs Valkey")
    (('年假', '病假'), ('Redis', 'Valkey'))
    """
    text = trimmed(text)
    if len(text) > LONGEST:
        return ()
    found = next((match for one in _COMPARISONS if (match := one.search(text))), None)
    if found is None:
        return ()
    told = [group for group in found.groups() if group]
    parts = _split(told[0]) if len(told) == 1 else told
    things = [thing for part in parts if (thing := _bare(part))]
    if len(things) < 2 or any(map(_POINTER.fullmatch, things)):
        return ()
    return tuple(dict.fromkeys(things))[:MOST]


def _split(told: str) -> list[str]:
    """At what joins the things, but not within a title."""
    titles: list[str] = []

    def hidden(title: re.Match[str]) -> str:
        titles.append(title[0])
        return f"\ue000{len(titles) - 1}\ue001"

    parts = _SPLIT.split(_QUOTED.sub(hidden, told))
    return [re.sub("\ue000(\\d+)\ue001", lambda n: titles[int(n[1])], part) for part in parts]


def _bare(thing: str) -> str:
    return _AROUND.sub("", thing.strip()).strip(" ,，：:")
