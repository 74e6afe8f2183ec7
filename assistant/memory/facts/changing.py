"""What a message does to what is known already: it changes a fact, adds to it, or takes it back."""

from __future__ import annotations

import re
from collections.abc import Mapping

from assistant.memory.facts.clauses import clauses
from assistant.memory.facts.rejections import INJECTION
from assistant.memory.facts.typed import typed_sentences

_I = re.IGNORECASE
#: Another value in the place of an earlier one.
CHANGED = re.compile(
    r"换(?:成|了|到|为|去|回)|改(?:成|为|到|用|投|走|学|做|跑|去|回|吃|喝|住|坐|骑|在|跟|叫|"
    r"按|了)|升(?:到|级|了|为|成)|切(?:到|换|成|了)|"
    r"迁(?:到|移|了|去)|搬(?:到|去|了|进|出|回|家)|挪(?:到|去)|滚到|调(?:到|去|岗|成|整)|"
    r"(?:推|推迟|提|提前|拖|延|滑|追加)到|加(?:到|了)|扩(?:到|容|了)|"
    r"降(?:到|为)|缩(?:到|减)|涨到|批到|退(?:了|掉|役)|交回|下线|下架|停用|弃用|卖(?:了|掉)|"
    r"扔了|收尾|结束|验收|完结|不再|别(?:再|老).{0,4}(?:用|给|叫)|别用.{1,20}了|戒|"
    r"入职|离职|跳槽|辞|转(?:岗|到|去|做|成|行|正|组|用)|取消|恢复|代替|取代|替(?:换|掉)|"
    r"新(?:添|换|买|配)|买了.{0,3}新|添了|通了|不用.{0,20}了|"
    r"不(?:在|住|做|吃|喝|养|写|跑|走).{0,16}了|没在.{0,14}了|从.{1,20}(?:到|变|换|改)|"
    r"变(?:成|更|了|为)|考(?:过|上)|毕业了|"
    r"\b(?:switched|moved|migrated|upgraded|downgraded|replaced|changed|swapped|dropped|"
    r"ditched|retired|renamed|joined|left(?!-)|quit|slipped|"
    r"promoted|passed|finished|sold|gave up|given up|no longer|any ?more|no more|not any|"
    r"instead(?: of)?|went back|gone (?:up|down)|"
    r"went (?:up|down)|go(?:t|ne)? back to|raised|lowered|increased|reduced|extended|"
    r"postponed|rescheduled|cancel(?:l)?ed|"
    r"turned|became|started|stopped|took over|used to|again|"
    r"(?:was|were|been|got) (?:upgraded|moved|migrated|replaced|switched|renamed|changed|"
    r"merged|set|bumped)|bumped|merged)\b",
    _I,
)
#: Perhaps another value: it is so now.
NOW = re.compile(
    r"现在|目前|如今|以后|今后|往后|已经|了$|更新|变动|新情况|更正|纠正|说错|之前说|上次说|"
    r"\b(?:now|nowadays|these days|currently|already|as of|(?:since|from) (?:today|now on|"
    r"this|next|monday|tomorrow)|update|correction|actually|new)\b",
    _I,
)
#: Beside the earlier value, not in its place.
ADDED = re.compile(
    r"也(?!改|换|升|搬|挪|迁|跟|顺|推|批|戒|收|下|从|已|转|调)|另外还|同时|除了|之外|此外|"
    r"又(?:买|装|配|有|养)|还(?:有|用|会|养|装|配|买)|"
    r"\b(?:too(?=\W*$)|as well|also|another|besides|in addition|additionally|on top of)\b",
    _I,
)
#: For the classifier, by name.
MARKS: Mapping[str, re.Pattern[str]] = {"changed": CHANGED, "now": NOW, "added": ADDED}

