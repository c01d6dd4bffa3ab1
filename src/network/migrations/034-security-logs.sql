-- What of the packets that security groups let through or keep out is written down, and of which ports.
CREATE TABLE security_logs (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    type TEXT NOT NULL,            -- "security_group"
    event TEXT NOT NULL,           -- "ACCEPT", "DROP", "ALL"
    resource TEXT REFERENCES security_groups (id) ON DELETE CASCADE,
    target TEXT REFERENCES ports (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX security_logs_of_project ON security_logs (project, created, id);
CREATE INDEX security_logs_by_creation ON security_logs (created, id);
CREATE INDEX security_logs_by_name ON security_logs (name, created, id);
CREATE INDEX security_logs_of_group ON security_logs (resource) WHERE resource IS NOT NULL;
CREATE INDEX security_logs_of_port ON security_logs (target) WHERE target IS NOT NULL;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('security_logs', 'sqlite_autoindex_security_logs_1', '1000 1'),
    ('security_logs', 'security_logs_of_project', '1000 10 2 1'),
    ('security_logs', 'security_logs_by_creation', '1000 2 1'),
    ('security_logs', 'security_logs_by_name', '1000 2 1 1'),
    ('security_logs', 'security_logs_of_group', '500 2'),
    ('security_logs', 'security_logs_of_port', '500 2');
ANALYZE sqlite_schema;
