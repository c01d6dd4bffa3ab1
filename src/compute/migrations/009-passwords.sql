-- What a guest has told of its administrator's password, sealed for its owner's key. It goes with the server.
CREATE TABLE compute_server_passwords (
    server TEXT PRIMARY KEY,
    password TEXT NOT NULL
) WITHOUT ROWID;
CREATE TRIGGER compute_server_passwords_go AFTER UPDATE OF deleted ON compute_servers WHEN NEW.deleted IS NOT NULL BEGIN
    DELETE FROM compute_server_passwords WHERE server = NEW.id;
END;
