"""What speaks against a clause being a lasting statement: troubles, opinions, knowledge of the
world, intentions of the moment. How much each says is learned, see :mod:`features`."""

from __future__ import annotations

import re
from collections.abc import Sequence

DOUBTS: Sequence[re.Pattern[str]] = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        # Something doesn't work.
        r"状态|显示|提示|返回|输出|报错|报了?\s?[A-Za-z]|出错|失败|不行|卡(?:住|死|得)|崩|"
        r"挂了|没反应|连不上|打不开|装不上|起不来|"
        r"跑不(?:动|起来)|超时|变(?:慢|高|大|小)|老是|突然|偶尔|异常|糊|坏了|丢了|\bOOM\b|"
        r"看不到|没看懂|没懂|不明白|没明白|"
        r"搞不(?:懂|定|清)|头大|吵|没法|出问题|有(?:点|些)?(?:问题|疑问|奇怪|乱)|不太对|"
        r"总报|忘了|"
        r"忘记|"
        r"\b(?:errors?|fail(?:s|ed|ing|ure)?|crash\w*|broken|bugs?|issues?|problems?|"
        r"stuck|slow|hang(?:s|ing)?|"
        r"can(?:['’]t|not|t) (?:find|figure|get|seem|tell|see|understand|remember|decide|"
        r"wait|open|connect|log|access|sign)|"
        r"unable|does(?:n['’]t| not) work|didn['’]t|did not)\b",
        # The user knows, feels, looks for, asks: nothing that is theirs for good.
        r"我(?:也|就|倒|还|都|倒是|可|才|之前|一直|还一直|只)*(?:知道|不知道|不?记得|"
        r"没记错|记不|不?清楚|不太?清楚|纳闷|好奇|了解|打听|听说|听过|看过|没看过|看的|"
        r"查(?!房)|"
        r"找到|没有找到|只找到|怕|担心|推荐|想(?!吃素)|更想|看到|看了|发现|明白|猜|建议|"
        r"同意|支持|推算|找一下|查一下|试一下|看一下|算一下|是说|是指|问|需要(?!用|在)|"
        r"要(?:写|做|弄|查|找|交|回|一[个份篇张]|准备|给|把)|得(?:写|做|弄|查|找|回|去)|"
        r"想要一)|据我所知|才发现|"
        r"\b(?:not sure|no idea|wonder(?:ing)?|curious|guess|think|thought|hope|trying|"
        r"tried|try|getting(?! married| divorced)|get(?:s)? an?|need an?|asked|in this|"
        r"this code|"
        r"looking (?:for|at|into)|question|confused|mean|meant|sorry|thank|off now|delayed|"
        r"time to|ready|interested|"
        r"don['’]t (?:know|understand|see|get|remember|think|mind|care)|want(?:ed)? to|"
        r"need(?:ed)? to|would like|"
        r"need (?:some |a |any )?(?:help|advice)|talking about|referring to|pretty sure|"
        r"sure (?:that|if|about)|was told|"
        r"(?:I|we) (?:\w+ ){0,2}?(?:know|knew|feel|felt|see|saw|believe|assume|heard|read|"
        r"agree|wish|doubt|suspect|noticed|"
        r"found|expected?|forgot)|nervous|worried|afraid|scared|excited|happy|glad|"
        r"surprised|disappointed|able to|seem)\b",
        # About something else that was spoken of.
        r"你(?!们)|(?<![吉其])[他她它](?!人|乡|国)|这[首部张个片座段道份篇行]|"
        r"那[首部张个片座里]|"
        r"当时|肯定|的确|确实|最喜欢的.{0,4}之一|里面的",
        # An opinion.
        r"看着|感觉|觉得|可能|应该(?!用)|好像|似乎|大概是|原来|看来|说明|估计|怪不得|难怪|"
        r"也许|或许|恐怕|"
        r"\b(?:maybe|perhaps|probably|seems?|looks like|apparently|might|could|should)\b",
    )
)
