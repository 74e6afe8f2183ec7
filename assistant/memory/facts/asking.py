"""Clauses that ask for something now: questions, requests, and remarks on the last answer."""

from __future__ import annotations

import re
from collections.abc import Mapping

_I = re.IGNORECASE
_QUESTION = re.compile(
    r"[?？]|(?:吗|呢|么|不|没|没有|吧)$|怎么|怎样|咋|如何|为什么|为何|为啥|什么|啥|哪|谁|多少|"
    r"多(?:久|大|长|快|高|远)|几(?:个|种|岁|点|次|位|步|类|条|层)|"
    r"是不是|能不能|有没有|可不可以|会不会|要不要|该不该|行不行|好不好|需不需要|是否|能否|"
    r"可否|难道|有何|还是[^在]{1,12}$|"
    r"^(?:what|how|why|when|where|which|who|whom|whose|can|could|should|would|will|is|are|am|"
    r"do|does|did|has|have|had|may|any|"
    r"shall|was|were|isn['’]t|aren['’]t|don['’]t (?:you|we)|won['’]t)\b(?! (?:always|been))|"
    r"\b(?:right|huh|or not)$|"
    r"\b(?:what|how|why|which|whether|where)(?:['’]s)? (?:to|is|are|do|does|should|can|would|"
    r"the|I|it|much|many)\b",
    _I,
)
_REQUEST = re.compile(
    r"^(?:请|麻烦|劳驾|帮|给(?!的)|替|再|继续|接着|来|说说|讲讲|解释|总结|翻译|写|列|推荐|"
    r"介绍|查|看看|算|画|改(?!用)|重新|展开|换个|换一|举|"
    r"想(?!吃素)|能(?:不能|否|给|帮|再|详)|可以|求|先|拟|排|整理|对比|比较|分析|检查|润色|"
    r"生成|做(?:个|一|份|张)|出(?:个|一)|"
    r"把.{1,24}(?:翻|改|写|换|转|列|缩|压|删|精简|合并|拆|排|整理|总结|发我|给我)|"
    r"用.{1,12}(?:总结|解释|写一|说一|讲一|翻译|回一))"
    r"|帮我|帮忙|给我(?!的|发的|配的)|你(?:先|再|给|帮|来|看|说|讲|能|可以|觉得|认为|知道|"
    r"推荐|建议|直接|长话)|想(?:问|知道|了解|请教|咨询|确认|看看|听)|请问|请教|问(?:一?下|个|"
    r"你|几)|"
    r"求(?:推荐|助|解|问)|麻烦你"
    r"|^(?:please|help|give|tell|show|explain|write|draft|make|let['’]?s|let me|translate|"
    r"summari[sz]e|list|compare|suggest|recommend|"
    r"describe|find|check|fix|rewrite|rephrase|shorten|add|remove|change|convert|create|"
    r"generate|walk|go|take|look|read|"
    r"turn|put|try|continue|expand|elaborate|keep|use|pick|sort|calculate|say|send|start|stop|"
    r"come|see|ask|imagine|think|quiz|"
    r"correct|proofread|outline|remind|do|get|provide|include|mention|name|define|plan|design|"
    r"review|run|set|wait|again)\b"
    r"|\b(?:can|could|would|will) you\b|\bhelp me\b|\b(?:I|I['’]d) (?:want|need|like|"
    r"['’]d like) (?:you )?to (?:know|ask|understand|see|learn|make|write|check|find)\b"
    r"|\b(?:I have|I['’]ve got|got) (?:a|another|one|some|two|a few) (?:\w+ )?(?:questions?|"
    r"problems?|doubts?|issues?)\b"
    r"|\bgive me\b|\btell me\b|\bshow me\b",
    _I,
)
_REMARK = re.compile(
    r"^(?:别|不要|甭|忘[掉了记]|删|撤回)|^(?:please )?forget\b|^(?:就|都|也|应该|当然|应当|"
    r"好像|大概|记得)?(?:是(?!素食)|叫(?!我)|由|有(?=[《“「\ue000]))|^(?:非常|特别|最)|"
    r"^我?(?:手上|手头|现在)?的?[这那][个家边台]\S{0,3}$|^(?:太|不对|不是(?!很)|挺|很|真|明白|"
    r"知道了?|收到|了解(?!的)|没问题|没毛病|没事|没错|辛苦|厉害|不错|有道理|可以|是的|谢|多谢|"
    r"感谢|"
    r"(?:好|懂|行|嗯|对)(?:的|了|啊|呀|吧|嘞)?$|"
    r"原来|这样|那就|这个|这里|那个|上面|刚|语气|再|还是(?!用)|果然|难怪|不然|否则|要不)"
    r"|^(?:that|this|it|these|those|there)(?:['’]s|['’]ll)?\b(?! (?:is |are )?(?:my|our)\b|"
    r".*\b(?:I|we|us)\b)|\bI (?:never|didn['’]t|did not|haven['’]t|have not) (?:\w+ )?(?:told|"
    r"tell|said|say|asked?|meant?)\b|^(?:too|very|so|perfect|makes sense|no worries|"
    r"never mind|good|interesting|awesome|"
    r"exactly|understood|agreed|wow|sounds|not quite|not what|a bit|shorter|longer|more|less|"
    r"same|still(?! (?:on|using|running|in|with)\b)|wrong|you(?:['’]re| are)?)\b",
    _I,
)

ASKING: Mapping[str, re.Pattern[str]] = {
    "question": _QUESTION,
    "request": _REQUEST,
    "remark": _REMARK,
}
