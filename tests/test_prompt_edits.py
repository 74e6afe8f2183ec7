"""Prompts that an administrator edited: they survive an upgrade, are taken up by whoever runs, and
never stop anything."""

from __future__ import annotations

import json
import logging
import multiprocessing
import shutil
import stat
from pathlib import Path

import pytest

from assistant.errors import PromptError
from assistant.prompt_checks import LONGEST, checked, plain
from assistant.prompt_edits import KEPT, PromptEdits
from assistant.prompts import LANGUAGES, PROMPT_DIR, VARIABLES
from assistant.recital import RecitalGuard

MINE = (
    "--- system ---\n只用资料回答，语气正式。\n--- user ---\n资料：\n{context}\n\n问题：{question}"
)
OTHER = MINE.replace("正式", "亲切")
NEW = MINE.replace("语气正式", "先说结论")


@pytest.fixture
def shipped(tmp_path: Path) -> Path:
    """The prompts of a version of the program."""
    return Path(shutil.copytree(PROMPT_DIR, tmp_path / "shipped"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data" / "prompts"


@pytest.fixture
def edits(folder: Path, shipped: Path) -> PromptEdits:
    return PromptEdits(folder, shipped)


def save(edits: PromptEdits, text: str = MINE, name: str = "answer", language: str = "zh") -> None:
    seen = edits.state(name, language).stamp
    edits.save(name, language, text, by="root", seen=seen)


def system(edits: PromptEdits) -> str:
    return edits.prompts().get("answer", "zh").texts[0]


def test_what_ships_passes_the_checks_of_an_edit(edits: PromptEdits) -> None:
    assert len(edits.states()) == len(VARIABLES) * len(LANGUAGES)
    for state in edits.states():
        checked(state.name, state.shipped)
        assert not state.is_edited
        assert state.text == state.draft == state.shipped == plain(state.shipped)
    assert edits.prompts().now().table == dict(edits.prompts().table)


def test_an_edit_is_used_at_once_and_by_others(
    edits: PromptEdits, folder: Path, shipped: Path
) -> None:
    running, elsewhere = edits.prompts(), PromptEdits(folder, shipped).prompts()
    before = running.now()
    save(edits, MINE.replace("\n", "  \r\n") + "\r\n\r\n")
    for prompts in (running, elsewhere):
        assert prompts.get("answer", "zh").texts[0] == "只用资料回答，语气正式。"
        assert prompts.get("answer", "en") == before.get("answer", "en")
    assert before.get("answer", "zh") != running.get("answer", "zh"), "what began keeps its prompt"
    state = edits.state("answer", "zh")
    assert (state.is_edited, state.has_moved, state.text) == (True, False, MINE)
    assert state.edit is not None
    assert (state.edit.by, state.edit.shipped) == ("root", state.shipped)
    [file] = folder.glob("*.json")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_an_upgrade_leaves_the_edit_and_says_so(
    edits: PromptEdits, folder: Path, shipped: Path, caplog: pytest.LogCaptureFixture
) -> None:
    save(edits)
    (shipped / "answer.zh.txt").write_text(NEW + "\n", "utf-8")
    after = PromptEdits(folder, shipped)
    assert system(after) == "只用资料回答，语气正式。"
    state = after.state("answer", "zh")
    assert state.has_moved
    assert state.shipped == NEW
    assert state.edit is not None
    assert "先说结论" not in state.edit.shipped, "what it was made from is there to compare with"
    with caplog.at_level(logging.WARNING):
        after.report()
    assert "answer.zh has changed since root edited it" in caplog.text

    kept = after.keep("answer", "zh", seen=state.stamp)
    assert (kept.has_moved, kept.text) == (False, MINE)
    assert not PromptEdits(folder, shipped).state("answer", "zh").has_moved, (
        "also at the next start"
    )


def test_an_upgrade_that_ships_the_edit_or_is_taken(
    edits: PromptEdits, folder: Path, shipped: Path
) -> None:
    save(edits)
    (shipped / "answer.zh.txt").write_text(MINE, "utf-8")
    same = PromptEdits(folder, shipped).state("answer", "zh")
    assert (same.has_moved, same.is_edited) == (False, False)
    (shipped / "answer.zh.txt").write_text(NEW, "utf-8")
    after = PromptEdits(folder, shipped)
    taken = after.reset("answer", "zh", seen=after.state("answer", "zh").stamp)
    assert (taken.edit, taken.text, taken.has_moved) == (None, NEW, False)
    assert [edit.text for edit in taken.earlier] == [MINE], "and there is a way back"


def test_an_upgrade_whose_prompt_needs_other_variables(
    edits: PromptEdits, folder: Path, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    save(edits)
    (shipped / "answer.zh.txt").write_text(NEW + "\n{more}", "utf-8")
    (shipped / "answer.en.txt").write_text(NEW + "\n{more}", "utf-8")
    more = {**VARIABLES, "answer": frozenset({"context", "question", "more"})}
    for module in ("prompts", "prompt_checks", "prompt_edits"):
        monkeypatch.setattr(f"assistant.{module}.VARIABLES", more)
    after = PromptEdits(folder, shipped)
    state = after.state("answer", "zh")
    assert "先说结论" in system(after)
    assert isinstance(state.fault, PromptError)
    assert (state.draft, state.text, state.is_edited) == (MINE, state.shipped, False)


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"now": 1, "earlier": []}', b"[" * 9000,
        b'{"now": {"text": 1, "shipped": "", "by": "", "at": ""}, "earlier": []}',
        b'{"now": {"text": "no messages", "shipped": "", "by": "", "at": ""}, "earlier": []}',
        b" " * 1_000_001,
    ],
    ids=range(10),
)  # fmt: skip
def test_a_broken_file_stops_nothing(
    edits: PromptEdits, folder: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    folder.mkdir(parents=True)
    (folder / "answer.zh.json").write_bytes(content)
    for _ in range(3):
        assert system(edits).startswith("你是")
    assert caplog.text.count("the shipped prompt answer.zh is used") == 1
    assert edits.state("answer", "zh").fault
    save(edits)
    assert system(edits) == "只用资料回答，语气正式。"
    kept = list(folder.glob("*.broken"))
    assert all(file.read_bytes() == content for file in kept), "what was there is not lost"


def test_a_folder_that_cannot_be_written(edits: PromptEdits, folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("in the way")
    with pytest.raises(PromptError, match="can't be written"):
        save(edits)
    assert system(edits).startswith("你是")


def test_versions_can_be_gone_back_to(edits: PromptEdits) -> None:
    texts = [MINE.replace("正式", f"正式{n}") for n in range(KEPT + 3)]
    for text in texts:
        save(edits, text)
    save(edits, texts[-1])  # nothing new
    earlier = edits.state("answer", "zh").earlier
    assert [edit.text for edit in earlier] == texts[-2 : -KEPT - 2 : -1]
    save(edits, earlier[3].text)
    assert edits.state("answer", "zh").text == earlier[3].text
    edits.reset("answer", "zh", seen=edits.state("answer", "zh").stamp)
    assert edits.state("answer", "zh").earlier[0].text == earlier[3].text


def test_what_another_saved_is_not_overwritten(
    edits: PromptEdits, folder: Path, shipped: Path
) -> None:
    seen = edits.state("answer", "zh").stamp
    save(PromptEdits(folder, shipped), OTHER)
    for act in (
        lambda: edits.save("answer", "zh", MINE, by="li", seen=seen),
        lambda: edits.reset("answer", "zh", seen=seen),
        lambda: edits.keep("answer", "zh", seen=seen),
    ):
        with pytest.raises(PromptError, match="changed elsewhere"):
            act()
    assert edits.state("answer", "zh").text == OTHER


def _save_elsewhere(folder: Path, shipped: Path, name: str) -> None:
    edits = PromptEdits(folder, shipped)
    for n in range(10):
        for _ in range(1000):
            try:
                save(edits, MINE.replace("正式", f"{name}{n}"))
                break
            except PromptError:
                continue


def test_processes_save_one_after_the_other(
    edits: PromptEdits, folder: Path, shipped: Path
) -> None:
    context = multiprocessing.get_context("fork")
    writers = [
        context.Process(target=_save_elsewhere, args=(folder, shipped, name)) for name in "甲乙"
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(30)
        assert writer.exitcode == 0
    state = edits.state("answer", "zh")
    assert state.fault is None
    assert len(state.earlier) == KEPT
    assert list(folder.glob(".prompt-*")) == []


USER = "--- user ---\n{context} {question}"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "must end with"),
        ("no headers", "must end with"),
        (USER, "one system message first"),
        (f"--- system ---\nx\n{USER} {{more}}", "holds {context}, {more}, {question}"),
        ("--- system ---\nx\n--- user ---\n{context}", "holds {context}"),
        (f"--- system ---\n\n{USER}", "Message 1 (system)"),
        (f"--- system ---\nx\n--- user ---\n\n--- assistant ---\nb\n{USER}", "Message 2 (user)"),
        (f"--- system ---\nx\n--- user ---\na\n{USER}", "by turns"),
        (f"--- system ---\nx\n--- system ---\ny\n{USER}", "by turns"),
        (f"--- robot ---\nx\n{USER}", "must end with"),
        (f"hello\n--- system ---\nx\n{USER}", "before its first message"),
        (f"--- system ---\nAnswer {{question}}.\n{USER}", "{question} stands in a message"),
        (f"--- system ---\nx\u202e\n{USER}", "U+202E"),
        (f"--- system ---\nx\ud800\n{USER}", "U+D800"),
        (f"--- system ---\nx\x00\n{USER}", "U+0000"),
        (f"--- system ---\n{'x' * LONGEST}\n{USER}", f"at most {LONGEST}"),
    ],
)
def test_what_is_no_prompt_is_refused(edits: PromptEdits, text: str, why: str) -> None:
    with pytest.raises(PromptError) as refused:
        save(edits, text)
    assert why in str(refused.value)
    assert refused.value.text("zh") != str(refused.value)
    assert not edits.state("answer", "zh").is_edited


