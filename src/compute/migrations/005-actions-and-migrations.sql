-- Where an action's time went: the steps of its job, written when it ends.
CREATE TABLE compute_action_events (
    action INTEGER NOT NULL,        -- its number
    position INTEGER NOT NULL,
    step TEXT NOT NULL,
    started INTEGER NOT NULL,
    finished INTEGER,
    details TEXT,                   -- why it failed
    PRIMARY KEY (action, position)
) WITHOUT ROWID;
CREATE TRIGGER compute_action_events_go AFTER DELETE ON compute_server_actions BEGIN
    DELETE FROM compute_action_events WHERE action = OLD.number;
END;
DROP INDEX compute_server_actions_of_server;
CREATE INDEX compute_server_actions_of_server ON compute_server_actions (server, started, number);
CREATE INDEX compute_server_actions_of_request ON compute_server_actions (server, request);

-- Servers that went, or go, to another host or another flavor. They go with their server's row.
CREATE TABLE compute_migrations (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    server TEXT NOT NULL,
    kind TEXT NOT NULL,             -- resize, migration, live-migration, evacuation
    status TEXT NOT NULL,
    source TEXT NOT NULL,
    destination TEXT NOT NULL,
    old_flavor TEXT NOT NULL,
    new_flavor TEXT NOT NULL,
    user TEXT NOT NULL,
    project TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX compute_migrations_of_server ON compute_migrations (server, created, number);
CREATE INDEX compute_migrations_by_time ON compute_migrations (created, number);
CREATE INDEX compute_migrations_of_project ON compute_migrations (project, created, number);
CREATE INDEX compute_migrations_of_user ON compute_migrations (user, created, number);
CREATE INDEX compute_migrations_by_state ON compute_migrations (status, created, number);
CREATE INDEX compute_migrations_by_change ON compute_migrations (updated);
CREATE TRIGGER compute_migrations_go AFTER DELETE ON compute_servers BEGIN
    DELETE FROM compute_migrations WHERE server = OLD.id;
END;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('compute_server_actions', 'compute_server_actions_of_server', '200000 10 2 1'),
    ('compute_server_actions', 'compute_server_actions_of_request', '200000 10 1'),
    ('compute_migrations', 'compute_migrations_of_server', '20000 3 1 1'),
    ('compute_migrations', 'compute_migrations_by_time', '20000 2 1'),
    ('compute_migrations', 'compute_migrations_of_project', '20000 200 2 1'),
    ('compute_migrations', 'compute_migrations_of_user', '20000 200 2 1'),
    ('compute_migrations', 'compute_migrations_by_state', '20000 4000 2 1'),
    ('compute_migrations', 'compute_migrations_by_change', '20000 2');
ANALYZE sqlite_schema;
