-- What lists are asked for, each with an index that also has their order (created, id): a page costs the same however many rows there are.

-- Whose the port's network is, which never changes: what concerns a project is found without a look at every network's ports.
ALTER TABLE ports ADD COLUMN network_project TEXT NOT NULL DEFAULT '';
UPDATE ports SET network_project = coalesce((SELECT project FROM networks WHERE id = ports.network), '');

DROP INDEX ports_of_project;
CREATE INDEX ports_of_project ON ports (project, created, id);
CREATE INDEX ports_of_others_on ON ports (network_project, created, id) WHERE project <> network_project;
CREATE INDEX ports_by_creation ON ports (created, id);
CREATE INDEX ports_of_network ON ports (network, created, id);
CREATE INDEX ports_by_mac ON ports (mac);
CREATE INDEX ports_by_name ON ports (name, created, id);
CREATE INDEX ports_of_owner ON ports (owner, created, id);
CREATE INDEX ports_by_status ON ports (status, created, id);
CREATE INDEX ports_on_host ON ports (host, created, id);

DROP INDEX networks_of_project;
CREATE INDEX networks_of_project ON networks (project, created, id);
CREATE INDEX networks_by_creation ON networks (created, id);
CREATE INDEX networks_by_name ON networks (name, created, id);
CREATE INDEX networks_shared ON networks (created, id) WHERE shared;
CREATE INDEX networks_external ON networks (created, id) WHERE external;

DROP INDEX subnets_of_network;
CREATE INDEX subnets_of_network ON subnets (network, created, id);
DROP INDEX subnets_of_project;
CREATE INDEX subnets_of_project ON subnets (project, created, id);
CREATE INDEX subnets_by_creation ON subnets (created, id);
CREATE INDEX subnets_by_name ON subnets (name, created, id);
CREATE INDEX subnets_by_cidr ON subnets (cidr, created, id);

CREATE INDEX subnet_pools_of_project ON subnet_pools (project, created, id);
CREATE INDEX subnet_pools_by_creation ON subnet_pools (created, id);
CREATE INDEX subnet_pools_by_name ON subnet_pools (name, created, id);
CREATE INDEX subnet_pools_shared ON subnet_pools (created, id) WHERE shared;

DROP INDEX security_groups_of_project;
CREATE INDEX security_groups_of_project ON security_groups (project, created, id);
CREATE INDEX security_groups_by_creation ON security_groups (created, id);
CREATE INDEX security_groups_by_name ON security_groups (name, created, id);
DROP INDEX security_group_rules_of_group;
CREATE INDEX security_group_rules_of_group ON security_group_rules (security_group, created, id);
CREATE INDEX security_group_rules_by_creation ON security_group_rules (created, id);
CREATE INDEX security_group_rules_to ON security_group_rules (coalesce(remote_group, ''));

DROP INDEX routers_of_project;
CREATE INDEX routers_of_project ON routers (project, created, id);
CREATE INDEX routers_by_creation ON routers (created, id);
CREATE INDEX routers_by_name ON routers (name, created, id);

DROP INDEX floating_ips_of_project;
CREATE INDEX floating_ips_of_project ON floating_ips (project, created, id);
CREATE INDEX floating_ips_by_creation ON floating_ips (created, id);
CREATE INDEX floating_ips_of_network ON floating_ips (network, created, id);
CREATE INDEX floating_ips_by_address ON floating_ips (address);
CREATE INDEX floating_ips_by_status ON floating_ips (status, created, id);
CREATE INDEX floating_ips_to_port ON floating_ips (coalesce(port, ''));
CREATE INDEX floating_ips_to_address ON floating_ips (coalesce(fixed, ''));
CREATE INDEX floating_ips_over ON floating_ips (coalesce(router, ''));

CREATE INDEX network_tagged ON network_tags (tag, resource);

