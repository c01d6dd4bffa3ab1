-- What lists are asked for, each with an index that also has their order (created, and the id that ends every index of these tables).

DROP INDEX volumes_by_project;
CREATE INDEX volumes_by_project ON volumes (project_id, created);
CREATE INDEX volumes_by_name ON volumes (name, created);
CREATE INDEX volumes_by_status ON volumes (project_id, status, created);
CREATE INDEX volumes_in_status ON volumes (status, created);
CREATE INDEX volumes_of_user ON volumes (user_id, created);
CREATE INDEX volume_attachments_by_creation ON volume_attachments (created);
CREATE INDEX volume_attachments_by_status ON volume_attachments (status, created);
CREATE INDEX volume_metadata_by_item ON volume_metadata (name, value);
CREATE INDEX volume_image_metadata_by_item ON volume_image_metadata (name, value);

-- How many rows of a large cloud an index finds, said once instead of measured: so the plans are the same in every cloud, and the index that
-- finds few goes before the one that is merely in the list's order (https://www.sqlite.org/fileformat2.html#stat1tab).
ANALYZE sqlite_schema;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('volumes', 'volumes', '20000 1'),
    ('volumes', 'volumes_by_project', '20000 200 2 1'),
    ('volumes', 'volumes_by_creation', '20000 2 1'),
    ('volumes', 'volumes_by_name', '20000 10 2 1'),
    ('volumes', 'volumes_by_status', '20000 200 90 2 1'),
    ('volumes', 'volumes_in_status', '20000 8000 2 1'),
    ('volumes', 'volumes_of_user', '20000 200 2 1'),
    ('volume_attachments', 'volume_attachments', '20000 1'),
    ('volume_attachments', 'volume_attachments_by_volume', '20000 1 1'),
    ('volume_attachments', 'volume_attachments_by_server', '20000 2 1'),
    ('volume_attachments', 'volume_attachments_by_creation', '20000 2 1'),
    ('volume_attachments', 'volume_attachments_by_status', '20000 19000 2 1'),
    ('volume_metadata', 'volume_metadata', '20000 2 1'),
    ('volume_metadata', 'volume_metadata_by_item', '20000 1000 50 1'),
    ('volume_image_metadata', 'volume_image_metadata', '60000 6 1'),
    ('volume_image_metadata', 'volume_image_metadata_by_item', '60000 8000 400 1');
ANALYZE sqlite_schema;
