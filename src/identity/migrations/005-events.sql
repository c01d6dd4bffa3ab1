-- What others outside hear of (platform, events).
CREATE TRIGGER identity_project_created AFTER INSERT ON projects BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('identity.project.created', new.id, iif(new.is_domain, '', new.id), NULL);
END;
CREATE TRIGGER identity_project_updated AFTER UPDATE OF enabled, name ON projects
WHEN old.enabled IS NOT new.enabled OR old.name IS NOT new.name
BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('identity.project.updated', new.id, iif(new.is_domain, '', new.id), NULL);
END;
CREATE TRIGGER identity_project_deleted AFTER DELETE ON projects BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('identity.project.deleted', old.id, iif(old.is_domain, '', old.id), NULL);
END;
CREATE TRIGGER identity_user_created AFTER INSERT ON users BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('identity.user.created', new.id, '', NULL);
END;
CREATE TRIGGER identity_user_updated AFTER UPDATE OF enabled, name ON users
WHEN old.enabled IS NOT new.enabled OR old.name IS NOT new.name
BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('identity.user.updated', new.id, '', NULL);
END;
CREATE TRIGGER identity_user_deleted AFTER DELETE ON users BEGIN
    INSERT INTO events (type, resource, project, status)
    VALUES ('identity.user.deleted', old.id, '', NULL);
END;
