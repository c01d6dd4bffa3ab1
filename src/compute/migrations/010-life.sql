-- Servers in all states, and what they have disks of.

ALTER TABLE compute_servers ADD COLUMN config_drive INTEGER NOT NULL DEFAULT 0;
ALTER TABLE compute_servers ADD COLUMN rescue_image TEXT NOT NULL DEFAULT '';   -- that it was rescued with last
ALTER TABLE compute_servers ADD COLUMN rescue_base TEXT NOT NULL DEFAULT '';    -- file name of that image's base copy, while it is
ALTER TABLE compute_servers ADD COLUMN shelved_image TEXT NOT NULL DEFAULT '';  -- what it comes back from
ALTER TABLE compute_servers ADD COLUMN soft_deleted INTEGER;                    -- since when it waits to be reclaimed
CREATE INDEX compute_servers_rescued_on ON compute_servers (rescue_base) WHERE rescue_base <> '';
CREATE INDEX compute_servers_soft_deleted ON compute_servers (soft_deleted) WHERE soft_deleted IS NOT NULL;

-- Lists leave out what waits to be reclaimed, and find that in the index that has their order.
DROP INDEX compute_servers_of_project;
CREATE INDEX compute_servers_of_project ON compute_servers (project, deleted, created, id, name, soft_deleted);
DROP INDEX compute_servers_living;
CREATE INDEX compute_servers_living ON compute_servers (deleted, created, id, name, soft_deleted);
DROP INDEX compute_servers_by_state;
CREATE INDEX compute_servers_by_state ON compute_servers (project, vm_state, deleted, created, id, name, soft_deleted);
DROP INDEX compute_servers_in_state;
CREATE INDEX compute_servers_in_state ON compute_servers (vm_state, deleted, created, id, name, soft_deleted);

-- A base copy that a server stood on before is known to be ours still, though no row names it any more.
CREATE TRIGGER compute_bases_left AFTER UPDATE OF base ON compute_servers WHEN OLD.base <> '' AND OLD.base <> NEW.base BEGIN
    INSERT OR IGNORE INTO compute_cached_images (base, image, wanted) VALUES (OLD.base, OLD.image, 0);
END;
CREATE TRIGGER compute_rescue_bases_left AFTER UPDATE OF rescue_base ON compute_servers WHEN OLD.rescue_base <> '' AND OLD.rescue_base <> NEW.rescue_base BEGIN
    INSERT OR IGNORE INTO compute_cached_images (base, image, wanted) VALUES (OLD.rescue_base, OLD.rescue_image, 0);
END;

-- The disks of a server, in the order in which they were asked for ("block device mappings").
CREATE TABLE compute_devices (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,        -- the API's bdm_uuid
    server TEXT NOT NULL,
    source TEXT NOT NULL,           -- image, snapshot, volume, blank: what it was made from
    local INTEGER NOT NULL,         -- a disk of the server's own on its host; else a volume
    image TEXT NOT NULL DEFAULT '',
    snapshot TEXT NOT NULL DEFAULT '',
    volume TEXT NOT NULL DEFAULT '',
    attachment TEXT UNIQUE,         -- block storage's; null until the volume is there
    size INTEGER NOT NULL DEFAULT 0, -- MiB; 0: as large as what it is made from
    boot_index INTEGER NOT NULL DEFAULT -1,
    device TEXT NOT NULL DEFAULT '', -- /dev/vdb
    serial TEXT NOT NULL DEFAULT '', -- what a guest knows its volume by, where that isn't the volume's own id
    bus TEXT NOT NULL DEFAULT 'virtio',
    type TEXT NOT NULL DEFAULT 'disk', -- disk, cdrom
    format TEXT NOT NULL DEFAULT '', -- swap, ext4, vfat; empty: the usual
    delete_on_termination INTEGER NOT NULL DEFAULT 0,
    tag TEXT
);
CREATE INDEX compute_devices_of_server ON compute_devices (server, number);
CREATE INDEX compute_devices_on_volume ON compute_devices (volume) WHERE volume <> '';

INSERT INTO compute_devices (id, server, source, local, image, boot_index, device, delete_on_termination)
    SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-8' ||
                 substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
           id, 'image', 1, image, 0, '/dev/vda', 1
    FROM compute_servers WHERE image <> '' AND deleted IS NULL ORDER BY number;
INSERT INTO compute_devices (id, server, source, local, volume, attachment, boot_index, device, tag)
    SELECT a.id, a.server, 'volume', 0, a.volume, a.id, CASE WHEN a.root THEN 0 ELSE -1 END, '', a.tag
    FROM compute_attachments a ORDER BY a.id;
DROP TABLE compute_attachments;

-- Files that a guest finds by its metadata ("personality"), and tags of its interfaces.
CREATE TABLE compute_files (
    server TEXT NOT NULL,
    number INTEGER NOT NULL,
    path TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (server, number)
) WITHOUT ROWID;
CREATE TABLE compute_nic_tags (
    port TEXT PRIMARY KEY,
    tag TEXT NOT NULL
) WITHOUT ROWID;

-- What a server was before it was resized, until that is confirmed or reverted.
CREATE TABLE compute_resizes (
    server TEXT PRIMARY KEY,
    vm_state TEXT NOT NULL,         -- active, stopped
    flavor TEXT NOT NULL,           -- as compute_servers has it
    flavor_name TEXT NOT NULL,
    vcpus INTEGER NOT NULL,
    ram INTEGER NOT NULL,
    disk INTEGER NOT NULL,
    ephemeral INTEGER NOT NULL,
    swap INTEGER NOT NULL,
    extra_specs TEXT NOT NULL,
    host TEXT NOT NULL,
    migration TEXT NOT NULL,        -- its record's id
    done INTEGER                    -- when it could be confirmed
) WITHOUT ROWID;
CREATE INDEX compute_resizes_by_age ON compute_resizes (done);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('compute_devices', 'sqlite_autoindex_compute_devices_1', '40000 1'),
    ('compute_devices', 'sqlite_autoindex_compute_devices_2', '20000 1'),
    ('compute_devices', 'compute_devices_of_server', '40000 2 1'),
    ('compute_devices', 'compute_devices_on_volume', '20000 1'),
    ('compute_servers', 'compute_servers_of_project', '20000 200 100 2 1 1 1'),
    ('compute_servers', 'compute_servers_living', '20000 10000 2 1 1 1'),
    ('compute_servers', 'compute_servers_by_state', '20000 200 100 90 2 1 1 1'),
    ('compute_servers', 'compute_servers_in_state', '20000 4000 2000 2 1 1 1'),
    ('compute_servers', 'compute_servers_rescued_on', '10 1'),
    ('compute_servers', 'compute_servers_soft_deleted', '100 1');
ANALYZE sqlite_schema;
