-- Networks, what is on them, and what joins them. Times are microseconds; lists that are only ever read whole are JSON.

CREATE TABLE networks (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_up INTEGER NOT NULL,
    shared INTEGER NOT NULL,
    external INTEGER NOT NULL,
    is_default INTEGER NOT NULL,
    mtu INTEGER NOT NULL,
    port_security INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX networks_of_project ON networks (project);

CREATE TABLE subnet_pools (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    ip_version INTEGER NOT NULL,
    prefixes TEXT NOT NULL,
    default_prefixlen INTEGER NOT NULL,
    min_prefixlen INTEGER NOT NULL,
    max_prefixlen INTEGER NOT NULL,
    default_quota INTEGER,
    shared INTEGER NOT NULL,
    is_default INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);

CREATE TABLE subnets (
    id TEXT PRIMARY KEY,
    network TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    ip_version INTEGER NOT NULL,
    cidr TEXT NOT NULL,
    gateway TEXT,
    dhcp INTEGER NOT NULL,
    ra_mode TEXT,
    address_mode TEXT,
    pools TEXT NOT NULL,
    dns TEXT NOT NULL,
    routes TEXT NOT NULL,
    service_types TEXT NOT NULL,
    subnet_pool TEXT,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX subnets_of_network ON subnets (network);
CREATE INDEX subnets_of_project ON subnets (project);

CREATE TABLE ports (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    network TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_up INTEGER NOT NULL,
    mac TEXT NOT NULL,
    device TEXT NOT NULL,
    owner TEXT NOT NULL,
    status TEXT NOT NULL,
    port_security INTEGER NOT NULL,
    vnic_type TEXT NOT NULL,
    profile TEXT NOT NULL,
    host TEXT NOT NULL,
    server TEXT NOT NULL,      -- whose tap it is; empty where no guest uses it
    made_for_server INTEGER NOT NULL,
    hostname TEXT NOT NULL,
    pairs TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    UNIQUE (network, mac)
);
CREATE INDEX ports_of_project ON ports (project);
CREATE INDEX ports_of_device ON ports (device);
CREATE INDEX ports_of_server ON ports (server) WHERE server <> '';

CREATE TABLE fixed_ips (
    port TEXT NOT NULL REFERENCES ports (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    network TEXT NOT NULL,
    subnet TEXT NOT NULL REFERENCES subnets (id),
    address TEXT NOT NULL,
    number TEXT NOT NULL,      -- the address as 32 hexadecimal digits, so that it sorts
    PRIMARY KEY (subnet, number),
    UNIQUE (port, position)
);
CREATE INDEX fixed_ips_of_network ON fixed_ips (network, address);

CREATE TABLE security_groups (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    stateful INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX security_groups_of_project ON security_groups (project);
CREATE UNIQUE INDEX default_security_group ON security_groups (project) WHERE name = 'default';

CREATE TABLE security_group_rules (
    id TEXT PRIMARY KEY,
    security_group TEXT NOT NULL REFERENCES security_groups (id) ON DELETE CASCADE,
    project TEXT NOT NULL,
    description TEXT NOT NULL,
    direction TEXT NOT NULL,
    ethertype TEXT NOT NULL,
    protocol TEXT,
    port_min INTEGER,
    port_max INTEGER,
    prefix TEXT,
    remote_group TEXT REFERENCES security_groups (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX security_group_rules_of_group ON security_group_rules (security_group);
CREATE INDEX security_group_rules_of_remote ON security_group_rules (remote_group);
CREATE INDEX security_group_rules_of_project ON security_group_rules (project);

CREATE TABLE port_security_groups (
    port TEXT NOT NULL REFERENCES ports (id) ON DELETE CASCADE,
    security_group TEXT NOT NULL REFERENCES security_groups (id),
    PRIMARY KEY (port, security_group)
) WITHOUT ROWID;
CREATE INDEX ports_of_security_group ON port_security_groups (security_group);

CREATE TABLE routers (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_up INTEGER NOT NULL,
    snat INTEGER NOT NULL,
    gateway_port TEXT,         -- on an external network
    routes TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX routers_of_project ON routers (project);

CREATE TABLE floating_ips (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    description TEXT NOT NULL,
    network TEXT NOT NULL,
    own_port TEXT NOT NULL,    -- holds the address on the external network
    address TEXT NOT NULL,
    port TEXT,                 -- where it leads
    fixed TEXT,
    router TEXT,
    status TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    UNIQUE (network, port, fixed)
);
CREATE INDEX floating_ips_of_project ON floating_ips (project);
CREATE INDEX floating_ips_of_port ON floating_ips (port);
CREATE INDEX floating_ips_of_router ON floating_ips (router);

CREATE TABLE network_tags (
    resource TEXT NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (resource, tag)
) WITHOUT ROWID;
