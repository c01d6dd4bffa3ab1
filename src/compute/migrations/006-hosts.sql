-- What lists and the scheduler know of a host: what its driver found when it was last asked, and what an administrator has said.
ALTER TABLE compute_hosts ADD COLUMN hostname TEXT NOT NULL DEFAULT '';         -- what its machine calls itself
ALTER TABLE compute_hosts ADD COLUMN uri TEXT NOT NULL DEFAULT '';              -- by which the driver reaches it
ALTER TABLE compute_hosts ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE compute_hosts ADD COLUMN type TEXT NOT NULL DEFAULT '';             -- of the hypervisor: QEMU
ALTER TABLE compute_hosts ADD COLUMN version INTEGER NOT NULL DEFAULT 0;
ALTER TABLE compute_hosts ADD COLUMN virt_type TEXT NOT NULL DEFAULT '';        -- kvm, qemu; empty: any
ALTER TABLE compute_hosts ADD COLUMN architecture TEXT NOT NULL DEFAULT '';     -- x86_64; empty: any
ALTER TABLE compute_hosts ADD COLUMN cpu_info TEXT NOT NULL DEFAULT '{}';       -- JSON, as the API shows it
ALTER TABLE compute_hosts ADD COLUMN cells INTEGER NOT NULL DEFAULT 1;          -- of NUMA, alike
ALTER TABLE compute_hosts ADD COLUMN vcpus INTEGER NOT NULL DEFAULT 0;
ALTER TABLE compute_hosts ADD COLUMN memory INTEGER NOT NULL DEFAULT 0;         -- MiB
ALTER TABLE compute_hosts ADD COLUMN disk INTEGER NOT NULL DEFAULT 0;           -- GiB
ALTER TABLE compute_hosts ADD COLUMN started INTEGER NOT NULL DEFAULT 0;        -- when its machine was
ALTER TABLE compute_hosts ADD COLUMN seen INTEGER;                              -- when its driver last answered
ALTER TABLE compute_hosts ADD COLUMN disabled INTEGER NOT NULL DEFAULT 0;       -- gets no new servers
ALTER TABLE compute_hosts ADD COLUMN disabled_reason TEXT;
ALTER TABLE compute_hosts ADD COLUMN forced_down INTEGER NOT NULL DEFAULT 0;    -- whatever it says itself
ALTER TABLE compute_hosts ADD COLUMN failures INTEGER NOT NULL DEFAULT 0;       -- servers that couldn't be made there since one could

-- What the servers of a host take of it: kept by the store itself, so it can't drift.
CREATE TABLE compute_host_loads (
    host TEXT PRIMARY KEY,
    servers INTEGER NOT NULL,
    running INTEGER NOT NULL,
    tasks INTEGER NOT NULL,             -- servers to which something is being done
    vcpus INTEGER NOT NULL,
    ram INTEGER NOT NULL,               -- MiB
    disk INTEGER NOT NULL               -- GiB
) STRICT, WITHOUT ROWID;

-- Each change is a row here, which is never kept: the trigger adds it up.
CREATE VIEW compute_host_load_changes AS SELECT host, servers, running, tasks, vcpus, ram, disk FROM compute_host_loads;
CREATE TRIGGER compute_host_load_changes INSTEAD OF INSERT ON compute_host_load_changes BEGIN
    INSERT INTO compute_host_loads VALUES (new.host, new.servers, new.running, new.tasks, new.vcpus, new.ram, new.disk)
        ON CONFLICT (host) DO UPDATE SET servers = servers + excluded.servers, running = running + excluded.running, tasks = tasks + excluded.tasks,
            vcpus = vcpus + excluded.vcpus, ram = ram + excluded.ram, disk = disk + excluded.disk;
END;

-- A server that boots from a volume has no root disk on its host (Nova, ResourceTracker).
INSERT INTO compute_host_load_changes SELECT host, count(*), sum(vm_state <> 'stopped'), sum(task_state IS NOT NULL), sum(vcpus), sum(ram),
        sum(CASE image WHEN '' THEN 0 ELSE disk END + ephemeral + (swap + 1023) / 1024)
    FROM compute_servers WHERE deleted IS NULL AND host <> '' GROUP BY host;
CREATE TRIGGER compute_server_loads_host AFTER INSERT ON compute_servers WHEN new.deleted IS NULL AND new.host <> '' BEGIN
    INSERT INTO compute_host_load_changes VALUES (new.host, 1, new.vm_state <> 'stopped', new.task_state IS NOT NULL, new.vcpus, new.ram,
        CASE new.image WHEN '' THEN 0 ELSE new.disk END + new.ephemeral + (new.swap + 1023) / 1024);
