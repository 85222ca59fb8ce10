-- What a call of a tool leaves: requests for approval with all that was shown, grants, the audit,
-- what files were before a turn changed them; and the directory a session works in.

ALTER TABLE sessions ADD COLUMN workspace_root TEXT;
ALTER TABLE sessions ADD COLUMN workspace_git_root TEXT;
ALTER TABLE sessions ADD COLUMN workspace_too_broad TEXT;

CREATE TABLE new_approvals (
    seq           INTEGER PRIMARY KEY,
    id            TEXT NOT NULL UNIQUE,
    -- NULL, as the turn: a tool that was run by itself.
    session_id    TEXT REFERENCES sessions (id) ON DELETE CASCADE,
    turn_id       TEXT,
    call_id       TEXT NOT NULL,
    tool          TEXT NOT NULL,
    args          TEXT NOT NULL,
    risk          TEXT NOT NULL,
    reason        TEXT NOT NULL,
    rule          TEXT NOT NULL,
    steps         TEXT NOT NULL,
    cwd           TEXT NOT NULL,
    network       INTEGER NOT NULL CHECK (network IN (0, 1)),
    sandbox       TEXT NOT NULL,
    diff          TEXT,
    patterns      TEXT NOT NULL,
    -- Empty: asked by a version that bound approvals to nothing, so it cannot be approved.
    digest        TEXT NOT NULL,
    requested_at  TEXT NOT NULL,
    -- NULL: its turn is broken off, so no time runs.
    expires_at    TEXT,
    decision      TEXT,
    answer_reason TEXT,
    resolved_at   TEXT,
    -- NULL: nobody decided.
    resolved_by   TEXT,
    scope         TEXT,
    CHECK ((decision IS NULL) = (resolved_at IS NULL))
) STRICT;
-- Whether an old request used the network is not known: the worse is said.
INSERT INTO new_approvals
    (seq, id, session_id, turn_id, call_id, tool, args, risk, reason, rule, steps, cwd, network,
     sandbox, patterns, digest, requested_at, decision, answer_reason, resolved_at)
SELECT seq, id, session_id, turn_id, call_id, tool, args, risk, reason, '', '[]', '', 1,
       '', '[]', '', requested_at, decision, answer_reason, resolved_at
FROM approvals ORDER BY seq;
DROP TABLE approvals;
ALTER TABLE new_approvals RENAME TO approvals;
CREATE INDEX approvals_of_session ON approvals (session_id);
CREATE INDEX approvals_open ON approvals (turn_id, call_id) WHERE decision IS NULL;

-- No reference to `approvals`: a request may be gone with its session while the grant still counts.
CREATE TABLE grants (
    seq         INTEGER PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    scope       TEXT NOT NULL CHECK (scope IN ('session', 'project', 'always')),
    tool        TEXT NOT NULL,
    pattern     TEXT NOT NULL,
    session_id  TEXT REFERENCES sessions (id) ON DELETE CASCADE,
    project     TEXT,
    programs    TEXT NOT NULL,
    approval_id TEXT NOT NULL,
    created_at  TEXT NOT NULL,
    expires_at  TEXT,
    revoked_at  TEXT,
    uses        INTEGER NOT NULL DEFAULT 0,
    CHECK (scope <> 'session' OR session_id IS NOT NULL),
    CHECK (scope <> 'project' OR project IS NOT NULL)
) STRICT;
CREATE INDEX grants_of_session ON grants (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX grants_that_count ON grants (scope, session_id, project) WHERE revoked_at IS NULL;

-- No references: a deleted session leaves its entries.
CREATE TABLE audit (
    id          INTEGER PRIMARY KEY,
    at          TEXT NOT NULL,
    kind        TEXT NOT NULL,
    surface     TEXT NOT NULL,
    session_id  TEXT,
    turn_id     TEXT,
    call_id     TEXT,
    tool        TEXT,
    text        TEXT NOT NULL,
    digest      TEXT,
    outcome     TEXT NOT NULL,
    rule        TEXT,
    duration_ms INTEGER,
    prev_hash   TEXT NOT NULL,
    hash        TEXT NOT NULL
) STRICT;
CREATE INDEX audit_of_session ON audit (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX audit_of_tool ON audit (tool) WHERE tool IS NOT NULL;

-- One row: how many entries there are and the hash of the last.
CREATE TABLE audit_head (
    only    INTEGER PRIMARY KEY CHECK (only = 1),
    entries INTEGER NOT NULL,
    hash    TEXT NOT NULL
) STRICT;
INSERT INTO audit_head (only, entries, hash)
    VALUES (1, 0, '0000000000000000000000000000000000000000000000000000000000000000');

-- Replacing a row deletes it without asking the trigger for deletes, so inserts are watched too.
CREATE TRIGGER audit_grows_at_its_end BEFORE INSERT ON audit
WHEN new.id IS NOT (SELECT entries + 1 FROM audit_head)
     OR new.prev_hash IS NOT (SELECT hash FROM audit_head) BEGIN
    SELECT RAISE (ABORT, 'the audit grows at its end only');
END;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN
    SELECT RAISE (ABORT, 'entries of the audit are not changed');
END;
CREATE TRIGGER audit_is_not_cut BEFORE DELETE ON audit BEGIN
    SELECT RAISE (ABORT, 'entries of the audit are not deleted');
END;
CREATE TRIGGER audit_head_is_one BEFORE INSERT ON audit_head BEGIN
    SELECT RAISE (ABORT, 'the audit has one head');
END;
CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head BEGIN
    SELECT RAISE (ABORT, 'the head of the audit is not deleted');
END;
CREATE TRIGGER audit_head_follows BEFORE UPDATE ON audit_head
WHEN new.entries IS NOT old.entries + 1
     OR new.hash IS NOT (SELECT hash FROM audit WHERE id = new.entries) BEGIN
    SELECT RAISE (ABORT, 'the head of the audit follows its last entry');
END;

CREATE TABLE checkpoint_turns (
    seq        INTEGER PRIMARY KEY,
    session_id TEXT NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
    turn_id    TEXT NOT NULL,
    at         TEXT NOT NULL,
    -- A JSON array of texts.
    commands   TEXT NOT NULL DEFAULT '[]',
    undone_at  TEXT,
    UNIQUE (session_id, turn_id)
) STRICT;

-- The contents are files outside of the database, named after their hash.
CREATE TABLE checkpoint_files (
    seq           INTEGER PRIMARY KEY,
    session_id    TEXT NOT NULL,
    turn_id       TEXT NOT NULL,
    path          TEXT NOT NULL,
    at            TEXT NOT NULL,
    -- NULL, as the size: the file was not there.
    before_mode   INTEGER,
    before_bytes  INTEGER,
    -- NULL: the file was not there, or its content is not kept.
    before_sha256 TEXT,
    -- 'gone', the hash of the content, or NULL while the change is under way.
    after         TEXT,
    UNIQUE (session_id, turn_id, path),
    CHECK (before_bytes IS NOT NULL OR (before_sha256 IS NULL AND before_mode IS NULL)),
    FOREIGN KEY (session_id, turn_id)
        REFERENCES checkpoint_turns (session_id, turn_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX checkpoint_files_by_content ON checkpoint_files (before_sha256, before_bytes)
    WHERE before_sha256 IS NOT NULL;
