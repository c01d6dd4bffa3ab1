-- What others outside hear of (platform, events).
CREATE TRIGGER compute_server_created AFTER INSERT ON compute_servers BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('compute.server.created', new.id, new.project, new.vm_state);
END;
CREATE TRIGGER compute_server_updated AFTER UPDATE OF vm_state, task_state, host ON compute_servers
WHEN (old.vm_state IS NOT new.vm_state OR old.task_state IS NOT new.task_state OR old.host IS NOT new.host)
    AND new.deleted IS NULL
BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('compute.server.updated', new.id, new.project, new.vm_state);
END;
CREATE TRIGGER compute_server_deleted AFTER UPDATE OF deleted ON compute_servers
WHEN old.deleted IS NULL AND new.deleted IS NOT NULL
BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('compute.server.deleted', new.id, new.project, new.vm_state);
END;