END;
CREATE TRIGGER compute_server_leaves_host AFTER DELETE ON compute_servers WHEN old.deleted IS NULL AND old.host <> '' BEGIN
    INSERT INTO compute_host_load_changes VALUES (old.host, -1, -(old.vm_state <> 'stopped'), -(old.task_state IS NOT NULL), -old.vcpus, -old.ram,
        -(CASE old.image WHEN '' THEN 0 ELSE old.disk END + old.ephemeral + (old.swap + 1023) / 1024));
END;
CREATE TRIGGER compute_server_moves AFTER UPDATE OF host, vm_state, task_state, vcpus, ram, disk, ephemeral, swap, image, deleted ON compute_servers BEGIN
    INSERT INTO compute_host_load_changes SELECT old.host, -1, -(old.vm_state <> 'stopped'), -(old.task_state IS NOT NULL), -old.vcpus, -old.ram,
        -(CASE old.image WHEN '' THEN 0 ELSE old.disk END + old.ephemeral + (old.swap + 1023) / 1024) WHERE old.deleted IS NULL AND old.host <> '';
    INSERT INTO compute_host_load_changes SELECT new.host, 1, new.vm_state <> 'stopped', new.task_state IS NOT NULL, new.vcpus, new.ram,
        CASE new.image WHEN '' THEN 0 ELSE new.disk END + new.ephemeral + (new.swap + 1023) / 1024 WHERE new.deleted IS NULL AND new.host <> '';
END;

-- Hosts that are alike, and what is said of them: their availability zone, for one.
CREATE TABLE compute_aggregates (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    created INTEGER NOT NULL,
    updated INTEGER
) STRICT;
CREATE TABLE compute_aggregate_hosts (
    aggregate INTEGER NOT NULL REFERENCES compute_aggregates (number) ON DELETE CASCADE,
    host TEXT NOT NULL,
    PRIMARY KEY (aggregate, host)
) STRICT, WITHOUT ROWID;
CREATE INDEX compute_aggregates_of_host ON compute_aggregate_hosts (host, aggregate);
CREATE TABLE compute_aggregate_metadata (
    aggregate INTEGER NOT NULL REFERENCES compute_aggregates (number) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (aggregate, name)
) STRICT, WITHOUT ROWID;

-- Servers that are to be together, or apart.
CREATE TABLE compute_server_groups (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    policy TEXT NOT NULL,
    per_host INTEGER,                   -- the rule max_server_per_host
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX compute_server_groups_of_project ON compute_server_groups (project, created, id);
CREATE INDEX compute_server_groups_by_creation ON compute_server_groups (created, id);
CREATE TABLE compute_server_group_members (
    server TEXT PRIMARY KEY,
    server_group TEXT NOT NULL REFERENCES compute_server_groups (id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX compute_server_group_members_of_group ON compute_server_group_members (server_group, server);
CREATE TRIGGER compute_server_leaves_group AFTER UPDATE OF deleted ON compute_servers WHEN new.deleted IS NOT NULL BEGIN
    DELETE FROM compute_server_group_members WHERE server = new.id;
END;

-- Where a server was asked to be: the zone that it must stay in, and the scheduler's hints, a JSON object.
ALTER TABLE compute_servers ADD COLUMN pinned_zone TEXT;
ALTER TABLE compute_servers ADD COLUMN hints TEXT NOT NULL DEFAULT '{}';

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('compute_hosts', 'compute_hosts', '100 1'),
    ('compute_host_loads', 'compute_host_loads', '100 1'),
    ('compute_aggregates', NULL, '20'),
    ('compute_aggregate_hosts', 'compute_aggregate_hosts', '200 10 1'),
    ('compute_aggregate_hosts', 'compute_aggregates_of_host', '200 2 1'),
    ('compute_aggregate_metadata', 'compute_aggregate_metadata', '40 2 1'),
    ('compute_server_groups', 'compute_server_groups', '2000 1'),
    ('compute_server_groups', 'compute_server_groups_of_project', '2000 20 2 1'),
    ('compute_server_groups', 'compute_server_groups_by_creation', '2000 2 1'),
    ('compute_server_group_members', 'compute_server_group_members', '10000 1'),
    ('compute_server_group_members', 'compute_server_group_members_of_group', '10000 5 1');
ANALYZE sqlite_schema;
