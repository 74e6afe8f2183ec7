"""A model that repeats itself is noticed, and what only looks like it is left alone."""

import pytest

from assistant.repetition import EVERY, LoopGuard, without_loop

ITEMS = [f"{n}. 打开设置页面\n" for n in range(1, 12)]
ROW = "| server-{n:02} | 8 GB | 2 |\n"


@pytest.mark.parametrize(
    ("answer", "kept"),
    [
        ("它很轻。" + "保修期是两年，从购买日起算。" * 4, "它很轻。保修期是两年，从购买日起算。"),
        ("It is light. " + "The warranty is two years. " * 4 + "The war",
         "It is light. The warranty is two years."),
        ("好。" + "先看日志，再重启服务。\n再看日志，先停服务。\n" * 4,
         "好。先看日志，再重启服务。\n再看日志，先停服务。"),
        ("".join(ITEMS), ITEMS[0].strip()),
        ("步骤如下：\n" + "".join(ITEMS), "步骤如下：\n" + ITEMS[0].strip()),
        ("是的" * 40, "是的"),
        ("答案是" + "很" * 60, "答案是很"),
    ],
)  # fmt: skip
def test_what_is_repeated_is_said_once(answer: str, kept: str) -> None:
    assert without_loop(answer) == kept


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "A",
        "哈哈哈哈哈哈，是的，是的。",
        "It is very, very, very long.",
        "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|",
        "0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0",
        "# " + "-" * 300,
        "".join(ROW.format(n=n) for n in range(30)),
        "".join(f"{n}. 第{n}步：打开设置页面\n" for n in range(1, 12)),
        "保修期是两年，从购买日起算。" * 2,
        "```\n" + "\n".join(f"print({n})" for n in range(40)) + "\n```",
    ],
)
def test_what_only_looks_like_it_is_left_alone(answer: str) -> None:
    for end in range(len(answer) + 1):
        assert without_loop(answer[:end]) is None, answer[:end]


def test_the_guard_looks_now_and_then_at_an_answer_that_grows() -> None:
    guard, answer, looks = LoopGuard(), "", 0
    for character in "保修期是两年，从购买日起算。" * 9:
        answer += character
        looks += 1
        cut = guard.cut(answer)
        if cut is not None:
            break
    assert cut == "保修期是两年，从购买日起算。"
    assert looks < len("保修期是两年，从购买日起算。") * 4 + EVERY
