-- A domain is a project with is_domain; it is its own domain.
CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    domain_id TEXT NOT NULL,
    parent_id TEXT,                      -- null for a domain
    is_domain INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    description TEXT NOT NULL,
    options TEXT NOT NULL DEFAULT '{}',  -- JSON
    extra TEXT NOT NULL DEFAULT '{}',    -- JSON: attributes that are only kept
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX domains_by_name ON projects (name) WHERE is_domain = 1;
CREATE UNIQUE INDEX projects_by_name ON projects (domain_id, name) WHERE is_domain = 0;
CREATE INDEX projects_by_parent ON projects (parent_id);

CREATE TABLE project_tags (
    project_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (project_id, tag)
) STRICT, WITHOUT ROWID;

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    domain_id TEXT NOT NULL REFERENCES projects,
    enabled INTEGER NOT NULL,
    default_project_id TEXT,
    password TEXT NOT NULL,              -- bcrypt, empty where there is none
    password_expires INTEGER,
    tokens_valid_after INTEGER NOT NULL, -- tokens issued before are revoked
    options TEXT NOT NULL DEFAULT '{}',
    extra TEXT NOT NULL DEFAULT '{}',
    created INTEGER NOT NULL,
    UNIQUE (domain_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE roles (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    domain_id TEXT NOT NULL DEFAULT '',  -- empty for a global role
    description TEXT,
    options TEXT NOT NULL DEFAULT '{}',
    extra TEXT NOT NULL DEFAULT '{}',
    UNIQUE (domain_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE implied_roles (
    prior_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
    implied_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
    PRIMARY KEY (prior_id, implied_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE groups (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    domain_id TEXT NOT NULL REFERENCES projects,
    description TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}',
    created INTEGER NOT NULL,
    UNIQUE (domain_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE group_members (
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    group_id TEXT NOT NULL REFERENCES groups ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_by_group ON group_members (group_id);

CREATE TABLE assignments (
    actor_id TEXT NOT NULL,              -- a user's or a group's
    scope TEXT NOT NULL CHECK (scope IN ('project', 'domain', 'system')),
    target_id TEXT NOT NULL,             -- project or domain; 'all' for the system
    role_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
    inherited INTEGER NOT NULL,          -- 1: not on the target itself, but on every project below it
    actor TEXT NOT NULL CHECK (actor IN ('user', 'group')), -- behind the key: SQLite 3.40's integrity check misreads rows that have it before
    PRIMARY KEY (actor_id, scope, target_id, role_id, inherited)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignments_by_target ON assignments (target_id);
CREATE INDEX assignments_by_role ON assignments (role_id);
CREATE TRIGGER assignments_of_user_go AFTER DELETE ON users BEGIN DELETE FROM assignments WHERE actor_id = OLD.id; END;
CREATE TRIGGER assignments_of_group_go AFTER DELETE ON groups BEGIN DELETE FROM assignments WHERE actor_id = OLD.id; END;
CREATE TRIGGER assignments_on_project_go AFTER DELETE ON projects BEGIN DELETE FROM assignments WHERE target_id = OLD.id; END;

CREATE TABLE regions (
    id TEXT PRIMARY KEY,
    parent_id TEXT REFERENCES regions,
    description TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

CREATE TABLE services (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    name TEXT,
    description TEXT,
    enabled INTEGER NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

CREATE TABLE endpoints (
    id TEXT PRIMARY KEY,
    service_id TEXT NOT NULL REFERENCES services ON DELETE CASCADE,
    region_id TEXT REFERENCES regions,
    interface TEXT NOT NULL CHECK (interface IN ('public', 'internal', 'admin')),
    url TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    own_path TEXT,                       -- of an endpoint of our own: what follows the address we listen on
    extra TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

CREATE TABLE revoked_tokens (
    audit_id TEXT PRIMARY KEY,
    until INTEGER NOT NULL               -- the token's own end: no need to remember it longer
) STRICT, WITHOUT ROWID;

-- Endpoint filtering: a project with any association sees these endpoints only.
CREATE TABLE project_endpoints (
    project_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE,
    endpoint_id TEXT NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    PRIMARY KEY (project_id, endpoint_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX projects_by_endpoint ON project_endpoints (endpoint_id);

CREATE TABLE endpoint_groups (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT,
    service_id TEXT,                     -- what an endpoint must have to be in the group; null: anything
    region_id TEXT,
    interface TEXT,
    filters TEXT NOT NULL                -- JSON: the same as the API shows it
) STRICT, WITHOUT ROWID;

CREATE TABLE project_endpoint_groups (
    project_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE,
    endpoint_group_id TEXT NOT NULL REFERENCES endpoint_groups ON DELETE CASCADE,
    PRIMARY KEY (project_id, endpoint_group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX projects_by_endpoint_group ON project_endpoint_groups (endpoint_group_id);

-- Policies that other programs keep here, and which endpoint each is for.
CREATE TABLE policies (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    blob TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

CREATE TABLE policy_associations (
    policy_id TEXT NOT NULL REFERENCES policies ON DELETE CASCADE,
    endpoint_id TEXT REFERENCES endpoints ON DELETE CASCADE,
    service_id TEXT REFERENCES services ON DELETE CASCADE,
    region_id TEXT REFERENCES regions ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX policy_associations_once ON policy_associations (coalesce(endpoint_id, ''), coalesce(service_id, ''), coalesce(region_id, ''));
CREATE INDEX policy_associations_by_policy ON policy_associations (policy_id);

CREATE TABLE registered_limits (
    id TEXT PRIMARY KEY,
    service_id TEXT NOT NULL REFERENCES services ON DELETE CASCADE,
    region_id TEXT REFERENCES regions ON DELETE CASCADE,
    resource_name TEXT NOT NULL,
    default_limit INTEGER NOT NULL,
    description TEXT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX registered_limits_once ON registered_limits (service_id, coalesce(region_id, ''), resource_name);

CREATE TABLE limits (
    id TEXT PRIMARY KEY,
    registered_id TEXT NOT NULL REFERENCES registered_limits ON DELETE CASCADE,
    target_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE,
    is_domain INTEGER NOT NULL,          -- 1: the target was named as a domain
    resource_limit INTEGER NOT NULL,
    description TEXT,
    UNIQUE (registered_id, target_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX limits_by_target ON limits (target_id);
CREATE VIEW limit_rows AS
    SELECT limits.id AS id, service_id, region_id, resource_name, resource_limit, limits.description AS description,
           CASE is_domain WHEN 0 THEN target_id END AS project_id, CASE is_domain WHEN 1 THEN target_id END AS domain_id, registered_id
    FROM limits JOIN registered_limits ON registered_limits.id = registered_id;

CREATE TABLE domain_configs (
    domain_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE,
    group_name TEXT NOT NULL,
    option_name TEXT NOT NULL,
    value TEXT NOT NULL,                 -- JSON
    PRIMARY KEY (domain_id, group_name, option_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE consumers (
    id TEXT PRIMARY KEY,
    description TEXT,
    secret TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;

-- Domains whose users and groups are kept in a directory (LDAP); their rows in users and groups are copies.
CREATE TABLE directories (
    domain_id TEXT PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
    active INTEGER NOT NULL              -- 0: no longer configured; what is known of its entries is kept for when it comes back
) STRICT, WITHOUT ROWID;

CREATE TABLE directory_entries (
    id TEXT PRIMARY KEY,                 -- of the user or group
    kind TEXT NOT NULL CHECK (kind IN ('user', 'group')),
    domain_id TEXT NOT NULL REFERENCES directories ON DELETE CASCADE,
    local_id TEXT NOT NULL,              -- what the directory calls it
    dn TEXT NOT NULL,
    UNIQUE (domain_id, kind, local_id)
) STRICT, WITHOUT ROWID;
CREATE TRIGGER directory_user_goes AFTER DELETE ON users BEGIN DELETE FROM directory_entries WHERE id = OLD.id; END;
CREATE TRIGGER directory_group_goes AFTER DELETE ON groups BEGIN DELETE FROM directory_entries WHERE id = OLD.id; END;
