-- Trunks: ports whose device also carries the frames of other ports, each with a tag of its own.

CREATE TABLE trunks (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_up INTEGER NOT NULL,
    port TEXT NOT NULL UNIQUE,     -- the parent
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX trunks_of_project ON trunks (project, created, id);
CREATE INDEX trunks_by_creation ON trunks (created, id);
CREATE INDEX trunks_by_name ON trunks (name, created, id);

CREATE TABLE trunk_subports (
    port TEXT PRIMARY KEY,
    trunk TEXT NOT NULL REFERENCES trunks (id) ON DELETE CASCADE,
    type TEXT NOT NULL,            -- vlan
    number INTEGER NOT NULL,       -- VLAN id in the frames of the parent
    UNIQUE (trunk, number)
);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('trunks', 'sqlite_autoindex_trunks_1', '1000 1'),
    ('trunks', 'sqlite_autoindex_trunks_2', '1000 1'),
    ('trunks', 'trunks_of_project', '1000 10 2 1'),
    ('trunks', 'trunks_by_creation', '1000 2 1'),
    ('trunks', 'trunks_by_name', '1000 2 1 1'),
    ('trunk_subports', 'sqlite_autoindex_trunk_subports_1', '10000 1'),
    ('trunk_subports', 'sqlite_autoindex_trunk_subports_2', '10000 10 1');
ANALYZE sqlite_schema;
