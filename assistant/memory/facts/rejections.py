"""What is never remembered, whatever else is in it; and what often isn't (:data:`TRANSIENT`)."""

from __future__ import annotations

import re

_I = re.IGNORECASE

#: Anywhere in a message: nothing of the message is remembered.
NOT_TO_KEEP = re.compile(
    r"(?:别|不要|不用|不必|无需|请勿|甭)(?:再)?(?:帮我|给我)?(?:记(?!号|错|混|录)|存|保存|"
    r"记录)(?:住|下|着|这|它|在|$|[，。,.!！了吧哈])"
    r"|\b(?:don['’]?t|do not|no need to|please not|never) (?:\w+ )?(?:remember|save|store|"
    r"record|memori[sz]e|keep)"
    r" (?:this|that|it|any)\b|\boff the record\b",
    _I,
)
#: Anywhere in a message: it tries to steer the program, not to tell of the user.
INJECTION = re.compile(
    r"忽略(?:掉)?(?:之前|以上|上面|前面|先前|上述|所有|一切|你)|无视(?:之前|以上|上面|前面|所有)"
    r"|系统(?:提示|指令|消息)|越狱|开发者模式|管理员(?:权限|模式)|超级管理员|最高权限"
    r"|\b(?:ignore|disregard|forget|override|bypass)\b[^.\n]{0,30}\b(?:previous|above|prior|"
    r"earlier|"
    r"instructions?|rules?|guardrails|polic(?:y|ies))\b"
    r"|\bsystem (?:prompt|message|instruction)|\bjailbr(?:eak|oken)|\bdeveloper mode|\bDAN mode"
    r"|(?:服从|听从)我的|\bobey\b"
    r"|\b(?:admin(?:istrator)?|root|superuser) (?:access|privileges?|rights|user)\b"
    r"|<\|?(?:im_start|im_end|system|endoftext)|\[/?INST\]|^\s*system\s*:",
    _I | re.MULTILINE,
)
#: Anywhere in a message: the user plays somebody, or has the assistant do so.
ROLE_PLAY = re.compile(
    r"扮演|角色(?:扮演|卡)|人设|(?:来|咱们?|我们)(?:来)?演(?:一段|一下|个|练)|假装|装作|(?:来|咱们?|我们|"
    r"一起|做个?)模拟|模拟(?:面试|答辩|谈判|客户|用户|一段|一场)|"
    r"你(?:来)?[演当](?!前|然|时|作|地|我是)|我(?:来)?演|戏外|你现在是|以.{1,12}的(?:身份|"
    r"口吻|语气|视角)|"
    r"\b(?:role[- ]?play|pretend|act (?:as|like)|let['’]?s say (?:I|you)|play the (?:part|role)|"
    r"in character|you be the|you(?:['’]re| are) (?:now )?(?:a|an|the) (?!wrong)|I['’]ll (?:be|"
    r"play) (?:the|a|an))\b",
    _I,
)
#: Anywhere in a sentence.
HYPOTHETICAL = re.compile(
    r"如果(?!可以|方便|可能|行的话)|假如|假设|假定|假使|要是|倘若|倘使|设想|想象|若是|若我|"
    r"比方说?|打个比方|譬如|"
    r"万一|真希望|(?:要|该|就)(?:多|有多)好|(?:那)?(?:多|该多)好|恨不得|做梦|梦见|梦到|下辈子|"
    r"上辈子|"
    r"\b(?:if(?! (?:it|that|this|you need|needed|relevant|possible|useful))|suppose|supposing|"
    r"imagine|assuming|assume|hypothetical(?:ly)?|what if|unless|"
    r"say I|let['’]?s say|were I|I wish|if only|I(?:['’]d| would| could|"
    r" might)(?! like (?:you|all|your|short|every|the answers?|answers?)| prefer| rather)|"
    r"in theory|dream(?:ed|t)?)\b",
    _I,
)
JOKE = re.compile(
    r"开(?:个|个小)?玩笑|说(?:着)?(?:玩|笑)|逗你|骗你|瞎说|瞎编|胡说|哈哈|嘿嘿|嘻嘻|233|狗头|"
    r"\[doge\]|手动滑稽|"
    r"吹(?:个)?牛|养猪|皇帝|外星|火星|亿万|首富|"
    r"\b(?:just kidding|kidding|joking|joke|jk|lol|lmao|rofl|ha(?:ha)+|hehe|/s)\b|"
    r"[😂🤣😜😝🤪😆🙃😅😏]|:P\b|;-?\)",
    _I,
)
#: The user repeats what they were told, or asks what is known of them.
RECITED = re.compile(
    r"你(?:刚才?|之前|上次|前面|刚刚|已经)?(?:自己)?(?:说|提|讲|记|列|总结|写|猜|推断)(?:到|"
    r"过|得|的|我|了|着|住)"
    r"|就(?:是|像|如)你|(?:按|照|据|如)你(?:说|讲|记|写|提)|你(?:的)?记(?:忆|录|性)|记得我|"
    r"掌握我|了解我(?:多少|什么|哪些)"
    r"|(?<!so )\b(?:you|u)(?:['’]ve| have| had)?(?: just| already| also)? (?:said|told|mentioned|"
    r"wrote|listed|noted|recalled|remember(?:ed)?|"
    r"stated|claimed|think|thought|know|assumed|suggested|got)\b(?! (?:how|what|why|when))"
    r"|\b(?:like|as) you (?:say|said|put it|remember)|\byour (?:memory|notes|list|summary|"
    r"recap|record)\b"
    r"|\babout me\b",
    _I,
)
SECRET = re.compile(
    r"密码|口令|(?:员工|工|学|证件?|驾照|社保|医保|护照|会员|准考证)号|账号(?:是|[:：])|"
    r"密钥|私钥|验证码|身份证|银行卡|信用卡|卡号|护照号|社保号|手机号|电话(?:号码|"
    r"是)|助记词|"
    r"\b(?:pass(?:word|wd|phrase|code)|api[ _-]?keys?|secret(?:s| key)?|access[ _-]?key|"
    r"token is|tokens?\s*[:=]|"
    r"private key|ssn|social security|credit card|card number|cvv|(?:ni|national insurance|"
    r"tax|passport|licen[cs]e|account) (?:no|number)|passport (?:no|number)|"
    r"phone (?:no|number)|"
    r"(?:employee|student|staff|customer|member|badge|policy|patient) (?:id|no|number)|pin \d|"
    r"bank account|iban|seed phrase|pin (?:is|code)|otp|credentials?)\b"
    r"|\b(?:sk|pk|ghp|gho|xox[bp]|AKIA|AIza|glpat|hf)[-_]?[A-Za-z0-9_-]{12,}"
    r"|(?<!\d)1[3-9]\d[ -]?\d{4}[ -]?\d{4}(?!\d)|(?<![\d.])\d{13,19}(?!\d)|"
    r"(?<!\d)\d{17}[\dXx](?!\d)"
    r"|(?<!\d)\+?\d{1,3}[ -]?\(?\d{3}\)?[ -]\d{3}[ -]?\d{4}(?!\d)|(?<!\d)\d{3}-\d{2}-\d{4}(?!\d)"
    # Numbers of identity cards and telephones of other countries.
    r"|(?<!\d)\d{6}-\d{2}-?\d{4}(?!\d)|(?<!\d)\d{6}-\d{7}(?!\d)|\b[STFG]\d{7}[A-Z]\b|"
    r"\b[A-Z]{1,2}\d{6}\([\dA]\)|\b[A-Z][12]\d{8}\b|\b[A-Z]{2}(?: ?\d\d){3} ?[A-D]\b|"
    r"\+\d{1,3}(?:[ ()-]{0,2}\d){7,13}(?!\d)|(?<![\d.])0\d{2,4}[ -]\d{3,4}[ -]?\d{3,4}(?!\d)"
    r"|(?<!\d)(?:\d{4}[ -]){3}\d{4}(?!\d)|[A-Za-z0-9+/]{32,}|-----BEGIN",
    _I,
)
#: Somebody else than the user, as the subject of a clause.
OTHERS = re.compile(
    r"^(?:我|我们|咱|俺|有个|有位|有一个|有一位|一个|那个|这个|隔壁|楼上|楼下|对门|以前的?|前|"
    r"的|他|她|家|"
    r"公司|组里|们|班|部门)*"
    r"(?:同事|朋友|哥们|闺蜜|基友|同学|室友|舍友|邻居|房东|老公|老婆|丈夫|妻子|媳妇|爱人|对象(?!存储|模型|检测)|"
    r"男友|女友|男朋友|"
    r"女朋友|老板|领导|上司|经理|主管|组长|师兄|师姐|师弟|师妹|学长|学姐|学弟|学妹|导师|老师|"
    r"老大|"
    r"表哥|表姐|表弟|表妹|堂哥|堂姐|堂弟|堂妹|哥哥?|姐姐?|弟弟?|妹妹?|舅舅?|叔叔?|阿姨|姑姑|"
    r"姑妈|姨妈|爷爷|奶奶|"
    r"外公|外婆|姥爷|姥姥|老爸|老妈|爸爸?|妈妈?|父亲|母亲|父母|爸妈|公公|婆婆|岳父|岳母|亲戚|"
    r"前任|前同事|客户|甲方|供应商|对方|对面|人家|别人|网友|群友|群里|博主|作者|大佬|专家|"
    r"隔壁[^，。]{0,6}|别的[^，。]{0,6})"
    r"|^(?:他们?|她们?|"
    r"小[王李张刘陈杨赵黄周吴郑孙马朱胡林郭何高罗梁宋谢韩唐冯于董程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文]|"
    r"老[王李张刘陈杨赵黄周吴郑孙马朱胡林郭何高罗梁宋])"
    r"|^(?!(?:I (?:am|was|became|work|teach)|we (?:are|were|have|use))\b)(?:\w+ ){0,2}?(?:my|our|a|"
    r"an|the|some|one of my|one of our)(?: \w+){0,2} (?:lead(?! time)|assistant|rep|director|"
    r"accountant|competitor|buyer|seller|passenger|tenant|applicant|candidate|visitor|postdoc|"
    r"architect|plumber|trainee|apprentice|driver(?! (?:is |version )?\d)|friend|colleague|"
    r"co-?worker|boss|manager|roommate|flatmate|housemate|neighbou?r|classmate|teammate|cousin|brother|sister|sibling|"
    r"uncle|aunt|mother|"
    r"father|mom|mum|dad|parents?|grand\w+|wife|husband|partner|girlfriend|boyfriend|spouse|"
    r"fianc[ée]e?|ex|"
    r"landlord|professor|supervisor|advisor|teacher|mentor|client(?! (?:librar|side|code))|"
    r"customer|vendor|contractor|intern|buddy|mate|"
    r"in-laws?|nephew|niece|guy|lady|blogger|author)s?(?:['’]s?)?\b(?!['’]?s? name|"
    r"['’]?s? (?:is|are) (?:called |now )?(?-i:[A-Z]))"
    r"|^(?:he|she|they|dad|mum|mom|grandma|grandpa|his|her|their|someone|somebody|people|everyone)\b"
    # What a document tells of.
    r"|^在?(?:这[本份篇]|那[本份篇])?(?:文档|资料|手册|书|论文|教程|示例|例子|样例|案例|说明书|"
    r"参考设计|讲义|课本|指南|规格书|截图|图)(?:里头|里面|里|中|上)(?!.*[我咱])"
    r"|^(?:the|that|this|your) \w+(?: \w+){0,2} (?:in|from|on) (?:the|your|this) (?:\w+ )?"
    r"(?:manual|leaflet|guide|docs?|documentation|case study|sample|example|book|paper|slides?|"
    r"picture|photo|handout|brochure|tutorial)\b"
    r"|^in the (?:\w+ )?(?:manual|leaflet|guide|docs|case study|sample|example|book|paper|slides|"
    r"tutorial)\b(?!.*\b(?:I|we|my|our)\b)",
    _I,
)
#: Who somebody is to the user tells of the user.
RELATION = re.compile(
    r"(?:上级|领导|导师|老板|主管|客户|甲方|经理|老师|师傅|搭档|组长|教练|房东)(?:现在|目前|"
    r"就|也|还)?(?:是(?!个|很|不|说)|叫|姓|换)"
    r"|(?:爸妈|父母|爸爸?|妈妈?|老爸|老妈|爷爷|奶奶|外公|外婆|哥哥|姐姐|弟弟|妹妹)(?:现在|"
    r"目前|都|也)?(?:住|今年|在老家|(?:有|得|对).{0,8}(?:病|过敏|压))"
)
#: Words of somebody else, told by the user.
REPORTED = re.compile(
    r"(?:文档|资料|手册|书|文章|论文|网上|新闻|教程|博客|帖子|说明|官网|规范|制度|合同|简历|"
    r"邮件|README|readme)"
    r"(?:里|上|中|里面|里头|当中)?(?:是|都|也|还|明明)?(?:说|写|讲|提|要求|介绍|显示|推荐|规定)"
    r"|(?:有人|听说|据说|传说|据称|他说|她说|他们说|人家说|大家都?说|说是|说我|觉得我|以为我|"
    r"认为我|叫我去|(?<!次)(?<!都)问我)"
    r"|(?:朋友|同事|老板|领导|客户|老师|同学|老公|老婆|妈|爸|经理|小\w|"
    r"老\w)[^，。]{0,4}(?:跟我|对我|和我)?(?:说|讲|告诉|认为|觉得|建议|推荐)"
    r"|\b(?:docs?|documentation|manual|article|paper|page|readme|guide|tutorial|book|post|"
    r"blog|website|contract|"
    r"resume|wiki|policy|handbook|spec)\b[^,.]{0,20}\b(?:sa(?:ys?|id)|states?|mentions?|"
    r"claims?|reads?|recommends?)\b"
    r"|\baccording to\b|\bI (?:heard|read|saw)\b|\b(?:he|she|they|someone|people|everyone|"
    r"friend|colleague|"
    r"boss|manager|coworker|wife|husband|mom|dad)\b[^,.]{0,12}\b(?:says?|said|told|claims?|"
    r"thinks?|believes?|insists?|swears)\b",
    _I,
)
#: True now, not later.
TRANSIENT = re.compile(
    r"今天|今早|今晚|今儿|明天|明早|明晚|后天|昨天|昨晚|前天|刚才|刚刚|刚(?=在|从|看|吃|试|跑|"
    r"到|发|收|重启)|这会儿?|此刻|眼下|现在正|"
    r"正在|正(?=写|看|赶|等|开|吃|跑|调|忙|排|试|修|坐|站|躺|准备)|待会|等会|等下|一会儿?|"
    r"马上|暂时|临时|"
    r"最近(?:几天|两天|有点|老|总|在忙)|这几天|这两天|这周末?|本周|"
    r"(?<!周.)(?<!期.)(?<!每天)(?:下午|上午|中午|半夜)|"
    r"周末(?:想|要|打算|去)|"
    r"感冒|发烧|头疼|头痛|嗓子疼|肚子疼|拉肚子|没睡|失眠了|好困|困死|累死|饿|堵车|排队|"
    r"在高铁上|在飞机上|"
    r"在地铁上|在路上|心情|有点(?:烦|累|懵|晕|急|慌|困|儿)|这(?:次|回|一次|一回|条|个问题|"
    r"道题)(?!.{0,4}(?:起|开始))|"
    r"\b(?:today|tonight|tomorrow|yesterday|right now|at the moment|currently (?:stuck|trying|"
    r"debugging|waiting|on hold)|"
    r"this (?:morning|afternoon|evening|week(?:end)?|time|once|one)|last night|just (?:now|"
    r"this once)|for now|an hour ago|"
    r"minutes? ago|in a (?:minute|bit|hurry|rush|meeting)|about to|on (?:the|a) (?:train|bus|"
    r"plane|phone call)|"
    r"temporarily|a bit (?:tired|sick|lost|stuck)|(?:tired|sleepy|hungry|exhausted|sick|sore|"
    r"hungover|headache|jet-?lagged|"
    r"stuck|confused|lost|curious|wondering|bored|annoyed|frustrated|starving|swamped) ?(?:$|"
    r",|with|of|about|from|and|on|at|in))",
    _I,
)
#: What makes a clause last although it names a day: something changed for good.
LASTS = re.compile(
    r"换(?:成|了|到|为)|改(?:成|为|到|用)|升(?:到|级)|切(?:到|换)|迁|搬|挪|入职|离职|转岗|"
    r"调(?:到|去|岗)|买了|到手|"
    r"起(?:都|就)?|开始|不再|每|"
    r"\b(?:switched|moved|migrated|upgraded|replaced|changed|joined|left|quit|bought|got|"
    r"became|started|swapped|"
    r"promoted|no longer|since|as of|from this|from next|now on|from (?:today|now|tomorrow))\b",
    _I,
)
