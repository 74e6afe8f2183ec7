"""The words of the page in Chinese and in English."""

from __future__ import annotations

WORDS: dict[str, tuple[str, str]] = {
    "title": ("Evaluation", "评测报告"),
    "set": ("Set", "数据集"),
    "n": ("Questions", "问题数"),
    "command": ("Command", "命令"),
    "made": ("Made", "生成时间"),
    "chat_model": ("Chat model", "聊天模型"),
    "rewrite_model": ("Rewriting model", "改写模型"),
    "embedding_model": ("Embedding model", "向量模型"),
    "rerank_model": ("Reranker", "重排模型"),
    "all": ("All figures", "全部数据"),
    "compared": ("Differences, B less A", "差异（B 减 A）"),
    "compared_note": (
        "The line is the 95% interval of a paired bootstrap over the questions. What crosses 0 "
        "may be chance.",
        "横线为对问题做成对自助法得到的 95% 区间；跨过 0 的差异可能只是偶然。",
    ),
    "ndcg@10": (
        "nDCG@10: are the right passages near the top",
        "nDCG@10：正确段落是否排在前面",
    ),
    "recall@5": (
        "Recall@5: is the right passage among the first five",
        "Recall@5：前五段中是否有正确段落",
    ),
    "answers": ("Citations and answers", "引用与回答"),
    "curve": ("Saying that there is no answer", "判断“资料中没有”的取舍曲线"),
    "curve_note": (
        "Each point is a threshold. Higher: more questions without an answer are refused; further "
        "right: more questions that have one are refused wrongly. The dot is the threshold in "
        "use; its two figures are wrongly and rightly refused.",
        "每个点是一个阈值：越高，无答案的问题被拒答得越多；越靠右，有答案的问题被误拒得越多。"
        "圆点为当前阈值，两个数字为误拒率与正确拒答率。",
    ),
    "false_refused": ("answerable, but refused", "有答案却被拒答"),
    "refused": ("unanswerable, and refused", "无答案且被拒答"),
    "time": ("Time of a question, milliseconds", "每个问题的耗时（毫秒）"),
    "p50_ms": ("half take at most", "中位数"),
    "p95_ms": ("95 of 100 take at most", "95 分位"),
    "worst": ("The worst questions", "最差的问题"),
    "worst_note": (
        "What should have been found, and what was found instead.",
        "应找到的段落，以及实际找到的段落。",
    ),
    "wanted": ("Should be found", "应找到"),
    "found": ("Found first", "排在最前"),
    "question": ("Question", "问题"),
    "nothing": ("nothing", "无"),
}


def words(language: str) -> dict[str, str]:
    """Every word in ``language`` ("zh" or "en")."""
    return {name: pair[language == "zh"] for name, pair in WORDS.items()}
