"""What a statement is about, where that has one value at a time or words differ from value to
value: two of the same matter belong together however unlike their words are."""

from __future__ import annotations

import re
from functools import lru_cache

_I = re.IGNORECASE
#: Matters in which a person has one value: another one replaces it even if nothing says "now".
ONE_VALUE = frozenset({"name", "home", "age", "superior"})

_MATTERS = {
    name: re.compile(pattern, _I)
    for name, pattern in {
        "name": (r"(?:叫|喊|称呼)我|我叫|我的?名字|\bcall me\b|\bmy name\b|\bI go by\b"),
        "home": (
            r"(?<!爸妈)(?<!父母)(?:常?住(?!宿|院|酒店|民宿)|搬家?|租房|宿舍)|\b(?:I|"
            r"we)(?:['’](?:m|re|ve))? (?:now )?(?:live|living|rent|based)\b|"
            r"\bmoved (?:house|home|flat|back|away|in with|to (?-i:[A-Z]))|\bmy (?:flat|"
            r"apartment|address)\b"
        ),
        "age": (r"我(?:今年)?[\d一二三四五六七八九十]+岁|\bI(?:['’]m| am) \d+(?: years old)?$"),
        "superior": (
            r"(?:上级|领导|主管|导师|老板)(?:现在|已经)?(?:是|叫|换)|\bmy (?:boss|manager|"
            r"supervisor|line manager|advisor)\b|\breport(?:ing)? to\b"
        ),
        "diet": (
            r"吃素|素食|吃荤|戒(?:肉|荤)|吃肉|开荤|\b(?:vegetarian|vegan|pescatarian|(?:no|"
            r"eat\w*|red) (?:meat|fish|chicken))\b"
        ),
        "drink": (
            r"咖啡|美式|拿铁|奶茶|喝酒|啤酒|白酒|\b(?:coffee|espresso|latte|tea|decaf|alcohol|"
            r"beer|wine|caffeine)\b"
        ),
        "commute": (
            r"通勤|上下?班(?:骑|开|坐|走|靠)|骑(?:车|电动|共享)|开车上班|坐地铁|挤地铁|"
            r"\b(?:commute|to work|cycle (?:in|to)|bike to|drive (?:in|to)|take the (?:train|"
            r"bus|tram|metro|tube)|by (?:train|bus|tram|metro|bike|car)|walk to)\b"
        ),
        "hours": (
            r"(?:全职|兼职|上班时间|坐班|远程办公|居家办公|上几天班)|\b(?:full[- ]time|"
            r"part[- ]time|days a week|mondays? to|work(?:ing)? (?:from|on) )\b"
        ),
        "job": (
            r"(?:入职|就职|任职|跳槽|转岗|离职|在.{1,12}(?:上班|工作|组)$|调(?:到|"
            r"去).{1,12}组)|\bI(?:['’]m| am) an? .*(?:engineer|developer|manager|analyst|"
            r"designer|consultant|nurse|teacher|student)\b|"
            r"\b(?:new job|work (?:for|at)|promoted|my (?:title|role|position))\b"
        ),
        "length": (
            r"(?:回答|答案|回复|解释|讲解|说明).*(?:短|简|长|详|精|细|字)|(?:短|简洁|简短|"
            r"详细|长|细)一?些?.{0,6}(?:回答|答案|回复|解释)|展开|"
            r"\b(?:short|brief|concise|long|longer|detailed|in depth|full|thorough|"
            r"terse)(?:er)?\b.*\b(?:answers?|replies|explanations?|responses?)\b|"
            r"\b(?:answers?|replies|explanations?|responses?|keep (?:it|them))\b.*\b(?:short|"
            r"brief|concise|long|detailed|terse|sentences?|words?)\b"
        ),
        "layout": (
            r"表格|列表|要点|段落|分点|\b(?:tables?|bullets?|bullet points?|lists?|"
            r"paragraphs?|prose|headings)\b"
        ),
        "code": (
            r"(?:代码|示例|例子|脚本).*(?:用|写|改|换|给)|\b(?:code|examples?|snippets?|"
            r"scripts?)\b.*\b(?:in|use|using)\b"
        ),
        "language": (
            r"(?:中文|英文|英语|双语|繁体|简体|粤语|日语).*(?:回|答|说|写|讲)|(?:回|答|说|写|"
            r"讲).*(?:中文|英文|英语|双语)|"
            r"\b(?:answer|reply|respond|write|talk|speak)\b.*\b(?:in )?(?:english|chinese|"
            r"mandarin|french|german|spanish)\b"
        ),
    }.items()
}


@lru_cache(maxsize=4096)
def matters_of(text: str) -> frozenset[str]:
    """The matters that a statement is about; often none is known."""
    return frozenset(name for name, pattern in _MATTERS.items() if pattern.search(text))