-- How many rows of a large cloud an index finds, said once instead of measured: so the plans are the same in every cloud, and the index that
-- finds few goes before the one that is merely in the list's order (https://www.sqlite.org/fileformat2.html#stat1tab).
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('ports', 'sqlite_autoindex_ports_1', '100000 1'),
    ('ports', 'sqlite_autoindex_ports_2', '100000 100 1'),
    ('ports', 'ports_of_project', '100000 500 2 1'),
    ('ports', 'ports_of_others_on', '1000 20 2 1'),
    ('ports', 'ports_by_creation', '100000 2 1'),
    ('ports', 'ports_of_network', '100000 100 2 1'),
    ('ports', 'ports_of_device', '100000 2'),
    ('ports', 'ports_of_server', '90000 2'),
    ('ports', 'ports_of_router', '1000 4'),
    ('ports', 'ports_by_mac', '100000 1'),
    ('ports', 'ports_by_name', '100000 10 2 1'),
    ('ports', 'ports_of_owner', '100000 20000 2 1'),
    ('ports', 'ports_by_status', '100000 30000 2 1'),
    ('ports', 'ports_on_host', '100000 30000 2 1'),
    ('ports', 'ports_down', '1000 1000'),
    ('fixed_ips', 'sqlite_autoindex_fixed_ips_1', '100000 50 1'),
    ('fixed_ips', 'sqlite_autoindex_fixed_ips_2', '100000 1 1'),
    ('fixed_ips', 'fixed_ips_of_network', '100000 50 1'),
    ('fixed_ips', 'fixed_ips_by_address', '100000 4'),
    ('networks', 'sqlite_autoindex_networks_1', '10000 1'),
    ('networks', 'networks_of_project', '10000 50 2 1'),
    ('networks', 'networks_by_creation', '10000 2 1'),
    ('networks', 'networks_by_name', '10000 10 2 1'),
    ('networks', 'networks_shared', '20 2 1'),
    ('networks', 'networks_external', '20 2 1'),
    ('subnets', 'sqlite_autoindex_subnets_1', '10000 1'),
    ('subnets', 'subnets_of_network', '10000 2 1 1'),
    ('subnets', 'subnets_of_project', '10000 50 2 1'),
    ('subnets', 'subnets_by_creation', '10000 2 1'),
    ('subnets', 'subnets_by_name', '10000 10 2 1'),
    ('subnets', 'subnets_by_cidr', '10000 20 2 1'),
    ('security_groups', 'sqlite_autoindex_security_groups_1', '10000 1'),
    ('security_groups', 'default_security_group', '2000 1'),
    ('security_groups', 'security_groups_of_project', '10000 50 2 1'),
    ('security_groups', 'security_groups_by_creation', '10000 2 1'),
    ('security_groups', 'security_groups_by_name', '10000 10 2 1'),
    ('security_group_rules', 'sqlite_autoindex_security_group_rules_1', '50000 1'),
    ('security_group_rules', 'security_group_rules_of_group', '50000 10 2 1'),
    ('security_group_rules', 'security_group_rules_of_remote', '50000 20'),
    ('security_group_rules', 'security_group_rules_to', '50000 20'),
    ('security_group_rules', 'security_group_rules_of_project', '50000 250'),
    ('security_group_rules', 'security_group_rules_by_creation', '50000 2 1'),
    ('routers', 'sqlite_autoindex_routers_1', '10000 1'),
    ('routers', 'routers_of_project', '10000 50 2 1'),
    ('routers', 'routers_by_creation', '10000 2 1'),
    ('routers', 'routers_by_name', '10000 10 2 1'),
    ('floating_ips', 'sqlite_autoindex_floating_ips_1', '10000 1'),
    ('floating_ips', 'sqlite_autoindex_floating_ips_2', '10000 2000 1 1'),
    ('floating_ips', 'floating_ips_of_project', '10000 50 2 1'),
    ('floating_ips', 'floating_ips_by_creation', '10000 2 1'),
    ('floating_ips', 'floating_ips_of_network', '10000 2000 2 1'),
    ('floating_ips', 'floating_ips_by_address', '10000 1'),
    ('floating_ips', 'floating_ips_by_status', '10000 4000 2 1'),
    ('floating_ips', 'floating_ips_of_port', '10000 2'),
    ('floating_ips', 'floating_ips_to_port', '10000 2'),
    ('floating_ips', 'floating_ips_to_address', '10000 2'),
    ('floating_ips', 'floating_ips_of_router', '10000 20'),
    ('floating_ips', 'floating_ips_over', '10000 20'),
    ('network_tags', 'network_tags', '20000 2 1'),
    ('network_tags', 'network_tagged', '20000 100 1');
ANALYZE sqlite_schema;
