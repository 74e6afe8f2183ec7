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
