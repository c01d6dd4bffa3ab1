-- What properties of images, flavors, volumes and so on mean: a catalog for people and their tools.
CREATE TABLE metadef_namespaces (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT,
    description TEXT,
    public INTEGER NOT NULL,
    protected INTEGER NOT NULL,
    owner TEXT NOT NULL,                 -- a project; empty for those that come with the program
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;

CREATE TABLE metadef_items (
    id INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL REFERENCES metadef_namespaces ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('object', 'property', 'tag', 'resource_type')),
    name TEXT NOT NULL,
    body TEXT NOT NULL,                  -- a JSON object: all but the name
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    UNIQUE (namespace, kind, name)
) STRICT;
CREATE INDEX metadef_items_by_name ON metadef_items (kind, name);

CREATE TABLE metadef_resource_types (
    name TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
