-- Names of domains, projects, users, groups and roles compare without case and whatever the form that Unicode writes a letter in: name_key
-- is what all spellings of one name have in common. Not unique, as a store may have such doubles from before; those that come are refused.
ALTER TABLE projects ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
ALTER TABLE groups ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
ALTER TABLE roles ADD COLUMN name_key TEXT NOT NULL DEFAULT '';
UPDATE projects SET name_key = folded_name(name);
UPDATE users SET name_key = folded_name(name);
UPDATE groups SET name_key = folded_name(name);
UPDATE roles SET name_key = folded_name(name);
CREATE INDEX projects_by_name_key ON projects (domain_id, name_key);
CREATE INDEX domains_by_name_key ON projects (name_key) WHERE is_domain = 1;
CREATE INDEX users_by_name_key ON users (domain_id, name_key);
CREATE INDEX groups_by_name_key ON groups (domain_id, name_key);
CREATE INDEX roles_by_name_key ON roles (domain_id, name_key);

-- The roles that a cloud begins with can't be deleted or renamed, unless somebody has said of one that it can.
UPDATE roles SET options = json_set(options, '$.immutable', json('true'))
    WHERE domain_id = '' AND name IN ('admin', 'manager', 'member', 'reader', 'service') AND json_extract(options, '$.immutable') IS NULL;

-- A registered limit outlives the service and the region that it is for: it is a decision, and who made it takes it back.
CREATE TABLE registered_limits_lasting (
    id TEXT PRIMARY KEY,
    service_id TEXT NOT NULL,
    region_id TEXT,
    resource_name TEXT NOT NULL,
    default_limit INTEGER NOT NULL,
    description TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO registered_limits_lasting SELECT id, service_id, region_id, resource_name, default_limit, description FROM registered_limits;
CREATE TABLE limits_lasting (
    id TEXT PRIMARY KEY,
    registered_id TEXT NOT NULL REFERENCES registered_limits_lasting ON DELETE CASCADE,
    target_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE,
    is_domain INTEGER NOT NULL,          -- 1: the target was named as a domain
    resource_limit INTEGER NOT NULL,
    description TEXT,
    UNIQUE (registered_id, target_id)
) STRICT, WITHOUT ROWID;
INSERT INTO limits_lasting SELECT id, registered_id, target_id, is_domain, resource_limit, description FROM limits;
DROP VIEW limit_rows;
DROP TABLE limits;
DROP TABLE registered_limits;
ALTER TABLE registered_limits_lasting RENAME TO registered_limits;
ALTER TABLE limits_lasting RENAME TO limits;
CREATE UNIQUE INDEX registered_limits_once ON registered_limits (service_id, coalesce(region_id, ''), resource_name);
CREATE INDEX limits_by_target ON limits (target_id);
CREATE VIEW limit_rows AS
    SELECT limits.id AS id, service_id, region_id, resource_name, resource_limit, limits.description AS description,
           CASE is_domain WHEN 0 THEN target_id END AS project_id, CASE is_domain WHEN 1 THEN target_id END AS domain_id, registered_id
    FROM limits JOIN registered_limits ON registered_limits.id = registered_id;
