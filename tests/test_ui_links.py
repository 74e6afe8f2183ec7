"""An answer links only to the sites of its sources, whatever a document made the model write."""

import pytest

from assistant.ui.links import hosts_of, only_to

HOSTS = hosts_of(["https://docs.example.org/a#b", "/home/a.md", "http://[bad"])


@pytest.mark.parametrize(
    "text",
    [
        "见 https://docs.example.org/guide。",
        "[guide](https://docs.example.org/guide)",
        "[guide](https://DOCS.example.org/guide?a=b)",
        "https://docs.example.org/@user".replace("@", "%40"),
    ],
)
def test_the_sources_own_site_is_linked(text: str) -> None:
    assert only_to(HOSTS, text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("见 https://evil.example/a。", "见 https&#58;//evil.example/a。"),
        ("[guide](https://evil.example/a)", "[guide]&#40;https&#58;//evil.example/a)"),
        ("[g]( HTTPS://evil.example/a)", "[g]&#40;HTTPS&#58;//evil.example/a)"),
        ("see www.evil.example", "see www&#46;evil.example"),
        ("write to a@evil.example", "write to a&#64;evil.example"),
        ("[write](mailto:a@evil.example)", "[write]&#40;mailto:a&#64;evil.example)"),
        # Names that only look like the source's.
        ("https://docs.example.org.evil.example/", "https&#58;//docs.example.org.evil.example/"),
        ("https://docs.example.org@evil.example", "https&#58;//docs.example.org&#64;evil.example"),
        ("ftp://evil.example/a", "ftp&#58;//evil.example/a"),
        ("https://[bad", "https&#58;//[bad"),
    ],
)  # fmt: skip
def test_another_site_is_text(text: str, shown: str) -> None:
    assert only_to(HOSTS, text) == shown


def test_without_sources_on_the_web_nothing_is_linked() -> None:
    assert "://" not in only_to(hosts_of([]), "a https://docs.example.org/ b http://x.y/z")
