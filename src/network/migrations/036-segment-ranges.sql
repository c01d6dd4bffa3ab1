-- Numbers of VLANs and VXLANs that networks of tenants are given: those of the configuration, which are kept up with it, and what administrators
-- add, for all projects or for one.
CREATE TABLE network_segment_ranges (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    standard INTEGER NOT NULL,     -- of the configuration
    shared INTEGER NOT NULL,
    project TEXT,                  -- of one that is not shared
    type TEXT NOT NULL,
    physical TEXT,                 -- of vlan
    least INTEGER NOT NULL,
    most INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX network_segment_ranges_by_creation ON network_segment_ranges (created, id);
CREATE INDEX network_segment_ranges_by_name ON network_segment_ranges (name, created, id);
CREATE INDEX network_segment_ranges_of_project ON network_segment_ranges (project, created, id);
CREATE INDEX network_segment_ranges_of_type ON network_segment_ranges (type, created, id);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('network_segment_ranges', 'sqlite_autoindex_network_segment_ranges_1', '100 1'),
    ('network_segment_ranges', 'network_segment_ranges_by_creation', '100 2 1'),
    ('network_segment_ranges', 'network_segment_ranges_by_name', '100 5 2 1'),
    ('network_segment_ranges', 'network_segment_ranges_of_project', '100 5 2 1'),
    ('network_segment_ranges', 'network_segment_ranges_of_type', '100 50 2 1');
ANALYZE sqlite_schema;
