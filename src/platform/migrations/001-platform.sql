-- Jobs that are not finished; a finished one leaves no row.
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'undoing')),
    step INTEGER NOT NULL DEFAULT 0,     -- the step that is begun, or next
    attempt INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL,         -- microseconds since 1970, as all times
    created INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    cancelled INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX jobs_by_subject ON jobs (subject, id);

-- Facts, kept a day after the slowest subscriber has had them.
CREATE TABLE facts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    fields TEXT NOT NULL,                -- JSON list of texts
    announced INTEGER NOT NULL
) STRICT;

CREATE TABLE fact_cursors (
    subscriber TEXT PRIMARY KEY,
    last INTEGER NOT NULL                -- the last fact that it has had
) STRICT, WITHOUT ROWID;

-- Limits that differ from the defaults.
CREATE TABLE quotas (
    service TEXT NOT NULL,
    owner TEXT NOT NULL,
    resource TEXT NOT NULL,
    hard_limit INTEGER NOT NULL,
    PRIMARY KEY (service, owner, resource)
) STRICT, WITHOUT ROWID;
