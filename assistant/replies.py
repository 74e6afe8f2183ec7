"""What the assistant says in its own words, where no model is asked: Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping

Texts = Mapping[str, str]  # "zh" and "en" -> text

EMPTY: Texts = {
    "zh": "知识库还是空的。请先在“知识库”页面上传文件或抓取网站，再来提问。",
    "en": "The knowledge base is still empty. Upload files or crawl a site on the Knowledge page, "
    "then ask again.",
}
ARRIVING: Texts = {
    "zh": "文档还在读入知识库，目前一篇也没有读完。请稍后再问；进度见“知识库”页面。",
    "en": "Documents are still being read into the knowledge base, and none is ready yet. Ask "
    "again in a while; the Knowledge page shows how far it is.",
}
NOTHING: Texts = {
    "zh": "知识库中没有找到与这个问题有关的内容。",
    "en": "The knowledge base holds nothing about this question.",
}
#: The documents don't hold the answer; the nearest passages are shown below.
REFUSAL: Texts = {
    "zh": "文档中没有这个问题的答案。下面是最接近的几段内容，供您核对；也可以换一种问法，"
    "或把相关文档加入知识库。",
    "en": "The documents do not hold the answer to this question. The nearest passages are below "
    "for you to check; you can also ask in other words, or add documents that cover it.",
}
#: Stands between a refusal and what the model says without documents.
OWN_KNOWLEDGE: Texts = {
    "zh": "以下是模型自己的说法，文档中没有依据，请自行核实：",
    "en": "What follows is the model's own knowledge, which no document bears out; please verify:",
}
#: The model that was chosen for the conversation is not among those of the settings any more.
MODEL_GONE: Texts = {
    "zh": "为本对话选择的模型 {chosen} 已不再提供，改由 {model} 回答。可在输入框上方另选模型。",
    "en": "The model {chosen}, which was chosen for this conversation, is no longer offered: "
    "{model} answers. Another one can be chosen above the question box.",
}
CONTRADICTION: Texts = {
    "zh": "资料说法不一：{pairs}。请打开原文核对哪一个适用。",
    "en": "The passages do not agree: {pairs}. Open them to see which one holds.",
}
INJECTION: Texts = {
    "zh": "资料中有试图指挥助手的话，没有读给模型：“{sentence}”",
    "en": "The documents hold text that tries to command the assistant; it was not read to the "
    "model: “{sentence}”",
}
