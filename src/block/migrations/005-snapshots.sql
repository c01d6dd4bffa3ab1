-- What a volume was made from, and what else is true of it.
ALTER TABLE volumes ADD COLUMN snapshot_id TEXT;                        -- that it was made from; it may be gone
ALTER TABLE volumes ADD COLUMN source_volid TEXT;                       -- the same of another volume
ALTER TABLE volumes ADD COLUMN multiattach INTEGER NOT NULL DEFAULT 0;  -- several servers may have it at once
ALTER TABLE volumes ADD COLUMN encryption_key_id TEXT;                  -- the secret that opens it; NULL where it is as it is
ALTER TABLE volumes ADD COLUMN migration_status TEXT;                   -- how its move to another back end goes; NULL where there was none
ALTER TABLE volumes ADD COLUMN previous_status TEXT;                    -- what it is again once the work that its status names is done
ALTER TABLE volumes ADD COLUMN new_host TEXT;                           -- where it is being moved: "host@backend#pool"
ALTER TABLE volumes ADD COLUMN new_type_id TEXT REFERENCES volume_types; -- what it is becoming
ALTER TABLE volumes ADD COLUMN group_id TEXT;
ALTER TABLE volumes ADD COLUMN use_quota INTEGER NOT NULL DEFAULT 1;    -- counts in its project's quota
ALTER TABLE volumes ADD COLUMN deleted INTEGER;                         -- since when it has been in the recycle bin
CREATE INDEX volumes_of_snapshot ON volumes (snapshot_id, created) WHERE snapshot_id IS NOT NULL;
CREATE INDEX volumes_of_volume ON volumes (source_volid, created) WHERE source_volid IS NOT NULL;
CREATE INDEX volumes_of_group ON volumes (group_id, created) WHERE group_id IS NOT NULL;
CREATE INDEX volumes_deleted ON volumes (deleted) WHERE deleted IS NOT NULL;
CREATE INDEX volumes_of_type ON volumes (type_id, created);

-- How the one who attaches said that it reaches the volume, and what it was told: JSON.
ALTER TABLE volume_attachments ADD COLUMN connector TEXT;
ALTER TABLE volume_attachments ADD COLUMN connection TEXT;

CREATE TABLE volume_snapshots (
    id TEXT PRIMARY KEY,
    volume_id TEXT NOT NULL REFERENCES volumes, -- a volume that has snapshots can't go
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT,
    description TEXT,
    status TEXT NOT NULL,
    size INTEGER NOT NULL,               -- GiB, of the volume when it was taken
    progress TEXT,                       -- "100%"
    use_quota INTEGER NOT NULL,          -- counts in its project's quota
    group_snapshot_id TEXT,
    encryption_key_id TEXT,              -- the volume's when it was taken
    created INTEGER NOT NULL,
    updated INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX volume_snapshots_by_project ON volume_snapshots (project_id, created);
CREATE INDEX volume_snapshots_by_creation ON volume_snapshots (created);
CREATE INDEX volume_snapshots_by_name ON volume_snapshots (name, created);
CREATE INDEX volume_snapshots_by_status ON volume_snapshots (project_id, status, created);
CREATE INDEX volume_snapshots_in_status ON volume_snapshots (status, created);
CREATE INDEX volume_snapshots_of_user ON volume_snapshots (user_id, created);
CREATE INDEX volume_snapshots_of_volume ON volume_snapshots (volume_id, created);
CREATE INDEX volume_snapshots_of_group ON volume_snapshots (group_snapshot_id, created) WHERE group_snapshot_id IS NOT NULL;

CREATE TABLE volume_snapshot_metadata (
    snapshot_id TEXT NOT NULL REFERENCES volume_snapshots ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (snapshot_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX volume_snapshot_metadata_by_item ON volume_snapshot_metadata (name, value);

ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('volumes', 'volumes_of_snapshot', '2000 2 1 1'),
    ('volumes', 'volumes_of_volume', '2000 2 1 1'),
    ('volumes', 'volumes_of_group', '2000 10 2 1'),
    ('volumes', 'volumes_deleted', '20 1 1'),
    ('volumes', 'volumes_of_type', '20000 5000 2 1'),
    ('volume_snapshots', 'volume_snapshots', '20000 1'),
    ('volume_snapshots', 'volume_snapshots_by_project', '20000 200 2 1'),
    ('volume_snapshots', 'volume_snapshots_by_creation', '20000 2 1'),
    ('volume_snapshots', 'volume_snapshots_by_name', '20000 10 2 1'),
    ('volume_snapshots', 'volume_snapshots_by_status', '20000 200 190 2 1'),
    ('volume_snapshots', 'volume_snapshots_in_status', '20000 19000 2 1'),
    ('volume_snapshots', 'volume_snapshots_of_user', '20000 200 2 1'),
    ('volume_snapshots', 'volume_snapshots_of_volume', '20000 5 2 1'),
    ('volume_snapshots', 'volume_snapshots_of_group', '2000 5 2 1'),
    ('volume_snapshot_metadata', 'volume_snapshot_metadata', '20000 2 1'),
    ('volume_snapshot_metadata', 'volume_snapshot_metadata_by_item', '20000 1000 50 1');
ANALYZE sqlite_schema;
