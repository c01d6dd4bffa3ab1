-- Which cloud this is: one row, made at the first start and kept by every copy of this file.
CREATE TABLE cloud (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL,                    -- marks what is ours on hosts
    epoch INTEGER NOT NULL,              -- raised by whoever takes a copy of this file into service in the place of another
    host TEXT NOT NULL                   -- what this host was called when the cloud began, and rows call it
) STRICT;

-- What is on a host although neither a row stands for it nor the memory of its deletion: kept, and told.
CREATE TABLE strays (
    kind TEXT NOT NULL,                  -- "guest", "volume", "image", …
    place TEXT NOT NULL,                 -- of its kind: a host, a back end, a store
    id TEXT NOT NULL,
    seen INTEGER NOT NULL,               -- first
    PRIMARY KEY (kind, place, id)
) STRICT, WITHOUT ROWID;

-- What somebody has deleted, for a week: what a driver has of it still may go.
CREATE TABLE tombstones (
    kind TEXT NOT NULL,
    place TEXT NOT NULL,                 -- as above; empty: everywhere
    id TEXT NOT NULL,
    deleted INTEGER NOT NULL,
    PRIMARY KEY (kind, id, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX tombstones_by_age ON tombstones (deleted);
