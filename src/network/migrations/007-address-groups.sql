CREATE TABLE address_groups (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    addresses TEXT NOT NULL, -- a JSON list
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE INDEX address_groups_of_project ON address_groups (project, created, id);
CREATE INDEX address_groups_by_creation ON address_groups (created, id);
CREATE INDEX address_groups_by_name ON address_groups (name, created, id);
