"""The documents that a conversation may be limited to."""

from assistant.knowledge.records import Source
from assistant.ui.scope import MOST, scope_choices, site_of


def source(n: int, uri: str, title: str) -> Source:
    return Source(n, "default", uri, title, "md", 1, 1, "h", 0.0, 0.0)


def test_sites_come_first_and_names_that_are_the_same_are_told_apart() -> None:
    sources = [
        source(1, "https://docs.example.org/a", "安装"),
        source(2, "https://docs.example.org/b", "安装"),
        source(3, "http://one.example/only", "单页"),
        source(4, "/home/手册.md", "手册\n第二行"),
        source(5, "/home/空.md", ""),
    ]
    assert scope_choices(sources, (), "zh") == [
        ("docs.example.org（全站 2 页）", "https://docs.example.org/"),
        ("安装 · https://docs.example.org/a", "https://docs.example.org/a"),
        ("安装 · https://docs.example.org/b", "https://docs.example.org/b"),
        ("单页", "http://one.example/only"),
        ("手册 第二行", "/home/手册.md"),
        (" · 空.md", "/home/空.md"),
    ]


def test_what_was_chosen_and_is_gone_can_be_taken_away() -> None:
    assert scope_choices([], {"/home/gone.md"}, "en") == [("gone.md (deleted)", "/home/gone.md")]


def test_of_very_many_the_chosen_ones_are_offered() -> None:
    sources = [source(n, f"/{n}.md", f"t{n}") for n in range(MOST + 50)]
    choices = scope_choices(sources, {f"/{MOST + 9}.md"}, "en")
    assert len(choices) == MOST + 1
    assert choices[-1] == (f"t{MOST + 9}", f"/{MOST + 9}.md")


def test_a_site_is_the_beginning_of_its_addresses() -> None:
    assert site_of("https://a.example:8000/b?c#d") == "https://a.example:8000/"
    assert site_of("/home/https") == site_of("file:///a") == ""
