-- What opens sealed volumes: passphrases, sealed by the keys of stored credentials.
CREATE TABLE volume_secrets (
    id TEXT PRIMARY KEY,
    sealed TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE backups (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    archive_id TEXT NOT NULL,            -- under which its objects lie: its own id, unless it was imported under another
    volume_id TEXT NOT NULL,             -- that it is of; it may be gone
    snapshot_id TEXT,                    -- that it was copied from
    parent_id TEXT REFERENCES backups,   -- what hasn't changed since is there: one that others stand on can't go
    name TEXT,
    description TEXT,
    status TEXT NOT NULL,
    size INTEGER NOT NULL,               -- GiB, of the volume
    container TEXT,
    zone TEXT,
    object_count INTEGER NOT NULL,
    fail_reason TEXT,
    data_timestamp INTEGER NOT NULL,     -- when the volume said that
    held INTEGER NOT NULL,               -- copied from a snapshot of its own, with the backup's id
    restoring_id TEXT,                   -- the volume that is being filled from it
    encryption_key_id TEXT,              -- what opens the bytes, where they are sealed
    volume_facts TEXT,                   -- what else was true of the volume: JSON
    created INTEGER NOT NULL,
    updated INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX backups_by_project ON backups (project_id, created);
CREATE INDEX backups_by_creation ON backups (created);
CREATE INDEX backups_by_name ON backups (name, created);
CREATE INDEX backups_by_status ON backups (project_id, status, created);
CREATE INDEX backups_in_status ON backups (status, created);
CREATE INDEX backups_of_volume ON backups (volume_id, data_timestamp);
CREATE INDEX backups_of_archive ON backups (archive_id);
CREATE INDEX backups_of_user ON backups (user_id, created);
CREATE INDEX backups_of_parent ON backups (parent_id) WHERE parent_id IS NOT NULL;

CREATE TABLE backup_metadata (
    backup_id TEXT NOT NULL REFERENCES backups ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (backup_id, name)
) STRICT, WITHOUT ROWID;

ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('backups', 'backups', '20000 1'),
    ('backups', 'backups_by_project', '20000 200 2 1'),
    ('backups', 'backups_by_creation', '20000 2 1'),
    ('backups', 'backups_by_name', '20000 10 2 1'),
    ('backups', 'backups_by_status', '20000 200 190 2 1'),
    ('backups', 'backups_in_status', '20000 19000 2 1'),
    ('backups', 'backups_of_volume', '20000 5 2 1'),
    ('backups', 'backups_of_archive', '20000 1 1'),
    ('backups', 'backups_of_user', '20000 200 2 1'),
    ('backups', 'backups_of_parent', '10000 1 1'),
    ('backup_metadata', 'backup_metadata', '20000 2 1'),
    ('volume_secrets', 'volume_secrets', '2000 1');
ANALYZE sqlite_schema;
