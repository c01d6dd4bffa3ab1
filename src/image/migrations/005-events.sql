-- What others outside hear of (platform, events).
CREATE TRIGGER image_image_created AFTER INSERT ON images BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('image.image.created', new.id, new.owner, new.status);
END;
CREATE TRIGGER image_image_updated AFTER UPDATE OF status, visibility ON images
WHEN old.status IS NOT new.status OR old.visibility IS NOT new.visibility
BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('image.image.updated', new.id, new.owner, new.status);
END;
CREATE TRIGGER image_image_deleted AFTER DELETE ON images BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('image.image.deleted', old.id, old.owner, old.status);
END;
