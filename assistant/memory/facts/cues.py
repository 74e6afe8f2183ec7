"""What speaks for a clause being a lasting statement of the user about themself. How much each
cue says is learned, see :mod:`features`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

_I = re.IGNORECASE
_QUOTED = "\ue000{2,}"
# A value: a name in Latin letters, a number, a day, something in quotation marks.
_VALUE = re.compile(
    r"[A-Za-z][\w.+#-]*|\d|[一两二三四五六七八九十几]+(?:个|台|张|人|岁|只|名|位|年|块|条|套|"
    r"辆|间|楼|公里|点|倍|班)"
    rf"|[周星][一二三四五六日天期]|明年|后年|年底|月底|[\d一二三四五六七八九十]+月|{_QUOTED}"
)
_ENGLISH_VALUE = re.compile(
    r"\d|^[A-Z]\w+(?: [A-Z]\w+)*(?:['’]s| is| are| was)\b|(?<=[\w,] )[A-Z][\w.+#-]*(?<! I)\b|"
    r"^[A-Z][A-Z0-9]+\b"
    rf"|\b\w+[A-Z0-9]\w*|{_QUOTED}|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|"
    rf"twelve|twenty|thirty|"
    r"forty|fifty|hundred|monday|tuesday|wednesday|thursday|friday|saturday|sunday|first|"
    r"second|third|half|quarter)s?\b"
)
# The user, or what is theirs, as the matter of a clause.
_OWN = re.compile(
    r"我|咱|俺|本人|^在下|家里|家中|^(?:手上|手头|手里|办公室|团队|单位(?!是)|组里|项目组|"
    r"部门|学校|实验室|宿舍|自己|目标|母语|老家|"
    r"平时)|这边|本机|^公司(?!成立|创立|名|是|总部|由|旗下|法|股)|"
    r"(?<![\u3400-\u9fff])公司(?=发|给|配|规定|要求|里|用|在|统一|内)|"
    r"\b(?:I|I['’]m|I['’]ve|we|we['’]re|we['’]ve|my|our|mine|ours|me|us|(?:the|at|"
    r"from) (?:work|office|company|home|team|lab|shop|"
    r"school|prod(?:uction)?|staging|on-?call))\b|^(?:still|currently|already) (?:on|using|"
    r"running|with|in)\b|"
    r"^(?:the )?(?:kids|children|baby|toddler|dogs?|cats?)\b",
    _I,
)
# What people who ask for help have around them.
_THINGS = re.compile(
    r"线上|生产|主力|现场|集群|环境|项目|机器|电脑|笔记本|台式机?|服务器|工作站|节点|网关|"
    r"数据库|向量库|镜像|监控|模型|权重|"
    r"仓库|缓存|队列|存储|显卡|内存|硬盘|驱动|网络|网段|机房|前端|后端|客户端|知识库|产品|"
    r"代码|部署|内网|上级|领导|手机|平板|"
    r"相机|键盘|显示器|房子|女儿|儿子|闺女|孩子|爸妈|论文|课题|值班|周报|例会|考试|投稿|期刊|"
    r"客厅|卧室|阳台|厨房|院子|店里|组会|公众号|毕业|"
    r"配额|"
    r"\b(?:cluster|server|database|laptop|desktop|repo|pipeline|stack|budget|deadline|nodes?|"
    r"deployment|vector store|thesis|exam|assignment)\b"
)
_CHANGE = re.compile(
    r"换(?:成|了|到|为)|改(?:成|为|到|用|投|走|学|做|跑|去|回|吃|喝|住|坐|骑|在|跟|叫|按)|"
    r"提到 ?\d|租(?:房|了)|升(?:到|级|了)|"
    r"切(?:到|换|成|了)|迁(?:到|移|了|去)|搬(?:到|去|了|进|出|回|家)|挪到|滚到|调到|调去|"
    r"推(?:迟)?到|加到|扩(?:到|容)|降到|缩到|批到|"
    r"退(?:了|掉)|不再|戒|入职|离职|跳槽|转(?:岗|到|去|做|成|行)|不用.{1,20}了|不(?:在|住|做|"
    r"吃|喝|养|写|跑|走).{0,14}了|没在.{0,14}了|"
    r"(?:现在|目前)(?:是|用|在|跟|住|做|改|换|都|跑|走|的)|"
    r"\b(?:switched|moved|migrated|upgraded|replaced|changed|joined|left|swapped|promoted|"
    r"passed|graduated|retired|renamed|quit|"
    r"started|bought|became|adopted|married|dropped|pushed|postponed|rescheduled|bumped|"
    r"no longer|any ?more|used to|instead of|"
    r"these days|nowadays|as of|"
    r"(?:is|are|['’]s|['’]re|['’]m|we|I) now|now$|now (?:have|has|use|uses|on|run|runs|in|at|"
    r"is|are|live|work|lives|works))\b",
    _I,
)

CHINESE: Sequence[re.Pattern[str]] = tuple(
    re.compile(pattern)
    for pattern in (
        # Being, having, using, living, doing.
        r"的是|是|叫|有|用|走|住|跑|存|放|推|养|配|装|写|教|学|读|带|管|做|搞|干|开|骑|坐|"
        r"穿|戴|吃|喝|在|属|姓|来自|毕业|负责|"
        r"从事|研究|发的|给的|停留|对接|连|接的|只|没有|没|不能|不准|不让|禁止|必须|"
        r"得(?=[^到了])|要(?=上线|交|求|考|用)",
        # For good, or as a habit.
        r"都|一律|统一|全部?|一直|平时|通常|一般|经常|总是|从来|从不|每(?:天|周|月|年|次|"
        r"晚|早|个|两|三|隔|逢)|习惯|常|主要|默认|目前|"
        r"现在|已经|清一色|还在|(?:就|才|仅|共|只有?) ?[\d一两二三四五六七八九十几]|"
        r"(?<!看)了$|基本|大概|一共|总共|"
        r"长期|多年|多半|大多|从小|至今|自建|自己",
        # How somebody says what they have: "用的是", "用 Unity 做的", "定在周一".
        r"(?:用|走|带|跑|做|养|学|教|开|骑|住|买|选|吃|喝|考|报|投|租|装|接|管|追|"
        r"玩)的(?:都|就|还)?是|"
        r"用.{1,24}(?:做|写|跑|搭|建|管|记|画|拍|剪|编|录)的?$|(?:定|安排|排|放|"
        r"改)在(?:每|周|星期|上午|下午|晚上|\d)|"
        r"每(?:周|天|月|晚|年|两周|个月|隔)|一直(?:在|是|用|吃|做)|上(?:小学|初中|高中|"
        r"大学|幼儿园|中班|大班)",
        # What only a person has: a body, a taste, skills, plans.
        r"血压|血糖|血脂|尿酸|甲状腺|结节|胃(?:不好|病)|痛风|腰(?:突|不好)|颈椎|鼻炎|哮喘|"
        r"湿疹|怀孕|哺乳|备孕|"
        r"过敏|不吃|不喝|不爱|不喜欢|喜欢|偏好|更?偏爱|讨厌|最爱|最怕|爱吃|爱喝|忌口|吃素|"
        r"素食|习惯(?:用|于|了)?|擅长|不擅长|不会(?!不)|"
        r"只会|不懂|不熟|很熟|熟悉|精通|(?:我|女儿|儿子|孩子|娃|闺女|宝宝|爸|妈|老人|猫|"
        r"狗).{0,8}岁|色盲|色弱|近视|左撇子|糖尿病|高血压|起疹子|乳糖|预算|目标是|打算|"
        r"计划|"
        r"准备(?:考|搬|换|去|把|明|下)|报了",
    )
)
ENGLISH: Sequence[re.Pattern[str]] = tuple(
    re.compile(pattern, _I)
    for pattern in (
        # A finite verb of the user's, or of what is theirs.
        r"\b(?:I|we)(?: (?:also|still|only|just|mostly|mainly|usually|normally|generally|"
        r"always|never|often|all|can|can only|"
        r"do))* (?!will\b|would\b|should\b|could\b|might\b)[a-z]{2,}|\b(?:my|"
        r"our)(?: [\w-]+){1,4}? (?:\w+s|are|can|must|need|have|"
        r"run|use|live|work|go)\b|['’](?:m|re|ve|s)\b|\b(?:is|are|has|uses|runs|lives|"
        r"works|only|must|may|can['’]t|cannot)\b",
        # For good, or as a habit.
        r"\b(?:always|never|usually|normally|mostly|mainly|generally|typically|everything|"
        r"everyone|all|every|each|only|still|"
        r"daily|weekly|since|years?|months?|at home|from home|at work|days a week|twice|"
        r"once a|a (?:week|month|year)|"
        r"(?:mon|tues|wednes|thurs|fri|satur|sun)days?|myself|based|called|named|(?:has|"
        r"have) (?:no|only|just)|"
        r"(?:I|we) (?:work|live|teach|study|drive|speak|play|run|own|keep|manage|lead|"
        r"maintain|write|cook|commute|train|sing|paint|"
        r"farm|sell|raise|coach|volunteer|take|ride|cycle|swim|read))\b",
        # Who or where the user is, what something of theirs is.
        r"\bI(?:['’]m| am) (?:the|an?|in|from|on|at|with) (?!bit\b|little\b|loss\b|"
        r"hurry\b|rush\b|meeting\b|one\b|"
        r"same\b|it\b|mess\b)|^(?:my|our|mine) ?(?!question|guess|point|idea|"
        r"understanding|aim|code|script|query)[\w -]*(?:is|are|['’]s) "
        r"(?!not\b|being\b|\w+ing\b|too\b|wrong\b)",
        # What binds whoever asks.
        r"^no (?:\w+ ){1,3}(?:may|can|must|is allowed)\b|\b(?:must|may|can) (?:not|never|"
        r"only)\b|"
        r"\b(?:not allowed|forbidden|off limits|limited to)\b",
        # What only a person has: a body, a taste, skills, a job, plans.
        r"\b(?:knees|blood pressure|cholesterol|asthma|migraines?|adhd|insomnia|arthritis|"
        r"thyroid|due (?:on|by|in)|exam|"
        r"allergic|allerg(?:y|ies)|vegetarian|vegan|c(?:o)?eliac|prefer|favou?rite|"
        r"love|like|hate|dislike|can['’]t stand|"
        r"avoid|intolerant|intolerance|diabetic|dyslexic|deaf|colou?r-?blind|left-handed|"
        r"hard of hearing|short-sighted|nearsighted|getting married|pregnant|"
        r"self-employed|freelance|asthmatic|"
        r"bilingual|years? old|born|budget|goal|deadline|planning to|plan to|surname|"
        r"nickname|birthday|native|fluent|"
        r"mother tongue|engineer|developer|student|teacher|designer|scientist|researcher|"
        r"analyst|consultant|freelancer|nurse|"
        r"doctor|lawyer|writer|accountant|architect|admin(?:istrator)?|coordinator|"
        r"assistant|based in|in charge|responsible|"
        r"look after|work (?:for|at|from|in|on|as)|live in|employer|don['’]t (?:eat|drink|"
        r"drive|speak|own|use|have)|"
        r"(?:was|were|been|got) (?:upgraded|moved|migrated|replaced|switched|renamed|"
        r"changed|merged))\b",
    )
)
# After a clause that was kept, a verb without a subject has the same one.
_GOES_ON = re.compile(
    r"^(?:都|也|还|就|平时|现在)?(?:住|在|用|做|养|开|骑|跑|学|读|吃|喝|带|取|建|写|教|管|"
    r"负责|搞|买|租|装|存|走|靠|主要|跟|没有?|不)|"
    r"^(?:and )?(?:use|work|live|run|have|mostly|mainly|with)\b"
)
# What can't be understood without the clause before it.
_BARE = re.compile(
    r"(?=.{1,14}$)(?:都|全|共|大概|现在|目前|已经|才|刚|只|就|还|各|每[张台个块])*"
    r"(?:[有装买配养用插上跑做开干学住订接带](?:了|过|着)?)?"
    r"(?:\d|[一两二三四五六七八九十几半][张台个块条只套年多])"
    r"|(?=.{1,10}$)(?:(?:都|全)(?:是|在)|(?:不要|别|不用|少)[写列用加放给])"
    r"|(?=\W*(?:\w+\W+){1,5}$|\W*(?:\w+\W+){0,4}\w+$)(?:and |but )?"
    r"(?:\d+|two|three|four|five|six|both|all|each|not)\b(?! (?:my|our|the)\b)",
    _I,
)

#: What a clause may hold, by name.
CUES: Mapping[str, re.Pattern[str]] = {
    **{f"zh{number}": cue for number, cue in enumerate(CHINESE)},
    **{f"en{number}": cue for number, cue in enumerate(ENGLISH)},
    "value": _VALUE,
    "english value": _ENGLISH_VALUE,
    "own": _OWN,
    "thing": _THINGS,
    "change": _CHANGE,
    "goes on": _GOES_ON,
}


def is_bare(clause: str) -> bool:
    """Whether a (masked) clause names no matter: "two of them", "装了两张", "别用表格"."""
    return bool(_BARE.match(clause))
