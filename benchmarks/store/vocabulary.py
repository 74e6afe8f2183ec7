"""Chinese and English words with the frequencies of natural language (Zipf and Mandelbrot)."""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

SIZE = 20_000  # words of each language
_FLATTENING = 10  # keeps the first words from standing in every text

_ENGLISH = """
    search document vector model answer question table index storage memory network server client
    message history language system record report update version release method result example
    reader writer process thread commit queue cache token prompt source folder file page section
    chapter figure number value field filter range prefix metric distance cosine cluster centre
    training sample window budget latency measure machine disk power failure recovery backup
    account member order price invoice contract customer product service support ticket release
    station travel castle museum river mountain music painter novel theatre doctor patient
    hospital medicine kitchen recipe harvest weather climate energy battery engine bridge school
"""
_CHINESE = """
    检索 文档 向量 模型 回答 问题 表格 索引 存储 内存 网络 服务 客户 消息 历史 语言 系统 记录 报告
    更新 版本 发布 方法 结果 示例 读者 作者 进程 线程 队列 缓存 来源 目录 文件 页面 章节 图片 数字
    字段 过滤 范围 距离 聚类 中心 训练 样本 窗口 预算 延迟 测量 机器 磁盘 电源 故障 恢复 备份 账户
    成员 订单 价格 发票 合同 产品 支持 工单 车站 旅行 博物 河流 山脉 音乐 画家 小说 剧院 医生 病人
    医院 药物 厨房 食谱 收获 天气 气候 能源 电池 引擎 桥梁 学校 城市 公园 电影 比赛 球队 大学 考试
"""
_BEGIN = "b br c ch d dr f g gr h j k l m n p pl qu r s st t tr v w z"
_MIDDLE = "a e i o u ai ea ou"
_END = "b ck d l m n nd nt p r rk rt sh st t x"


class Vocabulary:
    """``english[i]`` and ``chinese[i]`` are the i-th most frequent words."""

    def __init__(self) -> None:
        random = np.random.default_rng(1)
        parts = (_BEGIN.split(), _MIDDLE.split(), _END.split())
        syllables = ["".join(three) for three in itertools.product(*parts)]
        pairs = random.permutation(len(syllables) ** 2)[: 2 * SIZE]
        made = [syllables[n // len(syllables)] + syllables[n % len(syllables)] for n in pairs]
        self.english = _first([*_ENGLISH.split(), *made])
        characters = _common_characters()
        pairs = random.permutation(len(characters) ** 2)[: 2 * SIZE]
        made = [characters[n // len(characters)] + characters[n % len(characters)] for n in pairs]
        self.chinese = _first([*_CHINESE.split(), *made])
        weights = 1 / (np.arange(SIZE) + _FLATTENING)
        self._shares = weights / weights.sum()
        self._ends = np.cumsum(self._shares)

    def draw(self, random: np.random.Generator, shape: tuple[int, int]) -> NDArray[np.int64]:
        """Numbers of words, frequent ones more often."""
        numbers: NDArray[np.int64] = np.searchsorted(
            self._ends, random.random(shape) * self._ends[-1]
        )
        return numbers

    def number_of(self, share: float, words: int) -> int:
        """The number of the word that stands in about ``share`` of texts of ``words`` words."""
        return int(np.argmin(np.abs(1 - (1 - self._shares) ** words - share)))


def _common_characters() -> str:
    """The 3,755 of the first level of GB 2312, without the last row's empty places."""
    rows = (bytes((row, cell)) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    return b"".join(rows).decode("gb2312", "ignore")


def _first(words: list[str]) -> list[str]:
    distinct = list(dict.fromkeys(words))
    assert len(distinct) >= SIZE, len(distinct)
    return distinct[:SIZE]
