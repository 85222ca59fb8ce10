-- Conversations, turns, items, tool calls, waiting messages, approvals, providers, settings.
-- Times are RFC 3339 texts of fixed width, so comparing texts compares times.

CREATE TABLE sessions (
    seq           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    title         TEXT NOT NULL,
    created_at    TEXT NOT NULL,
    updated_at    TEXT NOT NULL,
    source        TEXT NOT NULL,
    channel_key   TEXT UNIQUE,
    -- Kept by the triggers below: user items and complete assistant items.
    message_count INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX sessions_by_update ON sessions (updated_at);
CREATE INDEX sessions_by_title ON sessions (title);

CREATE TABLE turns (
    seq           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    session_id    TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    state         TEXT NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done')),
    surface       TEXT NOT NULL,
    model         TEXT NOT NULL,
    started_at    TEXT NOT NULL,
    finished_at   TEXT,
    outcome       TEXT,
    input_tokens  INTEGER NOT NULL DEFAULT 0,
    cached_tokens INTEGER NOT NULL DEFAULT 0,
    output_tokens INTEGER NOT NULL DEFAULT 0,
    model_calls   INTEGER NOT NULL DEFAULT 0,
    CHECK ((state = 'done') = (outcome IS NOT NULL AND finished_at IS NOT NULL))
) STRICT;
CREATE INDEX turns_of_session ON turns (session_id);
CREATE INDEX turns_running ON turns (session_id) WHERE state = 'running';

CREATE TABLE items (
    seq        INTEGER PRIMARY KEY,
    id         TEXT NOT NULL UNIQUE,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    turn_id    TEXT,
    position   INTEGER NOT NULL,
    kind       TEXT NOT NULL,
    created_at TEXT NOT NULL,
    body       TEXT NOT NULL,
    -- 1 for user items and complete assistant items: what counts as a message and can be found.
    is_message INTEGER NOT NULL CHECK (is_message IN (0, 1)),
    UNIQUE (session_id, position)
) STRICT;
CREATE INDEX items_of_turn ON items (turn_id) WHERE turn_id IS NOT NULL;
CREATE INDEX messages_of_session ON items (session_id, position) WHERE is_message = 1;

CREATE TABLE tool_calls (
    seq         INTEGER PRIMARY KEY,
    item_id     TEXT NOT NULL UNIQUE REFERENCES items (id) ON DELETE CASCADE,
    call_id     TEXT NOT NULL,
    session_id  TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    turn_id     TEXT,
    tool        TEXT NOT NULL,
    args        TEXT NOT NULL,
    output      TEXT,
    success     INTEGER CHECK (success IN (0, 1)),
    duration_ms INTEGER,
    created_at  TEXT NOT NULL
) STRICT;
CREATE INDEX tool_calls_of_session ON tool_calls (session_id, call_id);

CREATE TABLE queue (
    id                TEXT PRIMARY KEY NOT NULL,
    session_id        TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    text              TEXT NOT NULL,
    model             TEXT,
    client_message_id TEXT,
    created_at        TEXT NOT NULL,
    rank              INTEGER NOT NULL,
    UNIQUE (session_id, rank)
) STRICT;

CREATE TABLE client_messages (
    client_message_id TEXT PRIMARY KEY NOT NULL,
    session_id        TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    turn_id           TEXT,
    item_id           TEXT,
    queue_id          TEXT,
    created_at        TEXT NOT NULL
) STRICT;
CREATE INDEX client_messages_of_session ON client_messages (session_id);

CREATE TABLE approvals (
    seq           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    session_id    TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    turn_id       TEXT NOT NULL,
    call_id       TEXT NOT NULL,
    tool          TEXT NOT NULL,
    args          TEXT NOT NULL,
    risk          TEXT NOT NULL,
    reason        TEXT NOT NULL,
    requested_at  TEXT NOT NULL,
    decision      TEXT,
    answer_reason TEXT,
    resolved_at   TEXT,
    CHECK ((decision IS NULL) = (resolved_at IS NULL))
) STRICT;
CREATE INDEX approvals_of_session ON approvals (session_id);
CREATE INDEX approvals_open ON approvals (turn_id, call_id) WHERE decision IS NULL;

CREATE TABLE providers (
    id          TEXT PRIMARY KEY NOT NULL,
    name        TEXT NOT NULL,
    base_url    TEXT NOT NULL,
    api_key_env TEXT,
    created_at  TEXT NOT NULL
) STRICT;

CREATE TABLE settings (
    key   TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) STRICT;

-- The text of every message. The index holds no copy of it: it reads this view.
CREATE VIEW messages (seq, text) AS
    SELECT seq, body ->> '$.text' FROM items WHERE is_message = 1;

CREATE VIRTUAL TABLE items_fts USING fts5 (
    text,
    content = 'messages',
    content_rowid = 'seq',
    tokenize = 'unicode61 remove_diacritics 2'
);

CREATE TRIGGER message_added AFTER INSERT ON items WHEN new.is_message = 1 BEGIN
    INSERT INTO items_fts (rowid, text) VALUES (new.seq, new.body ->> '$.text');
    UPDATE sessions SET message_count = message_count + 1 WHERE id = new.session_id;
END;

CREATE TRIGGER message_removed AFTER DELETE ON items WHEN old.is_message = 1 BEGIN
    INSERT INTO items_fts (items_fts, rowid, text)
        VALUES ('delete', old.seq, old.body ->> '$.text');
    UPDATE sessions SET message_count = message_count - 1 WHERE id = old.session_id;
END;

-- One trigger, because the order of several is not defined: the old text leaves the index first.
CREATE TRIGGER message_changed AFTER UPDATE OF body, is_message ON items
WHEN old.is_message = 1 OR new.is_message = 1 BEGIN
    INSERT INTO items_fts (items_fts, rowid, text)
        SELECT 'delete', old.seq, old.body ->> '$.text' WHERE old.is_message = 1;
    INSERT INTO items_fts (rowid, text)
        SELECT new.seq, new.body ->> '$.text' WHERE new.is_message = 1;
    UPDATE sessions SET message_count = message_count + new.is_message - old.is_message
        WHERE id = new.session_id AND new.is_message <> old.is_message;
END;
