-- The knowledge base: one SQLite database per data folder. This file makes version 5 (user_version);
-- migrations.py brings older ones here.

CREATE TABLE collections (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    owner TEXT NOT NULL DEFAULT 'local', -- 'local': nobody's own
    created_at REAL NOT NULL,
    title TEXT NOT NULL DEFAULT '', -- for people; the name stays, files and lists have it
    readers TEXT NOT NULL DEFAULT '["*"]', -- JSON list of users beside the owner; "*": everyone
    conversation TEXT NOT NULL DEFAULT '' -- of its owner, whose attached files it holds; '': a shelf
);

CREATE UNIQUE INDEX one_of_a_conversation ON collections (owner, conversation)
WHERE conversation <> '';

-- The vectors of one embedding model for the chunks of a collection. A collection is searched in its
-- serving space; a reindex fills another one beside it.
CREATE TABLE spaces (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    collection_id INTEGER NOT NULL REFERENCES collections (id),
    state TEXT NOT NULL CHECK (state IN ('serving', 'building', 'retired')),
    fingerprint TEXT NOT NULL, -- of the embedding model; vectors of two models don't mix
    dimension INTEGER NOT NULL,
    metric TEXT NOT NULL CHECK (metric IN ('cosine', 'ip', 'l2')),
    precision TEXT NOT NULL CHECK (precision IN ('float32', 'int8', 'binary')),
    created_at REAL NOT NULL
);

CREATE UNIQUE INDEX one_serving_space ON spaces (collection_id) WHERE state = 'serving';

CREATE UNIQUE INDEX one_building_space ON spaces (collection_id) WHERE state = 'building';

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
    page INTEGER,
    anchor TEXT,
    content_hash TEXT NOT NULL, -- of the embedded text: the same hash has the same vector
    metadata TEXT NOT NULL, -- JSON object
    heading_path TEXT NOT NULL, -- JSON list
    text TEXT NOT NULL, -- last: a filter on metadata need not read past it
    UNIQUE (collection_id, chunk_id)
);

CREATE INDEX chunks_of_source ON chunks (source_id, position);

CREATE INDEX chunks_by_hash ON chunks (collection_id, content_hash);

-- Apart from the chunks: a rebuild of the index reads only these pages, a filter none of them.
CREATE TABLE vectors (
    space_id INTEGER NOT NULL REFERENCES spaces (id),
    chunk INTEGER NOT NULL, -- chunks.id; REFERENCES would need an index of its own
    vector BLOB NOT NULL, -- vectors.py
    UNIQUE (space_id, chunk)
);

-- Row ids are those of chunks. "words" is pre-segmented (keywords.py), so the tokenizer only has to
-- split at spaces. Each word begins with the number of its collection and a colon: a search reads,
-- and counts for its scores, only its own collection's words. Contentless: the words are made of the
-- chunk's text again when it is deleted; kept here they would be over half of the database.
CREATE VIRTUAL TABLE chunk_words USING fts5 (
    words, content = '', tokenize = "ascii tokenchars '_./\:@-+#'"
);

-- Twice as many segments as usual before they are merged: writes are a tenth faster, searches the same.
INSERT INTO chunk_words (chunk_words, rank) VALUES ('automerge', 8);

-- Names in the chunks' own metadata: a filter on any other is a mistake.
CREATE TABLE fields (
    collection_id INTEGER NOT NULL REFERENCES collections (id),
    name TEXT NOT NULL,
    PRIMARY KEY (collection_id, name)
) WITHOUT ROWID;

-- What the vector index of a space has to catch up with. "stamp" is random for each transaction: a
-- snapshot that knows (seq, stamp) of its last change can tell whether it belongs to this database.
CREATE TABLE changes (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    space_id INTEGER NOT NULL,
    chunk INTEGER NOT NULL, -- chunks.id; for a deletion, of the row that was
    kind TEXT NOT NULL CHECK (kind IN ('add', 'delete')),
    stamp INTEGER NOT NULL
);

CREATE INDEX changes_of_space ON changes (space_id, seq);
