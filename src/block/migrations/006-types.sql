-- Types that administrators make: for everybody, or for the projects that have access.
ALTER TABLE volume_types ADD COLUMN is_public INTEGER NOT NULL DEFAULT 1;
ALTER TABLE volume_types ADD COLUMN created INTEGER NOT NULL DEFAULT 0;
ALTER TABLE volume_types ADD COLUMN updated INTEGER;
ALTER TABLE volume_types ADD COLUMN qos_id TEXT REFERENCES volume_qos;
CREATE INDEX volume_types_by_qos ON volume_types (qos_id);
CREATE INDEX volume_types_by_creation ON volume_types (created, id);

CREATE TABLE volume_type_specs (
    type_id TEXT NOT NULL REFERENCES volume_types ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (type_id, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE volume_type_projects (
    type_id TEXT NOT NULL REFERENCES volume_types ON DELETE CASCADE,
    project_id TEXT NOT NULL,
    PRIMARY KEY (type_id, project_id)
) STRICT, WITHOUT ROWID;

-- Of which type a project's volumes are where nobody says one.
CREATE TABLE volume_default_types (
    project_id TEXT PRIMARY KEY,
    type_id TEXT NOT NULL REFERENCES volume_types
) STRICT, WITHOUT ROWID;
CREATE INDEX volume_default_types_by_type ON volume_default_types (type_id);

-- How fast volumes may be, for whom (its consumer): the guest's host (front-end), the back end, or both.
CREATE TABLE volume_qos (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    consumer TEXT NOT NULL CHECK (consumer IN ('front-end', 'back-end', 'both')),
    created INTEGER NOT NULL,
    updated INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX volume_qos_by_creation ON volume_qos (created, id);

CREATE TABLE volume_qos_specs (
    qos_id TEXT NOT NULL REFERENCES volume_qos ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (qos_id, name)
) STRICT, WITHOUT ROWID;

-- That, and how, volumes of a type are encrypted.
CREATE TABLE volume_type_encryption (
    type_id TEXT PRIMARY KEY REFERENCES volume_types ON DELETE CASCADE,
    id TEXT NOT NULL UNIQUE,
    provider TEXT NOT NULL,
    control_location TEXT NOT NULL CHECK (control_location IN ('front-end', 'back-end')),
    cipher TEXT,
    key_size INTEGER,
    created INTEGER NOT NULL,
    updated INTEGER
) STRICT, WITHOUT ROWID;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('volume_types', 'volume_types', '50 1'),
    ('volume_types', 'volume_types_by_creation', '50 1 1'),
    ('volume_types', 'volume_types_by_qos', '50 5 1'),
    ('volume_qos', 'volume_qos', '50 1'),
    ('volume_qos', 'volume_qos_by_creation', '50 1 1'),
    ('volume_qos_specs', 'volume_qos_specs', '200 4 1'),
    ('volume_type_encryption', 'volume_type_encryption', '50 1'),
    ('volume_type_specs', 'volume_type_specs', '200 4 1'),
    ('volume_type_projects', 'volume_type_projects', '500 10 1'),
    ('volume_default_types', 'volume_default_types', '500 1'),
    ('volume_default_types', 'volume_default_types_by_type', '500 10 1');
ANALYZE sqlite_schema;
