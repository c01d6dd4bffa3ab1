-- What lists are asked for, each with an index that also has their order (created, and the id that ends every index of these tables).

CREATE INDEX images_of_owner ON images (owner, created);
CREATE INDEX images_by_visibility ON images (visibility, created);
CREATE INDEX images_by_name ON images (name, created);
CREATE INDEX images_by_status ON images (status, created);
CREATE INDEX images_by_checksum ON images (checksum);
CREATE INDEX images_by_hash ON images (hash_value);
CREATE INDEX image_tagged ON image_tags (tag);
CREATE INDEX image_properties_by_item ON image_properties (name, value);

-- How many rows of a large cloud an index finds, said once instead of measured: so the plans are the same in every cloud, and the index that
-- finds few goes before the one that is merely in the list's order (https://www.sqlite.org/fileformat2.html#stat1tab).
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('images', 'images', '20000 1'),
    ('images', 'images_by_owner', '20000 200 2 1'),
    ('images', 'images_by_creation', '20000 2 1'),
    ('images', 'images_of_owner', '20000 200 2 1'),
    ('images', 'images_by_project_state', '20000 200 150 150'),
    ('images', 'images_by_visibility', '20000 5000 2 1'),
    ('images', 'images_by_name', '20000 10 2 1'),
    ('images', 'images_by_status', '20000 15000 2 1'),
    ('images', 'images_by_checksum', '20000 2 1'),
    ('images', 'images_by_hash', '20000 2 1'),
    ('image_tags', 'image_tags', '20000 2 1'),
    ('image_tags', 'image_tagged', '20000 100 1'),
    ('image_properties', 'image_properties', '80000 4 1'),
    ('image_properties', 'image_properties_by_item', '80000 8000 400 1'),
    ('image_members', 'image_members', '5000 2 1'),
    ('image_members', 'image_members_by_member', '5000 20 10 1');
ANALYZE sqlite_schema;
