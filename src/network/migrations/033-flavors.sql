-- Flavors of services, and profiles of who provides them: records that operators keep, which nothing here is chosen by.
CREATE TABLE service_flavors (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    service_type TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created INTEGER NOT NULL
);
CREATE INDEX service_flavors_by_creation ON service_flavors (created, id);

CREATE TABLE service_profiles (
    id TEXT PRIMARY KEY,
    description TEXT NOT NULL,
    driver TEXT NOT NULL,
    metainfo TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    created INTEGER NOT NULL
);
CREATE INDEX service_profiles_by_creation ON service_profiles (created, id);

CREATE TABLE service_flavor_profiles (
    flavor TEXT NOT NULL REFERENCES service_flavors (id) ON DELETE CASCADE,
    profile TEXT NOT NULL REFERENCES service_profiles (id),
    PRIMARY KEY (flavor, profile)
) WITHOUT ROWID;
CREATE INDEX flavors_of_service_profile ON service_flavor_profiles (profile);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('service_flavors', 'sqlite_autoindex_service_flavors_1', '100 1'),
    ('service_flavors', 'service_flavors_by_creation', '100 2 1'),
    ('service_profiles', 'sqlite_autoindex_service_profiles_1', '100 1'),
    ('service_profiles', 'service_profiles_by_creation', '100 2 1'),
    ('service_flavor_profiles', 'service_flavor_profiles', '200 2 1'),
    ('service_flavor_profiles', 'flavors_of_service_profile', '200 2');
ANALYZE sqlite_schema;
