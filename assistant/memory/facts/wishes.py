"""How the user wants to be answered, for good: language, form, length, code, tone, their name."""

from __future__ import annotations

import re
from collections.abc import Mapping

_I = re.IGNORECASE
_ANSWERS = (
    r"(?:回答|回复|答复|答案|答我|回我|讲东西|画图|配色|专有名词|英文名|引文|图表|截止|公文|"
    r"解释|讲解|说明|结论|示例|例子|代码|注释|术语|日期|时间|单位|数字|金额|货币|格式|表格|"
    r"列表|要点|标题|"
    r"表情|emoji|语气|称呼|客套|寒暄|废话|铺垫|开场白|中文|英文|英语|简体|繁体|双语|引用|出处|"
    r"来源|链接|长度|字数|公式|步骤|命令|"
    r"比喻|类比|敬语|感叹号|markdown|Markdown|变量名?|排版|总结|邮件|署名|落款|签名|对比|脚本|"
    r"配置|截图|缩写)"
)
_FOR_GOOD = (
    r"(?:以后|今后|往后|之后|从现在(?:起|开始)|从今(?:天|往后)?(?:起|开始)?|每次|一律|总是|"
    r"永远|默认|统一|始终|一直|都|全|凡是|只要|尽量|别老|"
    r"别再|不要再|不用再|就好|就行|即可|通通|但凡|遇到|涉及|无论|不管|任何|的时候|后面|改成|"
    r"改用|换成|改回|恢复)"
)
_DIRECTIVE = (
    r"(?:请|用|写|给|先|别|不要|不用|不必|保留|标|附|加|带|列|说|讲|答|回|省|略|直接|控制|精简|"
    r"简短|简洁|详细|分|按|以|换|来|改|少|多|放|采用|使用|举|避免|要求|要(?=.{1,12}的$))"
)
_WISH = re.compile(
    rf"(?=.*{_ANSWERS})(?=.*{_FOR_GOOD})(?=.*{_DIRECTIVE})"
    rf"|^(?:请|麻烦)?(?:以后|今后)?(?:你|您)?(?:就|都|可以)?(?:叫|喊|称呼|管)我(?!们|去|来|做|帮)"
    r"|^(?:以后)?每(?:次|篇|段|条|封|份)(?!我).{0,12}(?:都|先|请|别|不要)|(?:回答|回复|答案|"
    r"解释)(?:请|要|都|"
    r"尽量)?(?:控制|保持|限制)|别.{0,8}(?:称呼|叫|喊)我"
    r"|(?:引文|引用|日期|时间|金额|数字|单位|格式|标点|变量名?|注释)(?:都|请|全|一律|"
    r"格式)*(?:给我)?(?:都|一律)?(?:按|用|写成|采用|保留|统一)"
    rf"|我(?:更|比较|一般|还是|只|特别|最|很)?(?:希望|喜欢|想要|习惯|偏好|讨厌|不喜欢|不想|"
    rf"倾向|不爱|爱)(?:你|看|听|读)?.*{_ANSWERS}"
    rf"|(?:别|不要|不用|不必|少)(?:再|老)?(?:给我|跟我|对我)?(?:加|用|带|说|写|来|放|发|讲|打|"
    rf"出现|硬译|堆)?.{{0,6}}"
    rf"(?:表情|emoji|客套|寒暄|废话|敬语|感叹号|开场白|markdown|Markdown|铺垫|道歉|颜文字)",
)
_EN_ANSWERS = (
    r"\b(?:answers?|repl(?:y|ies)|respon(?:d|ses?)|explanations?|explain|examples?|code|"
    r"snippets?|comments?|dates?|units?|metric|imperial|"
    r"celsius|fahrenheit|format|tables?|bullets?|bullet points?|lists?|headings?|markdown|"
    r"emojis?|tone|english|chinese|spanish|"
    r"french|german|sentences?|paragraphs?|summar(?:y|ies)|tl;?dr|sources?|citations?|links?|"
    r"jargon|greetings?|apolog\w+|"
    r"sign|emails?|steps?|commands?|spelling|currency|short|brief|concise|long|detailed|"
    r"formal|casual|pleasantries|"
    r"preamble|disclaimers?|analog(?:y|ies)|equations?|prose|plain text|times?|recipes?|"
    r"measurements?|amounts?|prices?|figures?|scripts?|"
    r"conclusion|bottom line|filler|exclamation marks?|abbreviations?|acronyms?)\b"
)
_EN_FOR_GOOD = (
    r"\b(?:always|never|from now on|from (?:today|tomorrow|this \w+)|from here on|"
    r"going forward|in (?:the )?future|by default|every time|whenever|"
    r"each time|all (?:the |my |your |of your )?|any|as a rule|in general|generally|"
    r"please (?:don['’]t|stop|avoid|skip|drop|keep|stick)|"
    r"stop|no more|no longer|don['’]t ever|ever|stick (?:to|with)|instead|"
    r"when(?:ever)? (?:you|I)|for me)"
)
_EN_DIRECTIVE = (
    r"\b(?:answer|reply|respond|use|write|give|show|keep|include|avoid|skip|don['’]t|do not|"
    r"stop|put|start|begin|end|sign|explain|"
    r"format|call|address|stick|drop|make|add|lead|no|never|list|spell|quote|cite|leave|switch)\b"
)
#: Told of the user or of somebody else: no wish.
_NOT_TOLD = (
    r"(?!(?:and |but |so |just )*(?:I|I['’]\w+|my|we|our|he|she|it|they|there|this|that|did|"
    r"does|is|are|was|were|has|have|the|what|how|why|who|"
    r"which|where|don['’]t (?:always|really|have))\b)"
)
_ENGLISH_WISH = re.compile(
    rf"^{_NOT_TOLD}(?=.*{_EN_FOR_GOOD})(?=.*{_EN_DIRECTIVE})(?=.*{_EN_ANSWERS}).*"
    rf"|^{_NOT_TOLD}(?=.*{_EN_DIRECTIVE}).*\b(?:answers|replies|responses|explanations|"
    rf"(?:code )?examples|instructions|summaries|snippets|bullets|emojis)\b"
    r"|\b(?:answers|replies|responses|explanations|examples|instructions|summaries|recipes|"
    r"steps|dates|times|units|prices|temperatures|distances|weights|quantities|"
    r"amounts)\b (?:as|in|with|without|only)\b"
    r"|^(?:in )?(?:plain|simple|british|american|short|metric|bullet|no )[\w ,-]{3,30}\bplease$"
    r"|^(?:please |you can |just |but |everyone |people |don['’]t |never |"
    r"stop )*call(?:ing)? me (?!back|later|when|at|if|tomorrow)"
    rf"|\bI(?:['’]d)? (?:really |much |strongly |generally |still |now |also )*(?:prefer|like|"
    rf"want(?! (?:to|another)\b)|love|hate|dislike|rather|appreciate|"
    rf"can['’]t stand)\b.*{_EN_ANSWERS}",
    _I,
)
#: Said of one task only.
_ONCE = re.compile(
    r"这(?:次|回|一次|段|句|个|篇|封|份|道|里|部分)|刚才|上面|下面|总结一下|翻译(?:一下|成)|"
    r"翻成|帮我(?:写|拟|列|排|做|改|翻)|给我(?:写|拟|列(?!表)|排|做|改|翻|讲|出)|"
    r"\b(?:this|that|these|above|below|following|once|the (?:second|first|last|previous|next)|"
    r"it)\b(?! (?:way|is|format|style))",
    _I,
)

WISHES: Mapping[str, re.Pattern[str]] = {
    "wish": _WISH,
    "english wish": _ENGLISH_WISH,
    "once": _ONCE,
}
