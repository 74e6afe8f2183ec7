"""What of a page is its content: no scripts, nothing hidden, no navigation, no frame around it.

Documentation tools mark what surrounds the content by elements, roles and class names; pages that
mark nothing are judged by where their running text is. Whatever the rules say, a page never loses
most of its running text to them: then all of it counts as content.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import islice, takewhile
from typing import Any

Element = Any  # lxml has no types

DROPPED_TAGS = frozenset((
    "script", "style", "noscript", "template", "nav", "iframe", "svg", "canvas", "object", "embed",
    "button", "select", "textarea", "dialog", "head", "map", "audio", "video", "rt", "rp",
))  # fmt: skip
DROPPED_ROLES = frozenset((
    "navigation", "banner", "contentinfo", "search", "menu", "menubar", "dialog", "alertdialog",
    "toolbar", "tablist",
))  # fmt: skip
# Class names, and ids of boxes, by which tools mark what surrounds the content.
DROPPED_NAMES = frozenset((
    # Sphinx and its themes, DocBook
    "sphinxsidebar", "related", "related-pages", "headerlink", "viewcode-link", "viewcode-back",
    "linenos", "lineno", "linenodiv", "rst-versions", "rst-footer-buttons", "wy-nav-side",
    "wy-breadcrumbs", "wy-side-nav-search", "toc-drawer", "content-icon-container", "copybtn",
    "bd-sidebar-primary", "bd-sidebar-secondary", "prev-next-area", "prev-next-footer",
    "bd-header-article", "tocsection", "editthispage", "navheader", "navfooter", "toc",
    # MkDocs, Docusaurus, VitePress, VuePress, GitBook, mdBook, Hugo, Jekyll
    "md-header", "md-sidebar", "md-footer", "md-tabs", "md-content__button", "md-source-file",
    "md-clipboard", "md-skip", "md-search", "theme-doc-footer", "theme-doc-toc-desktop",
    "theme-doc-toc-mobile", "theme-doc-breadcrumbs", "theme-edit-this-page", "pagination-nav",
    "table-of-contents", "hash-link", "header-anchor", "anchorjs-link", "VPNav", "VPLocalNav",
    "VPSidebar", "VPDocAside", "VPDocFooter", "VPDocAsideOutline", "VPSkipLink", "VPFooter",
    "line-numbers-wrapper", "page-edit", "page-nav", "edit-link", "edit-page", "edit-this-page",
    "edit-github", "book-summary", "book-header", "sidebar-wrapper", "mobile-nav-chapters",
    "nav-chapters", "menu-bar", "td-page-meta", "td-toc", "td-sidebar", "lnt", "rouge-gutter",
    "hljs-ln-numbers", "line-numbers-rows", "blob-num",
    # Doxygen, Javadoc, rustdoc
    "navpath", "nav-path", "side-nav", "nav-tree", "ttc", "MSearchSelectWindow", "top-nav",
    "sub-nav", "topNav", "bottomNav", "subNav", "skipNav", "copy-path", "rustdoc-toolbar",
    # MediaWiki
    "mw-editsection", "mw-cite-backlink", "mw-jump-link", "navbox", "catlinks",
    "printfooter", "mw-indicators", "mw-navigation", "siteNotice", "vector-column-start",
    "vector-page-toolbar", "vector-toc-landmark", "mw-portlet", "mw-panel", "mw-head",
    "sistersitebox", "noprint",
    # WordPress and pages of all kinds
    "navbar", "navigation", "nav-links", "nav-menu", "breadcrumb", "breadcrumbs", "footer",
    "site-footer", "site-header", "page-footer", "skip-link", "skiplink", "skip-to-content",
    "sr-only", "visually-hidden", "screen-reader-text", "visuallyhidden", "sharedaddy",
    "share-buttons", "social-share", "social-links", "jp-relatedposts", "related-posts",
    "post-navigation", "entry-footer", "widget-area", "comment-respond", "pagination", "pager",
    "copy-button", "copy-btn", "btn-copy", "btn-clipboard", "clipboard-copy", "copy-code-button",
    "toolbar-item", "back-to-top", "print-only",
))  # fmt: skip
_CONSENT = re.compile(
    r"(?:cookie|gdpr|consent).*(?:banner|notice|bar|popup|modal|overlay|dialog|message|law|prompt)"
    r"|onetrust|cybotcookie|usercentrics|^cc-(?:window|banner)",
    re.I,
)
_TITLES = "count(.//h1 | .//div[@class='headertitle'])"
_HIDDEN_STYLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.I)
# Names on these say what the element is about, not what it is for.
_NEVER_BY_NAME = frozenset((
    "html", "body", "main", "article", "h1", "h2", "h3", "h4", "h5", "h6", "pre", "code", "dt",
))  # fmt: skip
# An id elsewhere is the anchor of a section, which may well be called "navigation".
_BOXES = frozenset(("div", "ul", "ol", "table", "td", "aside", "form", "header", "footer", "p"))
_BACK_LINKS = frozenset(("footnote-backref", "fn-backref", "reversefootnote", "doc-backlink"))
_FRAME_TAGS = frozenset(("header", "footer", "aside"))
_CONTAINERS = frozenset(
    ("div", "section", "article", "form", "center", "table", "tbody", "tr", "td")
)
# Shares of the running text.
_LEAST_KEPT = 0.2  # or the rules are wrong about the page
_LEAST_IN_MAIN = 0.4
_MOST_OF_ALL = 0.9
# Characters.
_LEAST_TO_JUDGE = 200
_SMALL_LOSS = 500
_LONGEST_FOOTER = 400
_LONGEST_MENU_LINK = 40
_LINKS_OF_A_MENU = 4
_LINKS_IN_A_MENU = 0.8  # of its characters
_DEEPEST_BOX = 40


def drop_unreadable(root: Element) -> None:
    """Take out what no reader of the page sees as text: scripts, controls, hidden elements."""
    _drop([e for e in root.iter() if e.tag in DROPPED_TAGS or _is_hidden(e)], root)


def content_of(root: Element) -> Element:
    """The element that holds the content, freed from what is around it; all of the page where that
    would lose most of its running text. Call :func:`drop_unreadable` before."""
    body = root.find("body")
    body = root if body is None else body
    main = _marked(body)
    scope = body if main is None else main
    frame = _outermost(_frame(body))
    inside = [e for e in frame if e is scope or scope in e.iterancestors()]
    whole = running_text(scope)
    if whole - sum(running_text(e) for e in inside if e.tag != "a") < min(
        _LEAST_KEPT * whole, whole - _SMALL_LOSS
    ):
        # The names mean something else here.
        frame = [e for e in frame if e not in inside and e not in scope.iterancestors()]
    _drop(frame, body)
    kept = running_text(body)
    if main is None:
        return _densest(body, kept)
    outside = kept - running_text(main)
    is_content = outside < max((1 - _LEAST_IN_MAIN) * kept, _LEAST_TO_JUDGE) and _length(main) > 0
    return main if is_content else body


def running_text(element: Element) -> int:
    """Characters of an element that are not in links."""
    links = 0
    for link in element.iter("a"):
        links += _length(link) if len(link) else len(link.text or "")
    return _length(element) - links


def _length(element: Element) -> int:
    """Characters of an element that are no white space."""
    return len("".join("".join(element.itertext()).split()))


def _drop(elements: Iterable[Element], root: Element) -> None:
    for element in elements:
        parent = element.getparent()
        if parent is None or element is root:
            continue
        # In lxml the text after an element is the element's.
        if element.tail:
            before = element.getprevious()
            if before is None:
                parent.text = (parent.text or "") + element.tail
            else:
                before.tail = (before.tail or "") + element.tail
            element.tail = None
        parent.remove(element)


def _is_hidden(element: Element) -> bool:
    hidden = False
    for name, value in element.items():
        if name in ("class", "href"):
            continue
        if name == "hidden":
            hidden |= value != "until-found"
        elif name == "aria-hidden":
            hidden |= value == "true"
        elif name == "style" and _HIDDEN_STYLE.search(value):
            # What <details> folds away is there to be unfolded.
            parent = element.getparent()
            hidden |= parent is not None and parent.tag != "details"
    # So are the other pages of a box of tabs; scripts show what loads hidden.
    return hidden and element.get("role") != "tabpanel" and element.tag not in ("html", "body")


def _frame(body: Element) -> Iterator[Element]:
    """What is around the content, by elements, roles and names."""
    for element in body.iter():
        if element is not body and (_is_named_frame(element) or _is_frame_tag(element, body)):
            yield element


def _is_named_frame(element: Element) -> bool:
    tag = element.tag
    if tag in _NEVER_BY_NAME:
        return False
    for name, value in element.items():
        if name == "class":
            if _is_frame_class(value) or (tag == "td" and "gutter" in value.split()):
                return True
            if tag == "a" and not _BACK_LINKS.isdisjoint(value.split()):
                return not any(map(str.isalnum, "".join(element.itertext())))
        elif name == "id":
            if (
                tag in _BOXES
                and value in DROPPED_NAMES
                and "section" not in element.get("class", "")
            ):
                return True
        elif name == "role" and value in DROPPED_ROLES:
            return True
    return False


@lru_cache(maxsize=4096)
def _is_frame_class(names: str) -> bool:
    each = names.split()
    return not DROPPED_NAMES.isdisjoint(each) or any(map(_CONSENT.search, each))


def _is_frame_tag(element: Element, body: Element) -> bool:
    """Whether a header, a footer or an aside is the page's and not the content's."""
    if element.tag not in _FRAME_TAGS or element.getparent().tag in ("blockquote", "figure"):
        return False
    inside = any(
        a.tag in ("main", "article") or a.get("role") == "main" for a in element.iterancestors()
    )
    if element.tag == "footer":
        is_short = _length(element) < _LONGEST_FOOTER
        return not inside or (is_short and not _holds_notes(element))
    if element.tag == "header":
        titles = list(islice(body.iter("h1"), 2))
        inside = inside or (len(titles) == 1 and element in titles[0].iterancestors("header"))
    return not inside


def _holds_notes(element: Element) -> bool:
    return (
        element.find(".//li") is not None or element.find(".//*[@role='doc-endnotes']") is not None
    )


def _outermost(elements: Iterable[Element]) -> list[Element]:
    found = list(elements)
    known = set(found)
    return [e for e in found if known.isdisjoint(e.iterancestors())]


def _marked(body: Element) -> Element | None:
    """The one element that the page marks as its content."""
    mains = _outermost(e for e in body.iter() if e.tag == "main" or e.get("role") == "main")
    if len(mains) > 1:
        return None
    outer = mains[0] if mains else body
    articles = _outermost(outer.iter("article"))
    if len(articles) == 1 and _is_most(articles[0], outer, running_text(outer), 0.8):
        return articles[0]
    return mains[0] if mains else None


def _is_most(part: Element, whole: Element, running: int, share: float) -> bool:
    return running_text(part) >= share * running and whole.xpath(_TITLES) == part.xpath(_TITLES)


def _densest(body: Element, running: int) -> Element:
    """The smallest box with nearly all running text, without the menus at its ends; the whole
    page where there is too little text to judge by."""
    if running < _LEAST_TO_JUDGE:
        return body
    box = body
    for _ in range(_DEEPEST_BOX):
        inner = max(box, key=running_text, default=None)
        if inner is None or inner.tag not in _CONTAINERS:
            break
        if not _is_most(inner, body, running, _MOST_OF_ALL):
            break
        box = inner
    for children in (list(box), list(reversed(box))):
        menus = list(takewhile(lambda child: _is_menu(child) or not _length(child), children))
        _drop(filter(_length, menus), box)
    return box


def _is_menu(element: Element) -> bool:
    links = [_length(link) for link in element.iter("a")]
    # A title among the links is a sign of more than a menu.
    return (
        len(links) >= _LINKS_OF_A_MENU
        and sum(links) <= _LONGEST_MENU_LINK * len(links)
        and sum(links) >= _LINKS_IN_A_MENU * _length(element)
        and next(element.iter("h1", "pre"), None) is None
    )
