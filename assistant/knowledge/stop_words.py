"""Words that say nothing about what is asked: left out of queries, never of documents."""

from __future__ import annotations

_ENGLISH = """
a about after all also am an and any are as at be been before being but by can could did do does
doing down during each for from further had has have having he her here hers him his how i if in
into is it its itself just me more most my no nor not of off on once only or other our out over
own please same shall she should so some such tell than that the their them then there these they
this those through to too under until up us very was we were what when where which while who whom
why will with would you your
don doesn didn isn aren wasn weren won couldn shouldn wouldn hasn haven hadn ain ll ve re
"""

_PHRASES = """
请问一下 请问 告诉我 我想知道 想知道 介绍一下 解释一下 说一下 请介绍 请解释 请说明 一下
为什么 是什么 什么样 有什么 什么 怎么样 怎么办 怎么 怎样 如何 为何 有哪些 哪些 哪个 哪里 哪儿 多少
几个 是不是 有没有 能不能 可不可以 会不会 是否
一个 这个 那个 这些 那些 我们 你们 他们 她们 它们
以及 还有 因为 所以 如果 但是 可是 于是 或者 还是 就是 而且 并且
的 了 是 吗 呢 吧 啊 呀 嘛 么
"""

_WHOLE = """
目的 的确 标的 的士 打的 有的放矢 了解 了结 为了 终了 是非 似是而非 国是 自以为是 酒吧 网吧 贴吧
呢绒 那么 这么 多少钱
"""

ENGLISH = frozenset(_ENGLISH.split())

#: Cut out of a Chinese question before it is segmented.
CHINESE_PHRASES = tuple(_PHRASES.split())

#: Words that hold one of those phrases and must stay whole.
CHINESE_WHOLE = tuple(_WHOLE.split())

#: Characters; left out where they stand alone after the cutting.
CHINESE_SINGLE = frozenset(
    "我你他她它您在和与及或也都就被把对为从到要会能可不没有无个这那哪用做去来说等很最还又请让给向以之其而但"
)
