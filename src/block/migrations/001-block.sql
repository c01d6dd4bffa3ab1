CREATE TABLE volume_types (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO volume_types VALUES ('8f2d4b0e-61c3-4f0a-9d57-3f5c1a7be204', '__DEFAULT__', 'Default volume type');

CREATE TABLE volumes (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT,
    description TEXT,
    status TEXT NOT NULL,
    size INTEGER NOT NULL,               -- GiB
    new_size INTEGER,                    -- GiB, while it is being extended
    bootable INTEGER NOT NULL,
    image_id TEXT,                       -- the image it is filled from
    type_id TEXT NOT NULL REFERENCES volume_types,
    created INTEGER NOT NULL,
    updated INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX volumes_by_project ON volumes (project_id, created);
CREATE INDEX volumes_by_creation ON volumes (created, id);

CREATE TABLE volume_metadata (
    volume_id TEXT NOT NULL REFERENCES volumes ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (volume_id, name)
) STRICT, WITHOUT ROWID;

-- What the image said of itself when the volume was made from it.
CREATE TABLE volume_image_metadata (
    volume_id TEXT NOT NULL REFERENCES volumes ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (volume_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE volume_attachments (
    id TEXT PRIMARY KEY,
    volume_id TEXT NOT NULL REFERENCES volumes, -- a volume that is attached can't go
    server_id TEXT NOT NULL,             -- empty where a host has it
    host_name TEXT,
    device TEXT,
    mode TEXT NOT NULL CHECK (mode IN ('rw', 'ro')),
    status TEXT NOT NULL CHECK (status IN ('reserved', 'attaching', 'attached', 'detaching')),
    by_compute INTEGER NOT NULL,         -- a guest of ours has it: only compute may let it go
    created INTEGER NOT NULL,
    attached INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX volume_attachments_by_volume ON volume_attachments (volume_id);
CREATE INDEX volume_attachments_by_server ON volume_attachments (server_id);
