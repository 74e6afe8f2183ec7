-- A knowledge base of version 1, as its last release wrote it: documents and texts, two collections
-- of two models, and rows that were deleted. Vectors are those of tests/knowledge_samples.py.
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

INSERT INTO collections (id, name, owner, fingerprint, dimension, created_at) VALUES
    (1, 'default', 'local', 'seeded-16-unit', 16, 1760000000.0),
    (2, '笔记', 'local', 'other-model', 16, 1760000000.0);

INSERT INTO sources (id, collection_id, uri, title, kind, chunks, size, content_hash, added_at, updated_at) VALUES
    (2, 1, '/docs/guide.md', 'Guide', 'md', 3, 100, 'hash', 1760000000.0, 1760000000.0),
    (3, 1, 'https://example.org/手册', '产品手册', 'html', 1, 100, 'hash', 1760000000.0, 1760000000.0),
    (4, 1, 'text', 'text', 'text', 2, 0, '', 1760000000.0, 1760000000.0),
    (5, 1, 'shelf', 'shelf', 'text', 1, 0, '', 1760000000.0, 1760000000.0),
    (6, 2, '/笔记.md', '笔记', 'md', 2, 10, 'h2', 1760000000.0, 1760000000.0);

INSERT INTO chunks (id, collection_id, source_id, chunk_id, position, text, heading_path, page, anchor, metadata, content_hash, vector) VALUES
    (2, 1, 2, '4a3ffda8d0a9617dd63aaee2bbfcc187', 0, 'Vectors live in SQLite and FAISS follows.', '["Guide", "Storage"]', NULL, NULL, '{}', 'fdc98f3c89b995a39c3a64acb59dbbd3ea26fe3365e376e080db9c0fa8750364', X'1e499d3dc4c0a2be7b68733e4dc8a1bdafd59cbea2707fbd097da6be993584be0aaca0bed1cf65be0ea822be1e37dc3d5329d93e249c283ef004b43e3b91563e'),
    (3, 1, 2, '74afcc8b887fee4a31cc202394ea4a50', 1, '向量库以 SQLite 为准，索引随之更新。', '["\u6307\u5357", "\u5b58\u50a8"]', 3, NULL, '{}', '8f420ccbe030a1c3dfd2742564657a8954f1b0374f70980fb0448a993a063a50', X'3125cd3b30ed0bbebf4608bd52753c3f07116a3e1b6f3a3e54e1babde2ff75bd0ffdfebdb772b2bef9a77d3bbbcf103e757f5ebe89cb483e74d7693e52e35bbe'),
    (4, 1, 2, 'f324d86e31ac0b23d7b533b37880e3fe', 2, 'Call KnowledgeBase.add_texts(ids=...) with error E1234.', '["Guide"]', NULL, 'calls', '{}', '351ae6d44df8b921db7b657b3ebf0b8fdd642de7fbf58f3228e60f24fd406275', X'120a323e382928bf7d075bbd66a829be177ec83e6e0a34be33cbe2bd8d5e70bdb4bde53ed86855bed94facbcfb4555bccad40f3e5ca32cbe7c3cb0bdfa20acbd'),
    (5, 1, 3, '884dcab24c87fadac2ce4ec92b24a7e7', 0, '退货期限为三十天，运费由卖家承担。', '["\u552e\u540e"]', NULL, 'return', '{}', 'b14619f5581d1ff5a46b84f90eb9fa2b52e1f0e5aad4acc0946400cd8d8709b0', X'9d1779bd5aa07abde52da83ed72a32be85054c3ed401b539cff8583d90b71d3fd6f684bd5204adbe75a79d3d4f3691beb5b09abeafd674bd76f5a93e6aa2193e'),
    (6, 1, 4, 'note-1', 0, 'A note in English.', '[]', NULL, NULL, '{"lang": "en", "year": 2024}', 'e9bf5123c94a0c9933b605bde76ad4763eafbac0dc37c505dbaf8f53cba459ef', X'69afbd3ca795f3be44ca853c35421f3e459b243e52969bbef859593e222c783e69b4203d2866a1bef79de33d752901bf00d3983edda7623e34db4c3c1f1513be'),
    (7, 1, 4, 'note-2', 1, '一条中文笔记。', '[]', NULL, NULL, '{"lang": "zh", "\u4f5c\u8005": "\u674e\u96f7", "year": 2025}', '6f2018487b8fe450d48260547df5968916c1b338c79fcdcb3916a225811cc7ae', X'5ef3343e669ca13e1cd791bddc59ffbe79e992becf4f21beaac17e3d5f42d13dcba28bbe8fa3163e98e4223e1aa5b5bd23d25c3e03250cbf5e51a6bd4064dfbd'),
    (8, 1, 5, 'note-3', 0, 'Third note, number 3.', '[]', NULL, NULL, '{"source": "shelf", "nested": {"a": [1, null]}}', '97de2e64f2f7e0f05bcb2fe682d9b511282b86776a53b84c821e938214b9601c', X'050a9cbe0e75953e584bc9be1c9800bd554e903e6fd089bd094f63be6f1e41beed7e0dbdc432dd3caa96e6bd6385133f7556953c7624183e0324a13ede9f2fbe'),
    (9, 2, 6, '006a21eb9105391d7068dabfed739bd6', 0, '另一个知识库的内容。', '[]', NULL, NULL, '{}', '364c0e30650176713f72b539e508051064d2cc41f2dcc5821b6bc23a4551812e', X'429b143ea826ecbea139f7be076ef73ef631a8be06e117bdb857da3cec2b4cbdc45b653de424dbbde541cbbdd01ede3de3b2c4bde03e15bedc3afebd3ddda5be'),
    (10, 2, 6, '882c6731495cee60589e36c8b2b76758', 1, 'Vectors of the second collection.', '[]', NULL, NULL, '{}', 'fc39de9f7d2253c1f21a9625cbe5d536d5f58c0e9280df13a89ec732f7f2dadd', X'642df4390de108bfe5b8a5befa3ba33ef2f0d83d2874dfbdfa4d42bee6040f3fdaea533edf6fba3c05331bbdad995ebe61ed30bdfe1e483efd352c3c439385bd');

