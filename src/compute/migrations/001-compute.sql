CREATE TABLE compute_hosts (
    name TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    hypervisor_id TEXT NOT NULL UNIQUE,
    service_id TEXT NOT NULL UNIQUE,
    boot TEXT NOT NULL,             -- which start of the machine its guests were last seen in
    created INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE compute_flavors (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    vcpus INTEGER NOT NULL,
    ram INTEGER NOT NULL,           -- MiB
    disk INTEGER NOT NULL,          -- GiB; 0: as large as the image
    ephemeral INTEGER NOT NULL DEFAULT 0,
    swap INTEGER NOT NULL DEFAULT 0,
    rxtx_factor REAL NOT NULL DEFAULT 1.0,
    is_public INTEGER NOT NULL DEFAULT 1,
    description TEXT,
    created INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE compute_flavor_specs (
    flavor TEXT NOT NULL REFERENCES compute_flavors (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (flavor, name)
) WITHOUT ROWID;

CREATE TABLE compute_flavor_access (
    flavor TEXT NOT NULL REFERENCES compute_flavors (id) ON DELETE CASCADE,
    project TEXT NOT NULL,
    PRIMARY KEY (flavor, project)
) WITHOUT ROWID;

CREATE TABLE compute_keypairs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    public_key TEXT NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (user, name)
);

CREATE TABLE compute_servers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    hostname TEXT NOT NULL,
    description TEXT,
    host TEXT NOT NULL,
    vm_state TEXT NOT NULL,
    task_state TEXT,
    power_state INTEGER NOT NULL DEFAULT 0,
    image TEXT NOT NULL,            -- empty where it boots from a volume
    base TEXT NOT NULL,             -- file name of the image's base copy
    flavor TEXT NOT NULL,           -- as it was when the server was made: later changes of the flavor don't touch it
    flavor_name TEXT NOT NULL,
    vcpus INTEGER NOT NULL,
    ram INTEGER NOT NULL,
    disk INTEGER NOT NULL,
    ephemeral INTEGER NOT NULL,
    swap INTEGER NOT NULL,
    extra_specs TEXT NOT NULL,      -- JSON object
    key_name TEXT,
    key_type TEXT NOT NULL DEFAULT '',
    public_key TEXT NOT NULL DEFAULT '',
    user_data TEXT,                 -- base64, as it came
    access_v4 TEXT NOT NULL DEFAULT '',
    access_v6 TEXT NOT NULL DEFAULT '',
    zone TEXT NOT NULL,
    disk_config TEXT NOT NULL,
    reservation TEXT NOT NULL,
    launch_index INTEGER NOT NULL,
    locked_by TEXT NOT NULL DEFAULT '', -- owner, admin
    locked_reason TEXT,
    fault TEXT,                     -- for the owner to read
    fault_details TEXT,             -- for an administrator
    fault_time INTEGER,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    launched INTEGER,
    terminated INTEGER,
    deleted INTEGER
);
CREATE INDEX compute_servers_of_project ON compute_servers (project, deleted, created, id);
CREATE INDEX compute_servers_living ON compute_servers (deleted, created, id);
CREATE INDEX compute_servers_used ON compute_servers (project, deleted, vcpus, ram);
CREATE INDEX compute_servers_on_base ON compute_servers (base, deleted);

CREATE TABLE compute_server_metadata (
    server TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (server, name)
) WITHOUT ROWID;

CREATE TABLE compute_server_tags (
    server TEXT NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (server, tag)
) WITHOUT ROWID;

-- What compute knows of a volume's tie to a server beyond block's own record of it.
CREATE TABLE compute_attachments (
    id TEXT PRIMARY KEY,
    server TEXT NOT NULL,
    volume TEXT NOT NULL,
    root INTEGER NOT NULL DEFAULT 0,
    tag TEXT
) WITHOUT ROWID;
CREATE INDEX compute_attachments_of_server ON compute_attachments (server);

CREATE TABLE compute_server_actions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    server TEXT NOT NULL,
    action TEXT NOT NULL,
    event TEXT NOT NULL,
    request TEXT NOT NULL,
    user TEXT NOT NULL,
    project TEXT NOT NULL,
    host TEXT NOT NULL,
    started INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    finished INTEGER,
    result TEXT,                    -- Success, Error
    message TEXT,
    details TEXT
);
CREATE INDEX compute_server_actions_of_server ON compute_server_actions (server, started);
