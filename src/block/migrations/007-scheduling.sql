-- What has been promised to volumes, by the pool that they are in: kept by the store itself, so it can't drift.
CREATE TABLE volume_pools (
    name TEXT PRIMARY KEY,               -- "host@backend#pool"
    volumes INTEGER NOT NULL,
    gigabytes INTEGER NOT NULL           -- GiB; of one that grows, what it will have
) STRICT, WITHOUT ROWID;
INSERT INTO volume_pools SELECT host, count(*), sum(coalesce(new_size, size)) FROM volumes GROUP BY host;
CREATE TRIGGER volume_comes AFTER INSERT ON volumes BEGIN
    INSERT INTO volume_pools VALUES (new.host, 1, coalesce(new.new_size, new.size))
        ON CONFLICT (name) DO UPDATE SET volumes = volumes + 1, gigabytes = gigabytes + excluded.gigabytes;
END;
CREATE TRIGGER volume_goes AFTER DELETE ON volumes BEGIN
    UPDATE volume_pools SET volumes = volumes - 1, gigabytes = gigabytes - coalesce(old.new_size, old.size) WHERE name = old.host;
END;
CREATE TRIGGER volume_moves AFTER UPDATE OF host, size, new_size ON volumes BEGIN
    UPDATE volume_pools SET volumes = volumes - 1, gigabytes = gigabytes - coalesce(old.new_size, old.size) WHERE name = old.host;
    INSERT INTO volume_pools VALUES (new.host, 1, coalesce(new.new_size, new.size))
        ON CONFLICT (name) DO UPDATE SET volumes = volumes + 1, gigabytes = gigabytes + excluded.gigabytes;
END;

-- Services that an administrator has disabled; there is no row of one that was never touched.
CREATE TABLE block_services (
    binary TEXT NOT NULL,                -- "cinder-volume"
    host TEXT NOT NULL,                  -- "host@backend"
    disabled INTEGER NOT NULL,
    reason TEXT,
    updated INTEGER NOT NULL,
    PRIMARY KEY (binary, host)
) STRICT, WITHOUT ROWID;

-- Why something failed after it had been accepted.
CREATE TABLE volume_messages (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    request_id TEXT NOT NULL,
    resource_type TEXT NOT NULL,
    resource_uuid TEXT NOT NULL,
    action INTEGER NOT NULL,
    detail INTEGER NOT NULL,
    event_id TEXT NOT NULL,
    level TEXT NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX volume_messages_by_project ON volume_messages (project_id, created);
CREATE INDEX volume_messages_by_creation ON volume_messages (created);
CREATE INDEX volume_messages_by_resource ON volume_messages (resource_uuid, created);
CREATE INDEX volume_messages_by_end ON volume_messages (expires);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('volume_pools', 'volume_pools', '10 1'),
    ('block_services', 'block_services', '10 5 1'),
    ('volume_messages', 'volume_messages', '20000 1'),
    ('volume_messages', 'volume_messages_by_project', '20000 200 2 1'),
    ('volume_messages', 'volume_messages_by_creation', '20000 2 1'),
    ('volume_messages', 'volume_messages_by_resource', '20000 2 1 1'),
    ('volume_messages', 'volume_messages_by_end', '20000 2 1');
ANALYZE sqlite_schema;
