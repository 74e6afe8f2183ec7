"""What of a page is content: the frames of documentation tools, menus and hidden parts are not."""

from __future__ import annotations

import pytest

from ingest.load import Block, Document, RawDocument, load_raw

LONG = "Running text that says what the page is about, in whole sentences. " * 6


def load(page: str) -> Document:
    return load_raw(RawDocument("/x/a.html", page.encode()))


def texts(page: str) -> list[str]:
    return [block.text for block in load(page).blocks]


FRAMES = {
    "sphinx": (
        "<div class=related role=navigation><ul><li><a href=/>index</a></ul></div>"
        "<div class=document><div class=body role=main><section id=s><h1>Title<a class=headerlink "
        "href=#s>¶</a></h1>{}</section></div></div>"
        "<div class=sphinxsidebar><h3>Contents</h3><p>toc</p></div><div class=footer>© us</div>"
    ),
    "docbook": (
        "<div class=navheader><table><tr><th colspan=3>Chapter</th></tr></table></div>"
        "<div class=chapter><div class=titlepage><div><h1 class=title><a name=s></a>Title</h1>"
        "</div></div><div class=toc><p><b>Contents</b></p><dl><dt>x</dl></div>{}</div>"
        "<div class=navfooter>next</div>"
    ),
    "mkdocs material": (
        "<header class=md-header>top</header><div class=md-container><main class=md-main><div "
        "class='md-sidebar md-sidebar--primary'><nav>menu</nav></div><div class=md-content>"
        "<article class=md-content__inner><a class='md-content__button' title='Edit'>edit</a>"
        "<h1 id=s>Title<a class=headerlink href=#s>¶</a></h1>{}<aside class=md-source-file>"
        "Last "
        "update</aside></article></div></main></div><footer class=md-footer>made with</footer>"
    ),
    "docusaurus": (
        "<div id=__docusaurus><nav class=navbar>top</nav><main><div class=row><div class=col><div>"
        "<article><nav aria-label=Breadcrumbs>crumbs</nav><div class='theme-doc-toc-mobile'>toc"
        "</div><div class='theme-doc-markdown markdown'><header><h1 id=s>Title</h1></header>{}"
        "</div>"
        "<footer class=theme-doc-footer><a class=theme-edit-this-page>Edit this page</a></footer>"
        "</article><nav class=pagination-nav>next</nav></div></div><div class=col><div class="
        "'table-of-contents'>toc</div></div></div></main></div>"
    ),
    "vitepress": (
        "<div class=Layout><header class=VPNav>top</header><aside class=VPSidebar>menu</aside><div "
        "class=VPContent><div class=VPDoc><div class=VPDocAside>On this page</div><main class=main>"
        "<div class='vp-doc'><div><h1 id=s>Title <a class=header-anchor href=#s>&ZeroWidthSpace;"
        "</a></h1>{}</div></div></main><footer class=VPDocFooter>Edit</footer></div></div></div>"
    ),
    "gitbook": (
        "<div class=book><div class=book-summary><nav>menu</nav></div><div class=book-body><div "
        "class=page-inner><section class='normal markdown-section'><h1 id=s>Title</h1>{}</section>"
        "</div></div></div>"
    ),
    "doxygen": (
        "<div id=top><div id=titlearea>Project</div></div><div id=side-nav>tree</div><div id="
        "doc-content><div class=header><div class=headertitle><div class=title><a id=s></a>Title"
        "</div></div></div><div class=contents>{}</div></div><address class=footer>by doxygen"
        "</address>"
    ),
    "javadoc": (
        "<div class=flex-box><header role=banner><nav><div class=top-nav id=navbar-top>Overview"
        "</div></nav></header><div class=flex-content><main role=main><div class=header><h1 id=s "
        "class=title>Title</h1></div>{}</main><footer role=contentinfo>©</footer></div></div>"
    ),
    "mediawiki": (
        "<div id=mw-page-base class=noprint></div><div id=content class=mw-body role=main><div id="
        "siteNotice>give</div><h1 id=s class=firstHeading>Title</h1><div id=bodyContent>"
        "<div id=toc class=toc>Contents</div>{}<div id=catlinks class=catlinks>Categories</div>"
        "</div>"
        "</div><div id=mw-navigation>menu</div><div id=footer role=contentinfo>about</div>"
    ),
    "wordpress": (
        "<div id=page><header id=masthead class=site-header>blog</header><div id=primary><main><"
        "article><header class=entry-header><h1 id=s class=entry-title>Title</h1></header><div "
        "class=entry-content>{}<div class=sharedaddy>Share this</div></div><footer class="
        "entry-footer>Posted in</footer></article><div id=comments><div class=comment-respond>"
        "Leave a reply</div></div></main></div><aside class=widget-area>Archives</aside></div>"
    ),
    "nothing marked": (
        "<table><tr><td><a href=1>Home</a> <a href=2>News</a> <a href=3>About</a> <a href=4>Contact"
        "</a></td></tr></table><div><h1 id=s>Title</h1>{}</div>"
        "<p><a href=5>Imprint</a> <a href=6>Privacy</a> <a href=7>Terms</a> <a href=8>Help</a></p>"
    ),
}


