"""The table of the page's strings, and which language a visitor gets."""

import ast
import importlib
import pkgutil
import re
import string

import pytest

from assistant.settings import ROOT
from assistant.ui import texts
from assistant.ui.texts import TEXTS, table, text, visitor_language

PAGES = sorted((ROOT / "assistant" / "ui").glob("*.py"))
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def fields(template: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(template) if name}


@pytest.mark.parametrize("key", TEXTS)
def test_every_string_is_in_both_languages(key: str) -> None:
    zh, en = TEXTS[key]
    assert zh.strip()
    assert en.strip()
    assert CHINESE.search(zh)
    assert not CHINESE.search(en)
    assert fields(zh) == fields(en)


def test_no_key_is_in_two_tables() -> None:
    """The later one would win, unseen."""
    homes: dict[str, set[str]] = {}
    for module in pkgutil.iter_modules(texts.__path__):
        tables = vars(importlib.import_module(f"{texts.__name__}.{module.name}"))
        for name, keys in tables.items():
            if name.isupper() and isinstance(keys, dict):
                for key in keys:
                    homes.setdefault(key, set()).add(f"{module.name}.{name}")
    assert {key: found for key, found in homes.items() if len(found) > 1} == {}


def test_every_string_is_used_and_every_used_one_exists() -> None:
    """By the constants of the code; the keys made of a prefix and a stage or state count by the
    prefix."""
    used: set[str] = set()
    for path in PAGES:
        if path.name != "texts.py":
            tree = ast.walk(ast.parse(path.read_text("utf-8")))
            used |= {
                n.value for n in tree if isinstance(n, ast.Constant) and isinstance(n.value, str)
            }
    prefixes = ("step_", "did_", "job_", "incomplete_", "recalled_", "state_", "fate_", "disk_")
    unused = [key for key in TEXTS if key not in used and not key.startswith(prefixes)]
    assert unused == []


def test_no_page_holds_a_string_of_its_own() -> None:
    """Chinese outside the table would be a string that the English page shows too."""
    allowed = {"texts.py", "build.py", "serving.py"}  # the name in both, and an error in both
    for path in PAGES:
        if path.name in allowed:
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words = node.value.replace("知", "")  # the logo
                is_doc = "\n" in node.value
                assert is_doc or not re.search(r"[\u4e00-\u9fff]{2}", words), f"{path}: {words}"


def test_texts_are_filled_in() -> None:
    assert text("job_count", "zh", done=1, total=3) == "1/3 个文档"
    assert table("en")["chat"] == "Chat"
    with pytest.raises(KeyError):
        text("no_such_key", "zh")


@pytest.mark.parametrize(
    ("setting", "header", "language"),
    [
        ("auto", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("auto", "en-US,en;q=0.9,zh;q=0.8", "en"),
        ("auto", "fr, zh-TW;q=0.5, en;q=0.7", "en"),
        ("auto", "fr", "en"),
        ("auto", "", "en"),
        ("auto", "zh;q=nonsense,en;q=0.1", "en"),
        ("zh", "en", "zh"),
        ("en", "zh-CN", "en"),
    ],
)
def test_the_language_follows_setting_and_browser(setting: str, header: str, language: str) -> None:
    assert visitor_language(setting, header) == language
