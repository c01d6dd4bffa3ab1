-- What a server that moves takes of the host that it is not on: where it goes to, and then where it came from, until it can't go back. Counted
-- with what servers take there, so that two that move can't both have the last place.
CREATE TABLE compute_holds (
    server TEXT PRIMARY KEY,
    host TEXT NOT NULL,
    vcpus INTEGER NOT NULL,
    ram INTEGER NOT NULL,               -- MiB
    disk INTEGER NOT NULL               -- GiB
) STRICT, WITHOUT ROWID;
CREATE TRIGGER compute_hold_begins AFTER INSERT ON compute_holds BEGIN
    INSERT INTO compute_host_load_changes VALUES (new.host, 0, 0, 0, new.vcpus, new.ram, new.disk);
END;
CREATE TRIGGER compute_hold_ends AFTER DELETE ON compute_holds BEGIN
    INSERT INTO compute_host_load_changes VALUES (old.host, 0, 0, 0, -old.vcpus, -old.ram, -old.disk);
END;
CREATE TRIGGER compute_hold_of_deleted AFTER UPDATE OF deleted ON compute_servers WHEN new.deleted IS NOT NULL BEGIN
    DELETE FROM compute_holds WHERE server = new.id;
END;
