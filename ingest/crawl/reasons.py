"""Why a page did not come, or is gone, or a crawl ended: what happened and what to do about it."""

from __future__ import annotations

from assistant.errors import PageError

REASONS: dict[str, tuple[str, str]] = {
    "status": (
        "{url} answered {status}: check the address, or the link that leads to it.",
        "{url} 返回 {status}：请检查该地址，或指向它的链接。",
    ),
    "forbidden": (
        "{url} answered {status}, it is not open to everyone: the crawler does not log in; save "
        "the page and add the file, or exclude the address.",
        "{url} 返回 {status}，并非公开页面：爬虫不会登录；请将网页保存为文件后添加，或排除该地址。",
    ),
    "server": (
        "{url} answered {status}, a fault of the site: try again later.",
        "{url} 返回 {status}，是网站自身的故障：请稍后重试。",
    ),
    "busy": (
        "{url} asks for fewer requests ({status}; come back after: {detail}): crawl with a longer "
        "delay, or later.",
        "{url} 要求减少请求（{status}；稍后重试的时间：{detail}）：请增大 delay 或稍后再抓取。",
    ),
    "robots": (
        "{url} is closed to crawlers by the site's robots.txt: ask its owner, or save the page "
        "and add the file.",
        "{url} 被网站的 robots.txt 禁止抓取：请联系网站所有者，或将网页保存为文件后添加。",
    ),
    "robots_down": (
        "{url}: the site's robots.txt can't be had ({detail}), so nothing may be fetched; try "
        "again later.",
        "{url}：无法取得网站的 robots.txt（{detail}），因此不能抓取；请稍后重试。",
    ),
    "noindex": (
        "{url} asks not to be indexed (robots noindex): not added.",
        "{url} 要求不被索引（robots noindex）：未添加。",
    ),
    "language": (
        "{url} is in another language ({detail}) than those asked for: not added.",
        "{url} 的语言（{detail}）不在所选语言之内：未添加。",
    ),
    "pattern": (
        "{url} is not among the pages that the patterns of include and exclude ask for.",
        "{url} 不在 include 和 exclude 模式所选的页面之内。",
    ),
    "duplicate": (
        "{url} is the same page as {detail}: added once.",
        "{url} 与 {detail} 是同一页面：只添加一次。",
    ),
    "rejected": (
        "{url} could not be read and has not changed since: see the report of that time.",
        "{url} 之前无法读取，之后没有改动：原因见当时的报告。",
    ),
    "private": (
        "{url} is on a private or local address: allow it with --allow-private if the site is "
        "yours (some proxies give such addresses to every name).",
        "{url} 位于内网或本机地址：如果是您自己的网站，请加 --allow-private"
        "（某些代理会把所有域名解析到这类地址）。",
    ),
    "redirect": (
        "{url} leads away from the site, to {detail}: crawl that address if it is wanted.",
        "{url} 跳转到站外的 {detail}：如果需要，请直接抓取该地址。",
    ),
    "loop": (
        "{url} redirects in circles: open it in a browser and give the address it ends at.",
        "{url} 循环跳转：请在浏览器中打开并使用最终地址。",
    ),
    "type": (
        "{url} is of a type that can't be read ({detail}).",
        "{url} 的类型无法读取（{detail}）。",
    ),
    "size": (
        "{url} is larger than MAX_FILE_MB in .env allows.",
        "{url} 超过了 .env 中 MAX_FILE_MB 的上限。",
    ),
    "cut": (
        "{url} broke off: fewer bytes came than were announced; try again later.",
        "{url} 传输中断：收到的字节少于声明的长度；请稍后重试。",
    ),
    "coding": (
        "{url} is compressed in a way that can't be undone ({detail}): tell the site's owner.",
        "{url} 的压缩内容无法解开（{detail}）：请告知网站所有者。",
    ),
    "timeout": (
        "{url} did not answer whole in time: try again later, or with a longer timeout.",
        "{url} 未能在时限内完整响应：请稍后重试，或增大 timeout。",
    ),
    "name": (
        "{url} can't be found: its host name is unknown; check the spelling and the network.",
        "{url} 找不到：主机名无法解析，请检查拼写和网络。",
    ),
    "refused": (
        "{url} refuses the connection: check the address and port, and that the site is up.",
        "{url} 拒绝连接：请检查地址和端口，并确认网站正在运行。",
    ),
    "tls": (
        "{url} has no certificate that can be trusted ({detail}): check the address; for a site "
        "of your own set SSL_CERT_FILE to its authority's certificate.",
        "{url} 的证书不可信（{detail}）：请检查地址；如果是您自己的网站，"
        "请将 SSL_CERT_FILE 设为其颁发机构的证书。",
    ),
    "network": (
        "{url} can't be fetched ({detail}): try again later.",
        "{url} 无法获取（{detail}）：请稍后重试。",
    ),
    "sitemap": (
        "The sitemap {url} can't be used ({detail}): pages are found by links alone.",
        "站点地图 {url} 无法使用（{detail}）：仅通过链接发现页面。",
    ),
    "variants": (
        "{url} and more: {detail} different queries of one path came up, the rest is left out; "
        "if these are pages of their own, name them with an include pattern.",
        "{url} 等：同一路径已出现 {detail} 种不同的查询参数，其余不再抓取；"
        "如果确实是不同的页面，请用 include 模式指明。",
    ),
    "calendar": (
        "{url} and more: {detail} pages differ by their date alone, as in a calendar, the rest is "
        "left out; if they are wanted, name them with an include pattern.",
        "{url} 等：已有 {detail} 个页面仅日期不同（如日历），其余不再抓取；"
        "如果需要，请用 include 模式指明。",
    ),
    "repeating": (
        "{url}: its path repeats itself or never ends, as relative links in a circle make it; "
        "such addresses are left out.",
        "{url}：路径自我重复或无限加深，通常由循环的相对链接造成；此类地址不再抓取。",
    ),
    "links": (
        "{url}: more than {detail} addresses came up, further ones are left out; narrow the crawl "
        "by its prefix or patterns.",
        "{url}：发现的地址超过 {detail} 个，其余不再记录；请用 prefix 或模式缩小抓取范围。",
    ),
    "pages": (
        "{url}: stopped at the limit of {pages} pages; raise --pages to get more.",
        "{url}：已达到 {pages} 页上限；如需更多请增大 --pages。",
    ),
    "ended": (
        "The crawler of {url} ended early ({detail}): what came is kept; try again.",
        "{url} 的爬虫提前结束（{detail}）：已获取的内容已保留，请重试。",
    ),
    "missed": (
        "{url} is in the knowledge base and was missed {count} of {misses} times ({detail}): kept "
        "for now.",
        "{url} 已在知识库中，第 {count} 次未找到（共 {misses} 次后移除；{detail}）：暂时保留。",
    ),
    "gone": (
        "{url} is gone from the site ({detail}): removed.",
        "{url} 已从网站消失（{detail}）：已移除。",
    ),
    "vanished": (
        "{url}: {count} of the site's {known} known pages are gone or lead to one and the same "
        "page all at once, as behind a login or during maintenance: nothing is removed. If they "
        "are really gone, remove them from the library.",
        "{url}：该网站已知的 {known} 个页面中有 {count} 个同时消失或指向同一页面，"
        "可能是登录页或维护页：不移除任何内容。如果确实已删除，请在知识库中移除。",
    ),
}

