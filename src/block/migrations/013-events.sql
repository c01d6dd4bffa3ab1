-- What others outside hear of (platform, events).
CREATE TRIGGER block_volume_created AFTER INSERT ON volumes BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('block.volume.created', new.id, new.project_id, new.status);
END;
CREATE TRIGGER block_volume_updated AFTER UPDATE OF status, size, project_id ON volumes
WHEN old.status IS NOT new.status OR old.size IS NOT new.size OR old.project_id IS NOT new.project_id
BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('block.volume.updated', new.id, new.project_id, new.status);
END;
CREATE TRIGGER block_volume_deleted AFTER DELETE ON volumes BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('block.volume.deleted', old.id, old.project_id, old.status);
END;
CREATE TRIGGER block_snapshot_created AFTER INSERT ON volume_snapshots BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('block.snapshot.created', new.id, new.project_id, new.status);
END;
CREATE TRIGGER block_snapshot_updated AFTER UPDATE OF status ON volume_snapshots
WHEN old.status IS NOT new.status
BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('block.snapshot.updated', new.id, new.project_id, new.status);
END;
CREATE TRIGGER block_snapshot_deleted AFTER DELETE ON volume_snapshots BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('block.snapshot.deleted', old.id, old.project_id, old.status);
END;
CREATE TRIGGER block_backup_created AFTER INSERT ON backups BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('block.backup.created', new.id, new.project_id, new.status);
END;
CREATE TRIGGER block_backup_updated AFTER UPDATE OF status ON backups
WHEN old.status IS NOT new.status
BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('block.backup.updated', new.id, new.project_id, new.status);
END;
CREATE TRIGGER block_backup_deleted AFTER DELETE ON backups BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('block.backup.deleted', old.id, old.project_id, old.status);
END;
