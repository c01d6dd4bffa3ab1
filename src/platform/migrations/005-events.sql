-- What has become of things, for whoever listens outside. A row is made in the transaction that made it true, by a
-- trigger on the table of the thing.
CREATE TABLE events (
    id INTEGER PRIMARY KEY,              -- rises, as the last row always stays
    time INTEGER NOT NULL DEFAULT (CAST((julianday('now') - 2440587.5) * 86400000000.0 AS INTEGER)),
    type TEXT NOT NULL,                  -- compute.server.created
    resource TEXT NOT NULL,
    project TEXT NOT NULL,               -- whose it is; empty: the cloud's
    status TEXT                          -- as it is then, where it has one
) STRICT;

-- What each webhook has had.
CREATE TABLE webhook_cursors (
    url TEXT PRIMARY KEY,
    last INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
