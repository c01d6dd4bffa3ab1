-- How the frames of networks travel: one row for each segment, whose numbers are given out here and nowhere else. A flat network has the whole
-- of a physical network, a local one nothing.

CREATE TABLE network_segments (
    id TEXT PRIMARY KEY,
    network TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,     -- within its network
    name TEXT,
    description TEXT,
    type TEXT NOT NULL,
    physical TEXT,                 -- of flat and vlan
    number INTEGER,                -- VLAN id or VNI
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE UNIQUE INDEX network_segments_on_the_wire
    ON network_segments (type, coalesce(physical, ''), coalesce(number, 0)) WHERE type <> 'local';
CREATE INDEX network_segments_of_network ON network_segments (network, position, id);
CREATE INDEX network_segments_by_creation ON network_segments (created, id);
CREATE INDEX network_segments_by_name ON network_segments (coalesce(name, ''), created, id);
CREATE INDEX network_segments_of_type ON network_segments (type, created, id);
CREATE INDEX network_segments_on_physical ON network_segments (coalesce(physical, ''), created, id);

INSERT INTO network_segments
    SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' ||
                 substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
           id, 0, NULL, NULL, 'local', NULL, NULL, 1, created, created
    FROM networks;

-- Subnets of a routed network belong to one of its segments each, and ports have no addresses there before it is known which host they are on.
ALTER TABLE subnets ADD COLUMN segment TEXT;
CREATE INDEX subnets_of_segment ON subnets (coalesce(segment, ''), created, id);
ALTER TABLE ports ADD COLUMN ip_allocation TEXT NOT NULL DEFAULT 'immediate';

-- The bindings of a port beside the active one, which its own row says: of hosts that it is about to be on.
CREATE TABLE port_bindings (
    port TEXT NOT NULL REFERENCES ports (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    vnic_type TEXT NOT NULL,
    profile TEXT NOT NULL,         -- JSON
    PRIMARY KEY (port, host)
) WITHOUT ROWID;

-- The hosts of the cloud: where each is reached by the others' tunnels, and which physical networks (a JSON list) it is on.
CREATE TABLE network_hosts (
    name TEXT PRIMARY KEY,
    tunnel TEXT NOT NULL,          -- address; empty: none
    physical TEXT NOT NULL
) WITHOUT ROWID;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('network_segments', 'sqlite_autoindex_network_segments_1', '10000 1'),
    ('network_segments', 'network_segments_on_the_wire', '10000 5000 2000 1'),
    ('network_segments', 'network_segments_of_network', '10000 1 1 1'),
    ('network_segments', 'network_segments_by_creation', '10000 2 1'),
    ('network_segments', 'network_segments_by_name', '10000 5000 2 1'),
    ('network_segments', 'network_segments_of_type', '10000 5000 2 1'),
    ('network_segments', 'network_segments_on_physical', '10000 5000 2 1'),
    ('subnets', 'subnets_of_segment', '10000 5000 2 1'),
    ('port_bindings', 'port_bindings', '1000 1 1');
ANALYZE sqlite_schema;
