-- What servers have used, kept longer than their rows: one row for each that was ever launched. Written by the servers' own rows, in the
-- transaction that changes them, whichever verb it is.
CREATE TABLE compute_usage (
    server TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    host TEXT NOT NULL,
    name TEXT NOT NULL,
    flavor TEXT NOT NULL,           -- its name
    vcpus INTEGER NOT NULL,
    ram INTEGER NOT NULL,           -- MiB
    disk INTEGER NOT NULL,          -- GiB, of the root and the ephemeral disk
    launched INTEGER NOT NULL,
    ended INTEGER                   -- nothing while it lives
) WITHOUT ROWID;
CREATE INDEX compute_usage_of_project ON compute_usage (project, ended, launched);
CREATE INDEX compute_usage_in_time ON compute_usage (ended, launched);

CREATE TRIGGER compute_usage_begins AFTER UPDATE OF launched ON compute_servers WHEN OLD.launched IS NULL AND NEW.launched IS NOT NULL BEGIN
    INSERT OR IGNORE INTO compute_usage (server, project, host, name, flavor, vcpus, ram, disk, launched)
    VALUES (NEW.id, NEW.project, NEW.host, NEW.name, NEW.flavor_name, NEW.vcpus, NEW.ram, NEW.disk + NEW.ephemeral, NEW.launched);
END;
CREATE TRIGGER compute_usage_changes AFTER UPDATE OF name, host, flavor_name, vcpus, ram, disk, ephemeral ON compute_servers
WHEN NEW.launched IS NOT NULL AND (NEW.name, NEW.host, NEW.flavor_name, NEW.vcpus, NEW.ram, NEW.disk, NEW.ephemeral)
    IS NOT (OLD.name, OLD.host, OLD.flavor_name, OLD.vcpus, OLD.ram, OLD.disk, OLD.ephemeral) BEGIN
    UPDATE compute_usage SET name = NEW.name, host = NEW.host, flavor = NEW.flavor_name, vcpus = NEW.vcpus, ram = NEW.ram,
        disk = NEW.disk + NEW.ephemeral WHERE server = NEW.id;
END;
CREATE TRIGGER compute_usage_ends AFTER UPDATE OF deleted ON compute_servers WHEN OLD.deleted IS NULL AND NEW.deleted IS NOT NULL BEGIN
    UPDATE compute_usage SET ended = NEW.deleted WHERE server = NEW.id;
END;

INSERT INTO compute_usage (server, project, host, name, flavor, vcpus, ram, disk, launched, ended)
SELECT id, project, host, name, flavor_name, vcpus, ram, disk + ephemeral, launched, deleted FROM compute_servers WHERE launched IS NOT NULL;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('compute_usage', 'compute_usage', '200000 1'),
    ('compute_usage', 'compute_usage_of_project', '200000 2000 2 1'),
    ('compute_usage', 'compute_usage_in_time', '200000 2 1');
ANALYZE sqlite_schema;
