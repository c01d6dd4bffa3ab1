-- Who does what on a host, as the API knows it: what an administrator says of each, beside what the program knows itself.
CREATE TABLE agents (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,        -- "DHCP agent"
    host TEXT NOT NULL,
    admin_up INTEGER NOT NULL,
    description TEXT,
    created INTEGER NOT NULL,
    UNIQUE (host, kind)
);
CREATE INDEX agents_by_creation ON agents (created, id);

-- Networks and routers that an agent serves, or does not, by an administrator's word; of all others it is what they are that says it.
CREATE TABLE agent_choices (
    agent TEXT NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
    object TEXT NOT NULL,
    serves INTEGER NOT NULL,
    PRIMARY KEY (agent, object)
) WITHOUT ROWID;
CREATE INDEX agent_choices_about ON agent_choices (object, agent);

CREATE TRIGGER network_unserved AFTER DELETE ON networks BEGIN
    DELETE FROM agent_choices WHERE object = OLD.id;
END;
CREATE TRIGGER router_unserved AFTER DELETE ON routers BEGIN
    DELETE FROM agent_choices WHERE object = OLD.id;
END;

-- Availability zones that somebody wants a network or a router to be in.
ALTER TABLE networks ADD COLUMN zone_hints TEXT NOT NULL DEFAULT '[]';
ALTER TABLE routers ADD COLUMN zone_hints TEXT NOT NULL DEFAULT '[]';

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('agents', 'sqlite_autoindex_agents_1', '400 1'),
    ('agents', 'sqlite_autoindex_agents_2', '400 4 1'),
    ('agents', 'agents_by_creation', '400 2 1'),
    ('agent_choices', 'agent_choices', '1000 10 1'),
    ('agent_choices', 'agent_choices_about', '1000 2 1');
ANALYZE sqlite_schema;