INSERT INTO chunk_words (rowid, words) VALUES
    (2, '1:guid 1:storag 1:vector 1:liv 1:in 1:sqlit 1:sq 1:lit 1:and 1:faiss 1:follow'),
    (3, '1:指南 1:南 1:存储 1:储 1:向量 1:量库 1:库以 1:以 1:sqlit 1:sq 1:lit 1:为准 1:准 1:索引 1:引随 1:随之 1:之更 1:更新 1:新'),
    (4, '1:guid 1:call 1:knowledgebase.add_texts 1:add_texts 1:knowledgebas 1:knowledg 1:bas 1:add 1:text 1:ids 1:with 1:error 1:e1234 1:1234'),
    (5, '1:售后 1:后 1:退货 1:货期 1:期限 1:限为 1:为三 1:三十 1:十天 1:天 1:运费 1:费由 1:由卖 1:卖家 1:家承 1:承担 1:担'),
    (6, '1:a 1:not 1:in 1:english'),
    (7, '1:一条 1:条中 1:中文 1:文笔 1:笔记 1:记'),
    (8, '1:third 1:not 1:number 1:3'),
    (9, '2:另一 2:一个 2:个知 2:知识 2:识库 2:库的 2:的内 2:内容 2:容'),
    (10, '2:vector 2:of 2:the 2:second 2:collection');

INSERT INTO changes (seq, collection_id, chunk, kind, stamp) VALUES
    (1, 1, 1, 'add', 668701580061852189),
    (2, 1, 2, 'add', 2063473795507732609),
    (3, 1, 3, 'add', 2063473795507732609),
    (4, 1, 4, 'add', 2063473795507732609),
    (5, 1, 5, 'add', 3618831058931988604),
    (6, 1, 1, 'delete', 1674804523325977348),
    (7, 1, 6, 'add', 3129400210362044558),
    (8, 1, 7, 'add', 3129400210362044558),
    (9, 1, 8, 'add', 3129400210362044558),
    (10, 2, 9, 'add', 438295616427353843),
    (11, 2, 10, 'add', 438295616427353843),
    (12, 1, 11, 'add', 494239037270073266),
    (13, 1, 11, 'delete', 613950955533313852);

UPDATE sqlite_sequence SET seq = 2 WHERE name = 'collections';
UPDATE sqlite_sequence SET seq = 7 WHERE name = 'sources';
UPDATE sqlite_sequence SET seq = 11 WHERE name = 'chunks';
UPDATE sqlite_sequence SET seq = 13 WHERE name = 'changes';

PRAGMA application_id = 1265517171;
PRAGMA user_version = 1;
