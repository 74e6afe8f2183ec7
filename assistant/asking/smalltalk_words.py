"""The words that small talk is made of: a message of it has a word that can carry it
(``SAID``) and nothing but these and ``BESIDE``, or if it is one of ``PHRASES``."""

from __future__ import annotations

import re

_ENGLISH_SAID = """
hi hii hello helloo hey heya heyy hiya howdy yo greetings morning afternoon evening night welcome
bye goodbye byebye cya ciao farewell later tomorrow soon gotta off
thanks thank thx thnx ty tysm cheers ta thankyou appreciate appreciated grateful thankful obliged
helped helps worked works
good great nice fine cool awesome perfect excellent amazing wonderful brilliant lovely fantastic
neat
sweet helpful useful handy clear clearer clever smart impressive funny hilarious fair best superb
beautiful kind right correct true wrong incorrect bad terrible awful useless unhelpful stupid
disappointing disappointed annoying sad weird strange boring nonsense better worse
interesting surprising relief shame pity glad happy sorry tired bored satisfied impressed confused
frustrated excited relieved hungry sleepy busy back done fun
really wow omg oh ah aha ooh whoa wtf damn gosh geez jeez lol lmao rofl hmm hm hmmm um uh huh phew
ugh meh
yay oops whoops bravo hooray kidding joking seriously honestly indeed exactly precisely absolutely
definitely totally god
see understand understood agree agreed know noted gotcha got roger
ok okay okey k kk okie alright sure yes yeah yep yup ya aye no nope nah not maybe perhaps please
deal same welcome gimme alrighty harsh never all misunderstood figure figured guess merry finally
congrats
congratulations done fine sense
nevermind mind forget worry worries problem rush nothing mistake apologies pardon excuse fault
wait hold hang moment second sec minute brb test testing
helping love like enjoy hope nice meet meeting
"""
_ENGLISH_BESIDE = """
i i'm im i'd i'll i've me my myself you you're you've your yours u we us it it's its that that's
thats
this these those they there's there he here one ones all everything everyone everybody guys mate man
buddy friend friends bot dear sir folks assistant
am is are was were be been being 's do did don't didn't doesn't does isn't wasn't aren't can't have
has had haven't will won't would could can let get gets make makes made need needed want wanted
give gave go goes going gone come comes coming say said saying tell told talk talking speak speaking
chat chatting look looking looks sound sounds seem seems think thought guess suppose believe find
found
feel try trying figured figure check ask asked asking meant mean expect expected misunderstood catch
found solved solve solves fixed manage managed save saved trick did run leave take care keep answer
answers answered answering reply replies response responses explanation explanations explain
explaining
summary information info details clarification clarifying support assistance advice tip tips effort
patience patient help time job work one idea point news news today tonight now again anyway though
then
lunch dinner bed sleep home work weekend week year christmas birthday holiday holidays easter day
days
life luck rest pleasure doing business others questions question answer explains
and but so or if because well a an the some any bit lot lots much many more very really just quite
pretty
super rather extremely too also already finally still yet ever at to for of in on out with about by
from
up down as than even only else enough far after before until around next last first new old big
how what quick fast quickly kindly advance full part way thing things stuff word words window hello
bunch ton million loads totally exact needed merry happy there ahead
"""
_CHINESE_SAID = """
你好 您好 大家好 嗨 嘿 哈喽 哈啰 哈罗 喂 早 早呀 保重 嗯哼 幽默 满分 倒霉 早安 早上好 上午好 中午好
下午好 晚上好 晚安 幸会 久仰
欢迎 关照 指教
再见 拜拜 拜 回见 再会 明天见 下次见 回头见 见 聊 走了 撤了 下班 吃饭 睡觉 睡 休息 周末愉快 愉快
快乐 开心 顺利 恭喜 加油 祝
谢谢 多谢 谢啦 谢了 谢 感谢 感激 感恩 蟹蟹 辛苦 麻烦 有劳 劳烦 打扰 打搅 多亏 幸亏 幸好 不客气 客气
应该的 帮忙 帮大忙 帮助
解决了 搞定 搞懂 弄好 弄懂 成功 管用 有用 可以用了 能用了 好使 没问题 没事 没关系 无所谓 随便
棒 厉害 好 不错 牛 赞 点赞 好评 差评 聪明 给力 清楚 详细 有帮助 有意思 有趣 好玩 准确 到位 专业
完美 精彩 贴心 方便 好用 及时
满意 高兴 有道理 有理 靠谱 笨 蠢 差 烂 没用 没什么用 糟糕 离谱 失望 无聊 累 难过 遗憾 可惜 奇怪
神奇 意外 感动 好笑 搞笑 惊讶 气人 烦
困 饿 优秀 周到 耐心 一般 一般般 无语 正确 对 不对 错 错了 答错 没听懂 没听懂我的话 没明白 没理解
答非所问 不是 胡说 胡说八道 瞎说 开玩笑 骗人
哈 哈哈 呵呵 嘿嘿 嘻嘻 呜呜 笑死 哇 啊 哦 噢 喔 嗯 呃 额 唉 哎 哎呀 诶 哟 天哪 天啊 我的天 妈呀
不会吧 好家伙 绝了 服了 晕 汗 吓我一跳
原来如此 原来是这样 原来这样 这样 学到了 学到 天哪 长知识 涨知识 涨姿势 长见识 没想到 想不到 难怪
怪不得 怎么会 怎么可能 真的 真的假的
明白 知道了 我知道 懂了 懂 了解 了解了 理解 收到 记住了 听懂 看懂 好的 好滴 好嘞 好呀 好吧 行 嗯嗯
可以 成 妥 是的 是 没错 当然 同意 赞成 正确 的确 确实
没毛病 那好 那行 说得是 说得也是 不用 不用了 没有了 没了 没别的 没有 不要 不行 不必 算了 先这样
就这样 到这里 到此为止 就这么办 就这么定 当我没说
稍等 等等 等一下 等一等 等会 等我 想想 考虑 考虑一下 试试 试一下 看看 测试 我是 我叫
不好意思 抱歉 对不起 见谅 发错 打错 打错字 说错 写错 问错 手滑 是我没说清楚 没说清楚
彼此 彼此彼此 我也是 我也一样 同感 合作愉快 好主意 爱你 喜欢 天气真好 认识你 有你 测试一下 多多关照
ok okay okk hi hello hey thanks thx bye 3q 666 88 get到
"""
_CHINESE_BESIDE = """
你 您 我 咱 俺 你们 您们 大家 各位 老师 朋友 亲 助手 小助手 机器人 大佬 他 它 这 那 这个 那个 这些
这次 这里 这下 这么 那么 那样 答案 回答 回复 解释 说明
讲 讲得 说 说得 答 答得 介绍 解答 建议 提醒 指点 分享 告知 告诉 回答得 写得 做得 服务 表现 分析
问题 事 事情 东西 内容 信息 话 意思 忙 时间 心情 感觉 觉得
听起来 看起来 看来 以为 本来 结果 大 很大 一个 个 一下 一点 一些 些 点 下 一次 一句 多 多了 死 坏
极 透
的 地 得 了 着 过 啊 呀 哦 喔 嗯 哈 啦 呢 吧 嘛 哇 诶 唉 呗 滴 么 嘞 哟 耶 喽 咯 咧 呐 吖
也 都 就 还 又 再 先 很 太 真 真是 真的 非常 挺 蛮 特别 十分 万分 超 超级 更 实在 有点 比较 不太 不
没 没那么 最 最近 确实 果然 终于 总算 已经 全 全部 都 完全
根本 好像 可能 大概 基本 今天 昨天 明天 现在 刚才 刚刚 晚上 早上 下午 回头 待会 待会儿 一会 一会儿
晚点 晚些 下次 下回 改天 以后 有空 回去 周末 假期 新年 节日 生日 春节 中秋 国庆 圣诞 元旦
去 来 要 得 该 会 能 想 让 给 为 跟 和 与 从 到 在 把 被 对 是 有 没有 那就 那我 只是 而已 其实
不过 但是 但 所以 因为 而且 然后 不然 就好 就行 就是 正是 正好 刚好 所
需要 想要 找 看 问 试 用 用了 帮 帮我 帮了 帮到 解决 请 请教 同事 老板 领导 家人 先去 上班 回家
开会 身体 健康 工作 生活 一切 天天 每天 很高兴 初次见面 别的 其他 其它 什么的
自己 详细地 耐心 热心 细心 及时 快 快速 支持 配合 理解 关心 人 咖啡 喝 夸奖 一样 继续 联系 天气 办
试过 弄 吓 挺好 今天就 这就 马上 先生 女士 机会 结果 顺便
"""
_ENGLISH_PHRASES = (
    r"(?:are you|anyone|anybody|is (?:any|some)(?:one|body)) (?:still )?(?:there|here|around)",
    r"how(?: are|['’]?re) (?:you|things)(?: doing| going| feeling)?|how do you do|what['’]?s up|"
    r"sup",
    r"how(?: is|['’]?s) (?:it|everything|life|your day)(?: going| been)?",
    r"(?:who|what) are you(?: exactly| really)?|what(?: is|['’]?s) your name|how old are you",
    r"who (?:made|built|created|developed|trained|programmed) you|where are you(?: from)?",
    r"are you (?:an? |really |just )*(?:(?:ro)?bot|human|person|machine|ai|real|computer|program|"
    r"alive)"
    r"(?: or (?:an? )?(?:(?:ro)?bot|human|machine|ai|person|computer))?",
    r"are you (?:sure|serious|kidding|joking|okay|ok|busy)(?: about (?:that|this|it))?",
    r"what (?:can|could|do) you (?:do|help(?: me)?(?: with)?|offer)(?: for me)?",
    r"what are you (?:able to do|good at|for)|how (?:can|could|do) you (?:help(?: me)?|work)",
    r"do you (?:like|enjoy|sleep|dream|eat|love|feel)(?: (?:me|music|jokes|people|humans|"
    r"your job))?",
    r"(?:tell me|do you know) (?:a|another|any) (?:good )?jokes?|make me laugh",
    r"(?:please )?(?:can|could|would|will) you (?:please )?(?:help|assist)(?: (?:me|us|out))*"
    r"(?: with (?:something|that|this|a (?:question|problem)))?",
    r"(?:can|could|may) i ask (?:you )?(?:something|a question|(?:some|a few) questions)",
    r"what an? (?:day|week|relief|pity|shame|surprise)|(?:you|me) too|same to you|is that so|"
    r"who cares",
    r"(?:speak|use|answer(?: me)? in|reply in|write in) (?:\w+ )?(?:english|chinese|german|french)",
    r"(?:keep|make) (?:your|the) (?:answers?|replies) (?:short|shorter|brief|concise|simple|"
    r"detailed)"
    r"(?: (?:from now on|next time|in future|always))?",
)
_CHINESE_PHRASES = (
    r"(?:你|您)?(?:还)?在(?:吗|不在|么|不)|有人(?:在)?(?:吗|么)|(?:你|您|过得|最近|今天)+"
    r"(?:好吗|怎么样|如何|还好吗|忙吗|好么)",
    r"(?:你|您)(?:吃饭|吃|睡|下班|起床)了?(?:吗|没|没有)",
    r"(?:你|您)(?:到底|究竟)?是(?:谁|什么|啥|哪位|干什么的|做什么的|什么模型)|(?:你|"
    r"您)(?:的名字)?叫(?:什么|啥)(?:名字)?",
    r"(?:你|您)(?:今年)?(?:多大|几岁|多少岁)|怎么称呼(?:你|您)?|(?:你|您)(?:来自)?(?:哪里|"
    r"哪儿)(?:人|来的)?",
    r"(?:你|您)是(?:不是)?(?:真人|人|机器人|人类|ai|人工智能|活人|电脑|程序|大模型)(?:吗|么)?"
    r"(?:还是(?:真人|人|机器人|人类|ai|人工智能|程序))?",
    r"(?:是)?谁(?:开发|制作|创造|训练|做|设计)(?:了|出)?(?:的)?(?:你|您)|(?:你|"
    r"您)是(?:由)?谁(?:开发|创造|做|训练|设计)的",
    r"(?:你|您)(?:都|还|究竟)?(?:能|会|可以)(?:做|干|帮我|为我)?(?:做|干|提供)?(?:些|点)?(?:什么|"
    r"啥|哪些)(?:事情|事|忙|服务|功能)?",
    r"(?:你|您)有(?:什么|啥|哪些)(?:功能|用|本领|本事|能力)|(?:你|您)(?:喜欢|爱)我(?:吗|么)",
    r"(?:给我|跟我)?(?:讲|说|来)(?:个|一个|一段)?(?:笑话|段子)|(?:陪我|跟我|和我)?聊(?:聊天|聊|"
    r"天|会儿)",
    r"(?:请问)?(?:你|您)?(?:能|可以|能不能|可不可以)(?:请)?(?:你|您)?(?:帮帮|帮|"
    r"帮助)(?:一下)?(?:我)?(?:一下|个忙|忙|一个忙)?(?:吗|么)?",
    r"(?:请问)?(?:我)?(?:能|可以|想|要|还想)*(?:请教|咨询|问|问问)(?:一下)?(?:你|"
    r"您)?(?:一)?(?:个|几个|些|点)?(?:问题|事情|事)?(?:吗|么)?",
    r"(?:我)?(?:这里|还)?有(?:个|一个|几个|些|点)?(?:小)?(?:问题|事|疑问)(?:想|要)?(?:请教|咨询|"
    r"问|问问|麻烦)?(?:一下)?(?:你|您)?|请问(?:一下)?",
    r"(?:真的|真|是|对)(?:的)?(?:吗|么|嘛)|(?:你|您)?(?:确定|认真的|说真的)(?:吗|么)?|啊|"
    r"为什么不呢|怎么会|怎么可能",
    r"(?:请|以后|今后|你|您|都)*(?:用|说|讲)(?:中文|英文|英语|普通话|简体|繁体|白话)(?:回答|回复|"
    r"说|交流)?(?:我)?",
    r"(?:请|以后|今后|从现在起|下次|你|您|都|的)*(?:回答|回复|说话|答案)(?:尽量|要|请|可以|得|"
    r"再)*(?:简短|简洁|简单|详细|短)(?:一些|一点|点|些)?",
)

#: Latin words, of Chinese small talk too.
SAID = frozenset(_ENGLISH_SAID.split())
BESIDE = frozenset(_ENGLISH_BESIDE.split())
CHINESE_SAID = frozenset(_CHINESE_SAID.split())
CHINESE_WORDS = CHINESE_SAID | frozenset(_CHINESE_BESIDE.split())
PHRASES = re.compile("|".join((*_ENGLISH_PHRASES, *_CHINESE_PHRASES)), re.IGNORECASE)
