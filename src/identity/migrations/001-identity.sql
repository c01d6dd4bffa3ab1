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

CREATE TABLE assignments (
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    scope TEXT NOT NULL CHECK (scope IN ('project', 'domain', 'system')),
    target_id TEXT NOT NULL,             -- project or domain; 'all' for the system
    role_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
    PRIMARY KEY (user_id, scope, target_id, role_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX assignments_by_target ON assignments (scope, target_id);

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
