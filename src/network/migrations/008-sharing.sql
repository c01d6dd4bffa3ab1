-- With whom things are shared beside their project, one row for each: the one place that says it. The columns "shared" of the kinds are kept
-- beside it, for lists: whether one of the rows is for everybody.

CREATE TABLE rbac_policies (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    object_type TEXT NOT NULL,
    object TEXT NOT NULL,
    action TEXT NOT NULL,      -- access_as_shared, access_as_external
    target TEXT NOT NULL,      -- a project, or * for all of them
    created INTEGER NOT NULL,
    UNIQUE (object, action, target)
);
CREATE INDEX rbac_policies_of_project ON rbac_policies (project, created, id);
CREATE INDEX rbac_policies_by_creation ON rbac_policies (created, id);
CREATE INDEX rbac_policies_for ON rbac_policies (target, action, object);
CREATE INDEX rbac_policies_of_type ON rbac_policies (object_type, created, id);
CREATE INDEX rbac_policies_of_action ON rbac_policies (action, created, id);

CREATE TABLE address_scopes (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    ip_version INTEGER NOT NULL,
    shared INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX address_scopes_of_project ON address_scopes (project, created, id);
CREATE INDEX address_scopes_by_creation ON address_scopes (created, id);
CREATE INDEX address_scopes_by_name ON address_scopes (name, created, id);
CREATE INDEX address_scopes_shared ON address_scopes (created, id) WHERE shared;

ALTER TABLE subnet_pools ADD COLUMN address_scope TEXT;
CREATE INDEX subnet_pools_of_scope ON subnet_pools (coalesce(address_scope, ''), created, id);
CREATE INDEX subnets_of_pool ON subnets (coalesce(subnet_pool, ''), created, id);

ALTER TABLE security_groups ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
ALTER TABLE address_groups ADD COLUMN shared INTEGER NOT NULL DEFAULT 0;
CREATE INDEX security_groups_shared ON security_groups (created, id) WHERE shared;
CREATE INDEX address_groups_shared ON address_groups (created, id) WHERE shared;

INSERT INTO rbac_policies
    SELECT lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2) || '-a' ||
                 substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6))),
           project, type, id, action, '*', created
    FROM (SELECT project, 'network' AS type, id, 'access_as_shared' AS action, created FROM networks WHERE shared
          UNION ALL SELECT project, 'network', id, 'access_as_external', created FROM networks WHERE external
          UNION ALL SELECT project, 'subnetpool', id, 'access_as_shared', created FROM subnet_pools WHERE shared);

-- What is gone is shared with nobody.
CREATE TRIGGER network_gone AFTER DELETE ON networks BEGIN
    DELETE FROM rbac_policies WHERE object = OLD.id;
END;
CREATE TRIGGER subnet_pool_gone AFTER DELETE ON subnet_pools BEGIN
    DELETE FROM rbac_policies WHERE object = OLD.id;
END;
CREATE TRIGGER address_scope_gone AFTER DELETE ON address_scopes BEGIN
    DELETE FROM rbac_policies WHERE object = OLD.id;
END;
CREATE TRIGGER security_group_gone AFTER DELETE ON security_groups BEGIN
    DELETE FROM rbac_policies WHERE object = OLD.id;
END;
CREATE TRIGGER address_group_gone AFTER DELETE ON address_groups BEGIN
    DELETE FROM rbac_policies WHERE object = OLD.id;
END;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('rbac_policies', 'sqlite_autoindex_rbac_policies_1', '10000 1'),
    ('rbac_policies', 'sqlite_autoindex_rbac_policies_2', '10000 2 2 1'),
    ('rbac_policies', 'rbac_policies_of_project', '10000 10 2 1'),
    ('rbac_policies', 'rbac_policies_by_creation', '10000 2 1'),
    ('rbac_policies', 'rbac_policies_for', '10000 10 5 1'),
    ('rbac_policies', 'rbac_policies_of_type', '10000 5000 2 1'),
    ('rbac_policies', 'rbac_policies_of_action', '10000 5000 2 1'),
    ('address_scopes', 'sqlite_autoindex_address_scopes_1', '1000 1'),
    ('address_scopes', 'address_scopes_of_project', '1000 10 2 1'),
    ('address_scopes', 'address_scopes_by_creation', '1000 2 1'),
    ('address_scopes', 'address_scopes_by_name', '1000 2 1 1'),
    ('address_scopes', 'address_scopes_shared', '20 2 1'),
    ('security_groups', 'security_groups_shared', '20 2 1'),
    ('address_groups', 'address_groups_shared', '20 2 1'),
    ('subnets', 'subnets_of_pool', '10000 100 2 1');
ANALYZE sqlite_schema;