#: Why a page was missed, for "missed" and "gone".
MISSES: dict[str, tuple[str, str]] = {
    "status": ("it answered {detail}", "返回 {detail}"),
    "unlisted": ("no longer in the sitemap, and not linked", "不再列于站点地图，也没有链接"),
    "moved": ("it leads to {detail}", "跳转到 {detail}"),
    "duplicate": ("it is now the same as {detail}", "现在与 {detail} 相同"),
    "noindex": ("it asks not to be indexed", "要求不被索引"),
    "robots": ("robots.txt closes it to crawlers", "被 robots.txt 禁止抓取"),
    "redirect": ("it leads away, to {detail}", "跳转到站外的 {detail}"),
    "type": ("its type can't be read: {detail}", "类型无法读取：{detail}"),
    "language": ("it is in another language: {detail}", "是另一种语言：{detail}"),
    "pattern": ("the crawl's patterns leave it out", "不在抓取模式之内"),
    "scope": ("the crawl's scope leaves it out", "不在抓取范围之内"),
}

#: How a crawl ended. Only the first one saw the whole site.
END_REASONS: dict[str, tuple[str, str]] = {
    "finished": ("the whole site was seen", "已看完整个网站"),
    "pages": ("the limit of pages", "达到页数上限"),
    "links": ("the limit of addresses", "达到地址数上限"),
    "seconds": ("the time for this run", "达到本次时间上限"),
    "cancelled": ("it was cancelled", "已取消"),
    "busy": ("the site asks for a pause", "网站要求暂停"),
    "down": ("the site is down", "网站无法访问"),
    "failures": ("too many pages failed", "失败的页面过多"),
    "vanished": ("nearly all known pages were missed", "几乎所有已知页面都未找到"),
    "ended": ("the crawler ended early", "爬虫提前结束"),
}


def page_error(reason: str, url: str, **fields: object) -> PageError:
    """The error of ``reason``, a key of :data:`REASONS`, about ``url``."""
    en, zh = REASONS[reason]
    return PageError(en, zh, url=url, **fields)


def miss_error(reason: str, url: str, why: str, detail: str, **fields: object) -> PageError:
    """The error "missed" or "gone" with its cause ``why``, a key of :data:`MISSES`."""
    en, zh = (text.format(detail=detail) for text in MISSES[why])
    english, chinese = REASONS[reason]
    return PageError(
        english.replace("{detail}", "{en}"),
        chinese.replace("{detail}", "{zh}"),
        url=url,
        en=en,
        zh=zh,
        **fields,
    )
