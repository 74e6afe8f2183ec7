-- The knowledge base: one SQLite database per data folder. This file makes version 1 (user_version).

CREATE TABLE collections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL DEFAULT 'local',
    fingerprint TEXT NOT NULL, -- of the embedding model; vectors of two models don't mix
    dimension INTEGER NOT NULL,
    created_at REAL NOT NULL
);

CREATE TABLE sources (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collections (id),
    uri TEXT NOT NULL,
    title TEXT NOT NULL,
    kind TEXT NOT NULL, -- 'text' for what came through LangChain's interface
    chunks INTEGER NOT NULL DEFAULT 0,
    size INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    added_at REAL NOT NULL,
    updated_at REAL NOT NULL,
    UNIQUE (collection_id, uri)
);

-- AUTOINCREMENT: row ids are the ids in the vector index. Without it SQLite gives a deleted last
-- row id out again, and a stale index would answer with the wrong chunk.
CREATE TABLE chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collections (id),
    source_id INTEGER NOT NULL REFERENCES sources (id),
    chunk_id TEXT NOT NULL, -- the id that the world sees
    position INTEGER NOT NULL,
    text TEXT NOT NULL,
    heading_path TEXT NOT NULL, -- JSON list
    page INTEGER,
    anchor TEXT,
    metadata TEXT NOT NULL, -- JSON object
    content_hash TEXT NOT NULL, -- of the embedded text: the same hash has the same vector
    vector BLOB NOT NULL, -- float32, little-endian, unit length
    UNIQUE (collection_id, chunk_id)
);

CREATE INDEX chunks_of_source ON chunks (source_id, position);

CREATE INDEX chunks_by_hash ON chunks (collection_id, content_hash);

-- Row ids are those of chunks. "words" is pre-segmented (keywords.py), so the tokenizer only has to
-- split at spaces. Each word begins with the number of its collection and a colon: a search reads,
-- and counts for its scores, only its own collection's words.
CREATE VIRTUAL TABLE chunk_words USING fts5 (
    words, tokenize = "ascii tokenchars '_./\:@-+#'"
);

-- What the vector index has to catch up with. "stamp" is random for each transaction: a snapshot
-- that knows (seq, stamp) of its last change can tell whether it belongs to this database.
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL,
    chunk INTEGER NOT NULL, -- chunks.id; for a deletion, of the row that was
    kind TEXT NOT NULL CHECK (kind IN ('add', 'delete')),
    stamp INTEGER NOT NULL
);

CREATE INDEX changes_of_collection ON changes (collection_id, seq);
