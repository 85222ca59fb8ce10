-- Providers of every dialect with their models, consent to keys, images, what model calls cost.

ALTER TABLE providers ADD COLUMN dialect TEXT NOT NULL DEFAULT 'openai_chat';
-- NULL: as the dialect's maker does it.
ALTER TABLE providers ADD COLUMN auth TEXT;
ALTER TABLE providers ADD COLUMN requires_api_key INTEGER NOT NULL DEFAULT 0
    CHECK (requires_api_key IN (0, 1));
ALTER TABLE providers ADD COLUMN api_version TEXT;
UPDATE providers SET requires_api_key = 1 WHERE api_key_env IS NOT NULL;

-- No reference to providers: models can be added to one that comes with the program.
CREATE TABLE models (
    provider_id        TEXT NOT NULL,
    model_id           TEXT NOT NULL,
    display_name       TEXT NOT NULL,
    context_limit      INTEGER,
    output_limit       INTEGER,
    supports_tools     INTEGER CHECK (supports_tools IN (0, 1)),
    supports_vision    INTEGER CHECK (supports_vision IN (0, 1)),
    -- Millionths of a US dollar for a million tokens.
    price_input        INTEGER,
    price_cached_input INTEGER,
    price_cache_write  INTEGER,
    price_output       INTEGER,
    created_at         TEXT NOT NULL,
    PRIMARY KEY (provider_id, model_id),
    CHECK ((price_input IS NULL) = (price_output IS NULL))
) STRICT;

CREATE TABLE key_bindings (
    provider_id TEXT PRIMARY KEY NOT NULL,
    origin      TEXT NOT NULL,
    created_at  TEXT NOT NULL
) STRICT;

CREATE TABLE key_consents (
    variable   TEXT PRIMARY KEY NOT NULL,
    created_at TEXT NOT NULL
) STRICT;

-- The content stands last, so that the other columns are read without it.
CREATE TABLE images (
    sha256     TEXT PRIMARY KEY NOT NULL,
    media_type TEXT NOT NULL,
    created_at TEXT NOT NULL,
    data       BLOB NOT NULL
) STRICT;
CREATE INDEX items_with_images ON items (session_id)
    WHERE kind = 'user' AND body ->> '$.images' IS NOT NULL;

ALTER TABLE queue ADD COLUMN images TEXT NOT NULL DEFAULT '[]';
ALTER TABLE queue ADD COLUMN surface TEXT NOT NULL DEFAULT 'internal';

ALTER TABLE sessions ADD COLUMN model TEXT;

ALTER TABLE turns ADD COLUMN cache_write_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE turns ADD COLUMN reasoning_tokens INTEGER NOT NULL DEFAULT 0;
ALTER TABLE turns ADD COLUMN cost_microusd INTEGER NOT NULL DEFAULT 0;

-- No references: what a deleted session used still counts.
CREATE TABLE model_calls (
    seq                INTEGER PRIMARY KEY,
    turn_id            TEXT,
    session_id         TEXT,
    job_id             TEXT,
    surface            TEXT NOT NULL,
    provider_id        TEXT NOT NULL,
    -- provider:model
    model              TEXT NOT NULL,
    started_at         TEXT NOT NULL,
    day                TEXT NOT NULL CHECK (day = substr(started_at, 1, 10)),
    first_token_ms     INTEGER,
    latency_ms         INTEGER,
    input_tokens       INTEGER NOT NULL,
    cached_tokens      INTEGER NOT NULL,
    cache_write_tokens INTEGER NOT NULL,
    output_tokens      INTEGER NOT NULL,
    reasoning_tokens   INTEGER NOT NULL,
    -- NULL: the price is not known.
    cost_microusd      INTEGER,
    is_estimated       INTEGER NOT NULL CHECK (is_estimated IN (0, 1)),
    -- NULL: it went well.
    error_code         TEXT,
    -- More than one only in the rows made below, which stand for a whole turn.
    calls              INTEGER NOT NULL DEFAULT 1
) STRICT;
CREATE INDEX model_calls_by_day ON model_calls (day);
CREATE INDEX model_calls_of_session ON model_calls (session_id);

-- What budgets ask for before every call, kept by the trigger below. `tokens` is input and output.
CREATE TABLE spent_by_day (
    day           TEXT PRIMARY KEY NOT NULL,
    tokens        INTEGER NOT NULL,
    cost_microusd INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE spent_by_session (
    session_id    TEXT PRIMARY KEY NOT NULL,
    tokens        INTEGER NOT NULL,
    cost_microusd INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER model_call_added AFTER INSERT ON model_calls BEGIN
    INSERT INTO spent_by_day (day, tokens, cost_microusd)
        VALUES (new.day, new.input_tokens + new.output_tokens, coalesce(new.cost_microusd, 0))
        ON CONFLICT (day) DO UPDATE SET tokens = tokens + excluded.tokens,
            cost_microusd = cost_microusd + excluded.cost_microusd;
    INSERT INTO spent_by_session (session_id, tokens, cost_microusd)
        SELECT new.session_id, new.input_tokens + new.output_tokens,
               coalesce(new.cost_microusd, 0)
        WHERE new.session_id IS NOT NULL
        ON CONFLICT (session_id) DO UPDATE SET tokens = tokens + excluded.tokens,
            cost_microusd = cost_microusd + excluded.cost_microusd;
END;

-- What the embedded engine computes costs nothing; of others no price was kept.
INSERT INTO model_calls
    (turn_id, session_id, surface, provider_id, model, started_at, day, input_tokens,
     cached_tokens, cache_write_tokens, output_tokens, reasoning_tokens, cost_microusd, is_estimated, calls)
SELECT id, session_id, surface,
       CASE instr(model, ':') WHEN 0 THEN model ELSE substr(model, 1, instr(model, ':') - 1) END,
       model, started_at, substr(started_at, 1, 10),
       min(input_tokens, 1000000000000), min(cached_tokens, 1000000000000), 0,
       min(output_tokens, 1000000000000), 0,
       CASE WHEN model LIKE 'local:%' THEN 0 END, 0, model_calls
FROM turns
WHERE model_calls > 0 OR input_tokens > 0 OR output_tokens > 0
ORDER BY seq;
