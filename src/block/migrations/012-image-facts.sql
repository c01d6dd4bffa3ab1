-- What the image that a volume was made from said of itself, as it was when the snapshot was taken.
CREATE TABLE volume_snapshot_image_metadata (
    snapshot_id TEXT NOT NULL REFERENCES volume_snapshots ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (snapshot_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO volume_snapshot_image_metadata SELECT s.id, m.name, m.value
    FROM volume_snapshots s JOIN volume_image_metadata m ON m.volume_id = s.volume_id;

-- What opens images that sealed volumes were made: the image service keeps no passphrase.
CREATE TABLE volume_image_secrets (
    image_id TEXT PRIMARY KEY,
    secret_id TEXT NOT NULL              -- of volume_secrets; the image's own
) STRICT, WITHOUT ROWID;

-- Snapshots of volumes in use that are copied from and that no list shows: each has the id of the backup or image that it is taken for.
CREATE TABLE volume_held_snapshots (
    snapshot_id TEXT PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO volume_held_snapshots SELECT id FROM backups WHERE held;
ALTER TABLE backups DROP COLUMN held;

-- On their way somewhere, of all volumes and snapshots.
CREATE INDEX volumes_in_transit ON volumes (status) WHERE status IN ('creating', 'downloading', 'extending', 'deleting', 'uploading',
    'retyping', 'reverting', 'managing', 'unmanaging', 'backing-up', 'restoring-backup');
CREATE INDEX volume_snapshots_in_transit ON volume_snapshots (status) WHERE status IN ('creating', 'deleting', 'unmanaging', 'backing-up',
    'restoring');

ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('volume_snapshot_image_metadata', 'volume_snapshot_image_metadata', '60000 6 1'),
    ('volume_image_secrets', 'volume_image_secrets', '500 1'),
    ('volume_held_snapshots', 'volume_held_snapshots', '100 1'),
    ('volumes', 'volumes_in_transit', '100 20 1'),
    ('volume_snapshots', 'volume_snapshots_in_transit', '100 20 1');
ANALYZE sqlite_schema;
