-- Metering: labels, what traffic of routers they are about, and how much of it there was.

CREATE TABLE metering_labels (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    shared INTEGER NOT NULL,       -- counts for routers of all projects
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX metering_labels_of_project ON metering_labels (project, created, id);
CREATE INDEX metering_labels_by_creation ON metering_labels (created, id);
CREATE INDEX metering_labels_by_name ON metering_labels (name, created, id);
CREATE INDEX metering_labels_shared ON metering_labels (created, id) WHERE shared;

CREATE TABLE metering_label_rules (
    id TEXT PRIMARY KEY,
    label TEXT NOT NULL REFERENCES metering_labels (id) ON DELETE CASCADE,
    project TEXT NOT NULL,         -- the label's
    direction TEXT NOT NULL,
    excluded INTEGER NOT NULL,
    remote TEXT,
    source TEXT,
    destination TEXT,
    created INTEGER NOT NULL
);
CREATE INDEX metering_label_rules_of_label ON metering_label_rules (label, created, id);
CREATE INDEX metering_label_rules_of_project ON metering_label_rules (project, created, id);
CREATE INDEX metering_label_rules_by_creation ON metering_label_rules (created, id);

CREATE TABLE metering_counts (
    label TEXT NOT NULL REFERENCES metering_labels (id) ON DELETE CASCADE,
    router TEXT NOT NULL,
    packets INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    since INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY (label, router)
) WITHOUT ROWID;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('metering_labels', 'sqlite_autoindex_metering_labels_1', '1000 1'),
    ('metering_labels', 'metering_labels_of_project', '1000 10 2 1'),
    ('metering_labels', 'metering_labels_by_creation', '1000 2 1'),
    ('metering_labels', 'metering_labels_by_name', '1000 2 1 1'),
    ('metering_labels', 'metering_labels_shared', '20 2 1'),
    ('metering_label_rules', 'sqlite_autoindex_metering_label_rules_1', '3000 1'),
    ('metering_label_rules', 'metering_label_rules_of_label', '3000 3 1 1'),
    ('metering_label_rules', 'metering_label_rules_of_project', '3000 30 2 1'),
    ('metering_label_rules', 'metering_label_rules_by_creation', '3000 2 1'),
    ('metering_counts', 'metering_counts', '10000 10 1');
ANALYZE sqlite_schema;
