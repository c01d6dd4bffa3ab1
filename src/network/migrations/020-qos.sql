-- Quality of service: policies, their rules (of all kinds in one table, whose columns the kind gives a meaning), and which policy a thing has.

CREATE TABLE qos_policies (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    is_default INTEGER NOT NULL,   -- of its project's new networks
    shared INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX qos_policies_of_project ON qos_policies (project, created, id);
CREATE INDEX qos_policies_by_creation ON qos_policies (created, id);
CREATE INDEX qos_policies_by_name ON qos_policies (name, created, id);
CREATE INDEX qos_policies_shared ON qos_policies (created, id) WHERE shared;
CREATE UNIQUE INDEX qos_policy_default ON qos_policies (project) WHERE is_default;

CREATE TABLE qos_rules (
    id TEXT PRIMARY KEY,
    policy TEXT NOT NULL REFERENCES qos_policies (id) ON DELETE CASCADE,
    type TEXT NOT NULL,
    direction TEXT NOT NULL,       -- ingress, egress, any; empty where the kind has none
    amount INTEGER NOT NULL,       -- in the unit of the kind
    burst INTEGER NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (policy, type, direction)
);
CREATE INDEX qos_rules_of_policy ON qos_rules (policy, type, created, id);

ALTER TABLE networks ADD COLUMN qos_policy TEXT;
ALTER TABLE ports ADD COLUMN qos_policy TEXT;
ALTER TABLE floating_ips ADD COLUMN qos_policy TEXT;
ALTER TABLE routers ADD COLUMN gateway_qos_policy TEXT;
CREATE INDEX networks_with_qos ON networks (qos_policy) WHERE qos_policy IS NOT NULL;
CREATE INDEX ports_with_qos ON ports (qos_policy) WHERE qos_policy IS NOT NULL;
CREATE INDEX floating_ips_with_qos ON floating_ips (qos_policy) WHERE qos_policy IS NOT NULL;
CREATE INDEX routers_with_qos ON routers (gateway_qos_policy) WHERE gateway_qos_policy IS NOT NULL;

CREATE TRIGGER qos_policy_gone AFTER DELETE ON qos_policies BEGIN
    DELETE FROM rbac_policies WHERE object = OLD.id;
END;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('qos_policies', 'sqlite_autoindex_qos_policies_1', '1000 1'),
    ('qos_policies', 'qos_policies_of_project', '1000 10 2 1'),
    ('qos_policies', 'qos_policies_by_creation', '1000 2 1'),
    ('qos_policies', 'qos_policies_by_name', '1000 2 1 1'),
    ('qos_policies', 'qos_policies_shared', '20 2 1'),
    ('qos_policies', 'qos_policy_default', '100 1'),
    ('qos_rules', 'sqlite_autoindex_qos_rules_1', '3000 1'),
    ('qos_rules', 'sqlite_autoindex_qos_rules_2', '3000 3 2 1'),
    ('qos_rules', 'qos_rules_of_policy', '3000 3 2 1 1'),
    ('networks', 'networks_with_qos', '1000 10'),
    ('ports', 'ports_with_qos', '5000 50'),
    ('floating_ips', 'floating_ips_with_qos', '1000 10'),
    ('routers', 'routers_with_qos', '1000 10');
ANALYZE sqlite_schema;
