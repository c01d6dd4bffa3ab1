CREATE TABLE images (
    id TEXT PRIMARY KEY,
    name TEXT,
    owner TEXT NOT NULL,                 -- a project; empty where nobody owns it
    status TEXT NOT NULL CHECK (status IN ('queued', 'saving', 'uploading', 'importing', 'active', 'deactivated')),
    visibility TEXT NOT NULL CHECK (visibility IN ('public', 'private', 'shared', 'community')),
    disk_format TEXT,
    container_format TEXT,
    size INTEGER,                        -- bytes of the data; null until there is some
    virtual_size INTEGER,                -- bytes of the disk that the data describes
    checksum TEXT,                       -- md5, hexadecimal
    hash_value TEXT,                     -- sha512, hexadecimal
    min_ram INTEGER NOT NULL,            -- MiB
    min_disk INTEGER NOT NULL,           -- GiB
    protected INTEGER NOT NULL,
    hidden INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX images_by_owner ON images (owner, size);
CREATE INDEX images_by_creation ON images (created, id);

CREATE TABLE image_properties (
    image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (image_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE image_tags (
    image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (image_id, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE image_members (
    image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
    member TEXT NOT NULL,                -- a project
    status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'rejected')),
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY (image_id, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX image_members_by_member ON image_members (member, status);
