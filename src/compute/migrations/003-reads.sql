-- What lists are asked for, each with an index that also has their order (created, id) and the name, which a filter matches as an expression.

DROP INDEX compute_servers_of_project;
CREATE INDEX compute_servers_of_project ON compute_servers (project, deleted, created, id, name);
DROP INDEX compute_servers_living;
CREATE INDEX compute_servers_living ON compute_servers (deleted, created, id, name);
CREATE INDEX compute_servers_by_state ON compute_servers (project, vm_state, deleted, created, id, name);
CREATE INDEX compute_servers_in_state ON compute_servers (vm_state, deleted, created, id, name);
CREATE INDEX compute_servers_of_image ON compute_servers (image, deleted, created, id);
CREATE INDEX compute_servers_of_flavor ON compute_servers (flavor, deleted, created, id);
CREATE INDEX compute_servers_on_host ON compute_servers (host, deleted, created, id);
CREATE INDEX compute_servers_of_reservation ON compute_servers (reservation);
CREATE INDEX compute_servers_of_user ON compute_servers (user, deleted, created, id);
CREATE INDEX compute_servers_with_key ON compute_servers (key_name) WHERE key_name IS NOT NULL;
CREATE INDEX compute_servers_by_change ON compute_servers (updated);
CREATE INDEX compute_server_tagged ON compute_server_tags (tag, server);
CREATE INDEX compute_flavors_granted ON compute_flavor_access (project);

-- How many rows of a large cloud an index finds, said once instead of measured: so the plans are the same in every cloud, and the index that
-- finds few goes before the one that is merely in the list's order (https://www.sqlite.org/fileformat2.html#stat1tab).
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('compute_servers', 'sqlite_autoindex_compute_servers_1', '20000 1'),
    ('compute_servers', 'compute_servers_of_project', '20000 200 100 2 1 1'),
    ('compute_servers', 'compute_servers_living', '20000 10000 2 1 1'),
    ('compute_servers', 'compute_servers_used', '20000 200 100 10 5'),
    ('compute_servers', 'compute_servers_on_base', '20000 500 250'),
    ('compute_servers', 'compute_servers_by_state', '20000 200 100 90 2 1 1'),
    ('compute_servers', 'compute_servers_in_state', '20000 4000 2000 2 1 1'),
    ('compute_servers', 'compute_servers_of_image', '20000 500 250 2 1'),
    ('compute_servers', 'compute_servers_of_flavor', '20000 2000 1000 2 1'),
    ('compute_servers', 'compute_servers_on_host', '20000 10000 9000 2 1'),
    ('compute_servers', 'compute_servers_of_reservation', '20000 2'),
    ('compute_servers', 'compute_servers_of_user', '20000 200 100 2 1'),
    ('compute_servers', 'compute_servers_with_key', '10000 50'),
    ('compute_servers', 'compute_servers_by_change', '20000 2'),
    ('compute_server_tags', 'compute_server_tags', '20000 2 1'),
    ('compute_server_tags', 'compute_server_tagged', '20000 100 1');
ANALYZE sqlite_schema;
