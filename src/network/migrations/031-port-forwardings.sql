-- Ports of a floating IP that lead to ports of addresses behind its router.
CREATE TABLE port_forwardings (
    id TEXT PRIMARY KEY,
    floating_ip TEXT NOT NULL REFERENCES floating_ips (id) ON DELETE CASCADE,
    port TEXT NOT NULL,
    fixed TEXT NOT NULL,       -- address of that port
    protocol TEXT NOT NULL,
    external_min INTEGER NOT NULL,
    external_max INTEGER NOT NULL,
    internal_min INTEGER NOT NULL,
    internal_max INTEGER NOT NULL,
    description TEXT NOT NULL,
    created INTEGER NOT NULL
);
CREATE INDEX port_forwardings_of_ip ON port_forwardings (floating_ip, created, id);
CREATE INDEX port_forwardings_to_port ON port_forwardings (port);

-- Protocols whose further connections a router knows to belong to those that it lets through.
CREATE TABLE conntrack_helpers (
    id TEXT PRIMARY KEY,
    router TEXT NOT NULL REFERENCES routers (id) ON DELETE CASCADE,
    protocol TEXT NOT NULL,
    port INTEGER NOT NULL,
    helper TEXT NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (router, protocol, port, helper)
);
CREATE INDEX conntrack_helpers_of_router ON conntrack_helpers (router, created, id);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('port_forwardings', 'sqlite_autoindex_port_forwardings_1', '10000 1'),
    ('port_forwardings', 'port_forwardings_of_ip', '10000 10 2 1'),
    ('port_forwardings', 'port_forwardings_to_port', '10000 5'),
    ('conntrack_helpers', 'sqlite_autoindex_conntrack_helpers_1', '1000 1'),
    ('conntrack_helpers', 'sqlite_autoindex_conntrack_helpers_2', '1000 3 2 1 1'),
    ('conntrack_helpers', 'conntrack_helpers_of_router', '1000 3 2 1');
ANALYZE sqlite_schema;