_FORGET = re.compile(
    r"^(?:(?:请|麻烦|帮我|你|可以|就|把|那|先|都)*(?:忘了|忘掉|忘记|删了|删掉|删除|撤回|别记|"
    r"不要记|不用记)(?:住|掉)?(?:吧|一?下)?(?:关于)?"
    r"(?=我)(?P<after>.{2,}))"
    r"|^(?:请|麻烦|帮我|你|可以|就|那|先|都)*把(?=我)(?P<before>.{2,}?)(?:的(?:事|记录|信息|"
    r"那条))?(?:都|全)?(?:给)?(?:忘了|忘掉|忘记|删了|删掉|删除|撤回|去掉)"
    r"|^(?:please |you can |you may |just |actually |now )*forget(?: about| that|"
    r" what I (?:said|told you) about| the (?:fact|bit|part|thing) (?:that|about))*"
    r" (?=(?:I|I['’]\w+|my|our|we)\b)(?P<english>.{3,})",
    _I,
)
_PREVIOUS = re.compile(
    r"^\W*(?:(?:算了|哦|嗯|等等|请|麻烦你?|刚才?(?:那个|那句|那条|说的)?|这个|这条|这句|"
    r"上一?(?:条|句))[，, ]*)*(?:别|不要|不用|不必)记(?:住|下|着)?(?:这个|这条|这些|这句|"
    r"刚才(?:的|那)?\S{0,4}|它|了|吧|哈)*\W*$"
    r"|^\W*(?:please |oh |actually |wait |sorry |hmm |,)*(?:do not|don['’]t|"
    r"forget) (?:remember |store |save |keep )?(?:that|this|it)(?: please| last (?:bit|part|"
    r"one))*\W*$",
    _I,
)

#: Only that something is over; what is there instead comes before or after.
_ENDS = re.compile(
    r"(?:退|收尾|验收完?|结束|完结|下线|下架|停用|弃用|卖|交回去?|还回去?|扔|坏|不用|不在|辞|"
    r"戒掉|撤|拆|取消)(?:了|掉了?|完了)(?:吧|啦)?$|(?:扩了一轮|加了人|通了)$"
    r"|\b(?:left|retired|went back|is gone|are gone|is out|was sold|has left|is over|quit|"
    r"moved (?:on|out|house)|came in|joined)$",
    _I,
)

_INSTEAD = re.compile(
    r"(?:就|都|全|我|直接)?(?:改成|改用|改为|改回|换成|换了|换回|换用)(?!.*(?:吗|呢|么|不)$)", _I
)
_OLD = re.compile(
    r"(?:\b(?:(?:dropped|ditched|replaced|left|retired|from|instead of|no more|no longer on|"
    r"no longer use)\s)|从\s?|不用\s?|别用\s?)(?-i:([A-Z][A-Za-z0-9]+))",
    _I,
)


def change_of(text: str, lead: str = "") -> int:
    """2: says that something changed; 1: may say so; 0: doesn't."""
    if CHANGED.search(text):
        return 2
    return 1 if NOW.search(text) or NOW.search(lead) else 0


def is_instead(text: str) -> bool:
    """Whether a clause says only what is there instead of what the one before it names."""
    return bool(_INSTEAD.match(text))


def old_value(text: str) -> str:
    """The name of what was there before, where a text says it in Latin letters, in lower case."""
    found = _OLD.search(text)
    return found[1].casefold() if found else ""


def only_ends(text: str) -> bool:
    """Whether a clause says only that something is over."""
    return bool(_ENDS.search(text))


def taken_back(message: str) -> list[str]:
    """What the user asks to forget, in their words: "forget that I live in Leeds"."""
    sentences = typed_sentences(message)
    if any(INJECTION.search(sentence.masked) for sentence in sentences):
        return []
    found = (
        _FORGET.search(clause.masked)
        for sentence in sentences
        for clause in clauses(sentence)
        if "?" not in clause.mark and "？" not in clause.mark
    )
    return [one["after"] or one["before"] or one["english"] for one in found if one]


def takes_back(text: str) -> bool:
    """Whether a (masked) clause asks to forget something: "把我的年龄删掉"."""
    return bool(_FORGET.search(text))


def takes_back_previous(message: str) -> bool:
    """Whether the message is nothing but "don't remember that", said of the one before it."""
    return bool(_PREVIOUS.match(message))
