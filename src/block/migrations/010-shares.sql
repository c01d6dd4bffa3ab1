-- What projects have in each pool, of volumes and of their snapshots: kept by the store itself, so it can't drift. What a project has no more of
-- has no row.
CREATE TABLE volume_shares (
    pool TEXT NOT NULL,                  -- "host@backend#pool"
    project_id TEXT NOT NULL,
    volumes INTEGER NOT NULL,
    gigabytes INTEGER NOT NULL,          -- GiB
    snapshots INTEGER NOT NULL,
    snapshot_gigabytes INTEGER NOT NULL, -- GiB
    PRIMARY KEY (pool, project_id)
) STRICT, WITHOUT ROWID;

-- Each change of a share is a row here, which is never kept: the trigger adds it up.
CREATE VIEW volume_share_changes AS SELECT pool, project_id, volumes, gigabytes, snapshots, snapshot_gigabytes FROM volume_shares;
CREATE TRIGGER volume_share_changes INSTEAD OF INSERT ON volume_share_changes BEGIN
    INSERT INTO volume_shares VALUES (new.pool, new.project_id, new.volumes, new.gigabytes, new.snapshots, new.snapshot_gigabytes)
        ON CONFLICT (pool, project_id) DO UPDATE SET volumes = volumes + excluded.volumes, gigabytes = gigabytes + excluded.gigabytes,
            snapshots = snapshots + excluded.snapshots, snapshot_gigabytes = snapshot_gigabytes + excluded.snapshot_gigabytes;
    DELETE FROM volume_shares WHERE pool = new.pool AND project_id = new.project_id AND volumes = 0 AND snapshots = 0;
END;

INSERT INTO volume_share_changes SELECT host, project_id, count(*), sum(size), 0, 0 FROM volumes GROUP BY host, project_id;
INSERT INTO volume_share_changes SELECT v.host, s.project_id, 0, 0, count(*), sum(s.size)
    FROM volume_snapshots s JOIN volumes v ON v.id = s.volume_id GROUP BY v.host, s.project_id;

CREATE TRIGGER volume_share_comes AFTER INSERT ON volumes BEGIN
    INSERT INTO volume_share_changes VALUES (new.host, new.project_id, 1, new.size, 0, 0);
END;
CREATE TRIGGER volume_share_goes AFTER DELETE ON volumes BEGIN
    INSERT INTO volume_share_changes VALUES (old.host, old.project_id, -1, -old.size, 0, 0);
END;
CREATE TRIGGER volume_share_moves AFTER UPDATE OF host, project_id, size ON volumes
WHEN new.host <> old.host OR new.project_id <> old.project_id OR new.size <> old.size BEGIN
    INSERT INTO volume_share_changes VALUES (old.host, old.project_id, -1, -old.size, 0, 0);
    INSERT INTO volume_share_changes VALUES (new.host, new.project_id, 1, new.size, 0, 0);
END;
CREATE TRIGGER volume_share_takes_snapshots AFTER UPDATE OF host ON volumes WHEN new.host <> old.host BEGIN
    INSERT INTO volume_share_changes SELECT old.host, project_id, 0, 0, -1, -size FROM volume_snapshots WHERE volume_id = new.id;
    INSERT INTO volume_share_changes SELECT new.host, project_id, 0, 0, 1, size FROM volume_snapshots WHERE volume_id = new.id;
END;
CREATE TRIGGER snapshot_share_comes AFTER INSERT ON volume_snapshots BEGIN
    INSERT INTO volume_share_changes SELECT host, new.project_id, 0, 0, 1, new.size FROM volumes WHERE id = new.volume_id;
END;
CREATE TRIGGER snapshot_share_goes AFTER DELETE ON volume_snapshots BEGIN
    INSERT INTO volume_share_changes SELECT host, old.project_id, 0, 0, -1, -old.size FROM volumes WHERE id = old.volume_id;
END;
CREATE TRIGGER snapshot_share_moves AFTER UPDATE OF project_id, size ON volume_snapshots
WHEN new.project_id <> old.project_id OR new.size <> old.size BEGIN
    INSERT INTO volume_share_changes SELECT host, old.project_id, 0, 0, -1, -old.size FROM volumes WHERE id = old.volume_id;
    INSERT INTO volume_share_changes SELECT host, new.project_id, 0, 0, 1, new.size FROM volumes WHERE id = new.volume_id;
END;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('volume_shares', 'volume_shares', '500 100 1');
ANALYZE sqlite_schema;
