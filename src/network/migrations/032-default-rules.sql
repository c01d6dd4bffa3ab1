-- What new security groups let through, and whether they look at connections.
CREATE TABLE default_security_group_rules (
    id TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    direction TEXT NOT NULL,
    ethertype TEXT NOT NULL,
    protocol TEXT,
    port_min INTEGER,
    port_max INTEGER,
    prefix TEXT,
    remote_group TEXT,         -- a group, or PARENT: the one that the rule comes into
    in_default INTEGER NOT NULL,
    in_others INTEGER NOT NULL,
    created INTEGER NOT NULL
);
CREATE INDEX default_security_group_rules_by_creation ON default_security_group_rules (created, id);

INSERT INTO default_security_group_rules (id, description, direction, ethertype, remote_group, in_default, in_others, created)
    SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' ||
                 substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))), '', direction, ethertype, remote, 1, others, 0
    FROM (SELECT 'egress' AS direction, 'IPv4' AS ethertype, NULL AS remote, 1 AS others
          UNION ALL SELECT 'egress', 'IPv6', NULL, 1
          UNION ALL SELECT 'ingress', 'IPv4', 'PARENT', 0
          UNION ALL SELECT 'ingress', 'IPv6', 'PARENT', 0);

CREATE TABLE security_groups_default_statefulness (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL UNIQUE, -- empty: of all that have none of their own
    stateful INTEGER NOT NULL,
    created INTEGER NOT NULL
);
CREATE INDEX default_statefulness_by_creation ON security_groups_default_statefulness (created, id);

-- The network that a project got without asking for more than one.
CREATE TABLE auto_allocated_topologies (
    project TEXT PRIMARY KEY,
    network TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
    router TEXT NOT NULL
);
CREATE INDEX auto_allocated_network ON auto_allocated_topologies (network);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('default_security_group_rules', 'sqlite_autoindex_default_security_group_rules_1', '20 1'),
    ('default_security_group_rules', 'default_security_group_rules_by_creation', '20 2 1'),
    ('security_groups_default_statefulness', 'sqlite_autoindex_security_groups_default_statefulness_1', '1000 1'),
    ('security_groups_default_statefulness', 'sqlite_autoindex_security_groups_default_statefulness_2', '1000 1'),
    ('security_groups_default_statefulness', 'default_statefulness_by_creation', '1000 2 1'),
    ('auto_allocated_topologies', 'sqlite_autoindex_auto_allocated_topologies_1', '1000 1'),
    ('auto_allocated_topologies', 'auto_allocated_network', '1000 1');
ANALYZE sqlite_schema;
