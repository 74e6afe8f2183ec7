-- What ingest remembers between runs; see state.py.

-- The last run of each source of sources.toml.
CREATE TABLE IF NOT EXISTS runs (
    name     TEXT PRIMARY KEY,
    began    REAL NOT NULL,  -- seconds since the epoch
    ended    REAL,           -- NULL: it is running, or was killed
    outcome  TEXT NOT NULL   -- JSON: the source's row of the report
) WITHOUT ROWID;

-- The files that a source brought in, as they were when they were read.
CREATE TABLE IF NOT EXISTS files (
    collection   TEXT NOT NULL,
    origin       TEXT NOT NULL,     -- the name of the source
    uri          TEXT NOT NULL,     -- the file, or FILE!/MEMBER
    path         TEXT NOT NULL,     -- the file
    size         INTEGER NOT NULL,
    mtime_ns     INTEGER NOT NULL,
    content_hash TEXT,              -- NULL: it could not be read
    seen         REAL NOT NULL,
    PRIMARY KEY (collection, origin, uri)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS files_by_path ON files (collection, path);

-- The sites that were crawled, and what became of each address (crawl/visits.py).
CREATE TABLE IF NOT EXISTS sites (
    id         INTEGER PRIMARY KEY,
    collection TEXT NOT NULL,
    origin     TEXT NOT NULL,     -- the name of the source, or a start URL
    run        INTEGER NOT NULL DEFAULT 0,
    is_open    INTEGER NOT NULL DEFAULT 0,  -- the run was cut: the next one goes on with it
    touched    REAL NOT NULL DEFAULT 0,     -- seconds since the epoch
    UNIQUE (collection, origin)
);

CREATE TABLE IF NOT EXISTS visits (
    site         INTEGER NOT NULL REFERENCES sites (id) ON DELETE CASCADE,
    name         TEXT NOT NULL,     -- the address that the page is stored under
    url          TEXT NOT NULL,     -- the address that it comes from
    outcome      TEXT NOT NULL,     -- "stored", or why it is not
    detail       TEXT NOT NULL DEFAULT '',  -- of a duplicate: the address of the other
    content_hash TEXT NOT NULL DEFAULT '',  -- of the text, as the knowledge base has it
    is_kept      INTEGER NOT NULL DEFAULT 0,  -- the knowledge base holds it, perhaps an older text
    etag         TEXT NOT NULL DEFAULT '',
    modified     TEXT NOT NULL DEFAULT '',
    body         TEXT NOT NULL DEFAULT '',  -- hash of the bytes
    lastmod      TEXT NOT NULL DEFAULT '',  -- what the sitemap said
    is_listed    INTEGER NOT NULL DEFAULT 0,
    links        BLOB,              -- compressed JSON
    checked      REAL NOT NULL DEFAULT 0,  -- when the site was last asked, seconds since the epoch
    run          INTEGER NOT NULL DEFAULT 0,  -- the last run that saw it
    misses       INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (site, name)
);
CREATE INDEX IF NOT EXISTS visits_by_url ON visits (site, url);
CREATE INDEX IF NOT EXISTS visits_by_text ON visits (site, content_hash);