@pytest.mark.parametrize("tool", FRAMES)
def test_the_frame_of_documentation_tools_is_dropped(tool: str) -> None:
    cookies = "<div class='cookie-banner'>We use cookies</div>"
    page = f"<title>Title - Site</title><body>{cookies}{FRAMES[tool].format(f'<p>{LONG}</p>')}"
    assert load(page).blocks == (
        Block("Title", "heading", 1, anchor="s"),
        Block(LONG.strip()),
    )


@pytest.mark.parametrize(
    "page",
    [
        # The same names as anchors, and around all there is.
        f"<main><section id=footer><h2>Footer</h2><p>{LONG}</p></section></main>",
        f"<div class=section id=navigation><h2>Navigation</h2><p>{LONG}</p></div>",
        f"<h2 id=toc>Toc</h2><p>{LONG}</p>",
        f"<body class=footer><div class=navigation><p>{LONG}{LONG}</p></div>",
        # Words in a place for other things, beside an empty or a small main.
        f"<main></main><div><p>{LONG}</p></div>",
        f"<main><p>Search results</p></main><div><p>{LONG}{LONG}</p></div>",
        f"<header><h1>T</h1></header><p>{LONG}</p>",
        f"<article><p>a</p></article><article><p>{LONG}</p></article>",
    ],
)
def test_the_content_is_never_lost(page: str) -> None:
    found = " ".join(texts(page))
    assert LONG.strip() in found
    for word in ("Footer", "Navigation", "Toc"):
        assert (word in page) == (word in found)


def test_pages_of_links_are_kept_whole() -> None:
    links = "".join(f"<li><a href={n}>Chapter {n}</a>" for n in range(30))
    found = texts(f"<body><h1>Contents</h1><ul>{links}</ul>")
    assert found[0] == "Contents" and "- Chapter 29" in found[1]


def test_what_is_folded_away_is_content_and_what_is_hidden_is_not() -> None:
    page = (
        "<details><summary>More</summary><div style='display:none'>folded</div></details>"
        "<div role=tabpanel hidden>Second tab</div><div hidden=until-found>found</div>"
        "<div hidden>a</div><div style='DISPLAY : none'>b</div><div aria-hidden=true>c</div>"
        "<template>d</template><button>Copy</button><span class=sr-only>e</span>"
    )
    assert texts(page) == ["More", "folded", "Second tab", "found"]


def test_footers_in_the_content_are_dropped_unless_they_hold_notes() -> None:
    page = "<article><p>Text</p><footer>{}</footer></article>"
    assert texts(page.format("Last updated")) == ["Text"]
    assert texts(page.format("<ol><li>A note</ol>")) == ["Text", "1. A note"]
    quote = "<blockquote><p>Words</p><footer>Author</footer></blockquote>"
    assert texts(quote) == ["Words", "Author"]
