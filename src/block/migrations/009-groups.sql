-- Volumes on their way to another project.
CREATE TABLE volume_transfers (
    id TEXT PRIMARY KEY,
    volume_id TEXT NOT NULL UNIQUE REFERENCES volumes ON DELETE CASCADE,
    project_id TEXT NOT NULL,            -- whose it was
    name TEXT,
    no_snapshots INTEGER NOT NULL,       -- the volume's snapshots stay whose they are
    salt TEXT NOT NULL,
    key_hash TEXT NOT NULL,              -- of the salt and the key; the key itself is nowhere
    attempts INTEGER NOT NULL,           -- with a wrong key
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX volume_transfers_by_project ON volume_transfers (project_id, created);
CREATE INDEX volume_transfers_by_creation ON volume_transfers (created);

CREATE TABLE volume_group_types (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT,
    is_public INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX volume_group_types_by_creation ON volume_group_types (created);

CREATE TABLE volume_group_type_specs (
    type_id TEXT NOT NULL REFERENCES volume_group_types ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (type_id, name)
) STRICT, WITHOUT ROWID;

-- Volumes that are snapshotted and deleted together; volumes say of which they are (group_id).
CREATE TABLE volume_groups (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT,
    description TEXT,
    status TEXT NOT NULL,
    type_id TEXT NOT NULL REFERENCES volume_group_types, -- a type that is in use can't go
    group_snapshot_id TEXT,              -- that it was made from; it may be gone
    source_group_id TEXT,                -- the same of another group
    created INTEGER NOT NULL,
    updated INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX volume_groups_by_project ON volume_groups (project_id, created);
CREATE INDEX volume_groups_by_creation ON volume_groups (created);
CREATE INDEX volume_groups_by_type ON volume_groups (type_id);

-- Of which types its volumes may be.
CREATE TABLE volume_group_volume_types (
    group_id TEXT NOT NULL REFERENCES volume_groups ON DELETE CASCADE,
    type_id TEXT NOT NULL REFERENCES volume_types,
    PRIMARY KEY (group_id, type_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX volume_group_volume_types_by_type ON volume_group_volume_types (type_id);

-- Snapshots of all volumes of a group; they say of which they are (group_snapshot_id).
CREATE TABLE volume_group_snapshots (
    id TEXT PRIMARY KEY,
    group_id TEXT NOT NULL REFERENCES volume_groups, -- a group that has snapshots can't go
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT,
    description TEXT,
    status TEXT NOT NULL,
    type_id TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX volume_group_snapshots_by_project ON volume_group_snapshots (project_id, created);
CREATE INDEX volume_group_snapshots_by_creation ON volume_group_snapshots (created);
CREATE INDEX volume_group_snapshots_by_group ON volume_group_snapshots (group_id, created);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('volume_transfers', 'volume_transfers', '500 1'),
    ('volume_transfers', 'volume_transfers_by_project', '500 10 2 1'),
    ('volume_transfers', 'volume_transfers_by_creation', '500 2 1'),
    ('volume_group_types', 'volume_group_types', '50 1'),
    ('volume_group_types', 'volume_group_types_by_creation', '50 1 1'),
    ('volume_group_type_specs', 'volume_group_type_specs', '200 4 1'),
    ('volume_groups', 'volume_groups', '2000 1'),
    ('volume_groups', 'volume_groups_by_project', '2000 20 2 1'),
    ('volume_groups', 'volume_groups_by_creation', '2000 2 1'),
    ('volume_groups', 'volume_groups_by_type', '2000 100 1'),
    ('volume_group_volume_types', 'volume_group_volume_types', '4000 2 1'),
    ('volume_group_volume_types', 'volume_group_volume_types_by_type', '4000 100 1'),
    ('volume_group_snapshots', 'volume_group_snapshots', '2000 1'),
    ('volume_group_snapshots', 'volume_group_snapshots_by_project', '2000 20 2 1'),
    ('volume_group_snapshots', 'volume_group_snapshots_by_creation', '2000 2 1'),
    ('volume_group_snapshots', 'volume_group_snapshots_by_group', '2000 5 2 1');
ANALYZE sqlite_schema;