@pytest.mark.parametrize(("name", "language"), [("../answer", "zh"), ("answer", "fr"), ("", "")])
def test_there_are_no_other_prompts(edits: PromptEdits, name: str, language: str) -> None:
    with pytest.raises(PromptError, match="There is no prompt"):
        edits.state(name, language)


def test_braces_that_are_no_variables_stay(edits: PromptEdits) -> None:
    text = MINE.replace("语气正式", "可写 {x} 和 {}")
    save(edits, text)
    filled = edits.prompts().get("answer", "zh").messages(context="{y}", question="{z}")
    assert "可写 {x} 和 {}" in str(filled[0].content)
    assert "{y}" in str(filled[-1].content)


def test_what_an_edited_prompt_has_said_word_for_word_may_be_said() -> None:
    words = "如需人工帮助，请拨打服务台电话 010-12345678"
    told = f"只用资料回答，不要编造任何内容或来源。最后写上：“{words}”。"
    assert RecitalGuard(told).cut(f"重量是1.8千克[1]。{words}。") is None
    assert RecitalGuard(told).cut("只用资料回答，不要编造任何内容或来源。") == ""


def test_the_file_says_what_it_holds(edits: PromptEdits, folder: Path) -> None:
    save(edits)
    row = json.loads((folder / "answer.zh.json").read_text("utf-8"))
    assert set(row) == {"version", "now", "earlier"}
    assert row["now"]["text"] == MINE
