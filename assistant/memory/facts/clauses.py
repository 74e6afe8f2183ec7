"""Clauses: the pieces of a sentence that can be true on their own, without the words that only
lead into them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from assistant.memory.facts.typed import Sentence

_HAN = "\u3400-\u9fff"
_HEAD = (
    r"(?:and |but |so |or |plus |also |then |because |since |which |while |though |btw )*"
    r"(?:I|I['’]\w+|[Ww]e|[Ww]e['’]\w+|you|it|it['’]s|he|she|they|that['’]?s?|this|there|my|"
    r"our|your|"
    r"ok(?:ay)?(?=[?])|right(?=[?])|his|her|their|the|what|how|why|when|where|which|who|can|"
    r"could|"
    r"should|would|will|is|are|do|"
    r"does|did|any|anything|anyone|please|don['’]t|always|never|keep|use|give|tell|show|explain|write|draft|help|"
    r"make|let|call|answer|reply|remember|forget|also|maybe|not|no longer|everything|"
    r"(?-i:[A-Z])\w+(?: (?-i:[A-Z])\w+)? (?:is|was|are|uses|runs)|all|most|whole|production|"
    r"prod|staging|on|at home)\b"
)
_BREAK = re.compile(
    rf"[，；;：]|,(?=\s*[{_HAN}])|(?<=[{_HAN}]),|——+|\s[—–-]{{1,2}}\s|;\s|"
    rf":\s(?=\S)|(?<=[{_HAN}])\s+(?=[{_HAN}])|,\s+(?={_HEAD})|"
    r"\s(?=(?:and|but|so) (?:I|I['’]\w+|we|we['’]re|my|our|please|can|could|how|what|which|"
    r"the|it|its|he|she|they|all (?:our|my|the))\b)|\n"
)
_END_MARKS = " \t\n，。；;：:！!…,.、~～—–-·*•"
#: What only leads into a statement: "by the way", "对了", "也就是说".
_LEAD = re.compile(
    r"(?:(?:顺便|顺带|顺嘴|另外|还有|对了|对啦|哦对|噢|哦+|嗯+|啊|呃|额|诶|欸|唉|好的?|好吧|"
    r"行|嗨|哈喽|你好|"
    r"您好|谢谢|多谢|早上好|晚上好|话说|其实|事实上|而且|并且|不过|但是?|所以|因为|由于|毕竟|"
    r"反正|"
    r"主要是|那么?|然后|更新(?:一?下|个?情况)?|补充(?:一?下|一点|一句)?|说明(?:一?下)?|"
    r"提(?:一?下|一?句|一?嘴)|说(?:一?下|一?句|一?声)|跟你说|告诉你|忘了说|忘记说了?|再补一句|"
    r"(?:请|麻烦)?(?:帮我|给我)?(?:再|先|也|都)?(?:记住|记一?下|记着|记好|记得)(?:了|哈|吧)?|"
    r"ok(?:ay)?|hi|hello|hey|thanks|thank you|thx|got it|"
    r"oh|ah|hmm|um|so|(?:yes|yeah|yep|no|nope|well|right|sure|cool|great|nice|alright|"
    r"first(?: of all)?|second(?:ly)?|then|just)(?=\s*[,.!—–-])|and|but|also|plus|anyway|"
    r"besides|actually|btw|"
    r"by the way|fyi|for (?:the record|context|reference|your info(?:rmation)?)|"
    r"just so you know|heads[ -]up|(?:quick |one )?(?:note|update|correction|context|background)|"
    r"one more thing|one (?:other )?thing|p\.?s\.?|since|because|given(?: that)?|"
    r"seeing (?:as|that)|as you (?:may )?know|"
    r"(?:please )?(?:do )?(?:don['’]t forget|never forget|remember|note|keep in mind|"
    r"bear in mind)(?: please)?(?: that)?|"
    r"now that|though)"
    rf"(?![\w{_HAN}]|['’])[\s，,。:：!！、~～.—–-]*"
    r"|(?:请|千万)?(?:别|不要)忘(?:了|记)(?=我|咱)|顺[便带](?=[记说提补跟])|(?:顺便说(?:一?下|"
    r"一?句|一?声)?|顺带(?:一?提|说一?句)?|另外|对了|哦对了?|还有|其实|不过|但是?|所以|"
    r"因为|由于|而且|毕竟|再说|话说|还有就是|哦|嗯|主要是|可惜|好在|"
    r"(?:请|麻烦)?(?:帮我|给我)?(?:再|先|也)?(?:记住|记一?下|记着)[:：,，]?)\s*)",
    re.IGNORECASE,
)
_TAIL = re.compile(
    r"(?:[\s，,]*(?:哈|哦|喔|噢|呀|啦|哟|嘛|吧|hh+|btw|by the way|fyi|though))$", re.I
)


@dataclass(frozen=True)
class Clause:
    """A piece of a sentence, as typed and masked (see :class:`Sentence`), without its lead and
    its punctuation. ``lead`` is what was cut off before it, ``mark`` what follows it; ``start`` and
    ``end`` are its place in the sentence."""

    text: str
    masked: str
    lead: str
    mark: str
    start: int
    end: int


def clauses(sentence: Sentence) -> Iterator[Clause]:
    """The clauses of a sentence, in order; empty ones are left out."""
    start, lead = 0, ""
    ends = [*((found.start(), found.end()) for found in _BREAK.finditer(sentence.masked))]
    for end, after in [*ends, (len(sentence.text), len(sentence.text))]:
        clause = _trimmed(sentence, start, end, after, lead)
        if clause.text:
            yield clause
            lead = ""
        else:
            lead += clause.lead
        start = after


def _trimmed(sentence: Sentence, start: int, end: int, after: int, lead: str) -> Clause:
    begin = start
    while True:
        while begin < end and sentence.masked[begin] in _END_MARKS:
            begin += 1
        found = _LEAD.match(sentence.masked, begin, end)
        if not found or found.end() == begin:
            break
        begin = found.end()
    stop = end
    while stop > begin and sentence.masked[stop - 1] in _END_MARKS + "?？":
        stop -= 1
    tail = _TAIL.search(sentence.masked, begin, stop)
    if tail and tail.start() > begin:
        stop = tail.start()
    mark = sentence.text[stop:after]
    return Clause(
        sentence.text[begin:stop],
        sentence.masked[begin:stop],
        lead + sentence.masked[start:begin],
        mark,
        begin,
        stop,
    )
