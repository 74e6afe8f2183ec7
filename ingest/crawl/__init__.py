"""A site as a stream of pages, and what is remembered of it between two crawls.

1. :class:`CrawlRequest` says what to crawl; :func:`fetch_pages` starts the crawler's own process
   (:mod:`ingest.crawl.spider`, Scrapy) and yields what comes, ending with a :class:`CrawlEnd`.
2. :class:`SiteMemory` keeps each page's validators and links, so that the next crawl fetches only
   what changed, and counts how often a page was missed, so that what is gone is removed.
"""

from ingest.crawl.messages import CrawlEnd, Gone, NoPage, Page, Same
from ingest.crawl.reasons import END_REASONS, REASONS
from ingest.crawl.request import CrawlRequest
from ingest.crawl.run import fetch_pages
from ingest.crawl.visits import SiteMemory, open_memory

__all__ = [
    "END_REASONS",
    "REASONS",
    "CrawlEnd",
    "CrawlRequest",
    "Gone",
    "NoPage",
    "Page",
    "Same",
    "SiteMemory",
    "fetch_pages",
    "open_memory",
]
