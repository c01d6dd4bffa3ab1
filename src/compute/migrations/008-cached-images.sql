-- Base copies that somebody asked for before a server needs them; without a row nobody would know whose they are.
CREATE TABLE compute_cached_images (
    base TEXT PRIMARY KEY,
    image TEXT NOT NULL,
    wanted INTEGER NOT NULL             -- when it was asked for last; 0: its image is gone
) STRICT, WITHOUT ROWID;
CREATE INDEX compute_cached_images_of_image ON compute_cached_images (image);
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('compute_cached_images', 'compute_cached_images', '100 1'),
    ('compute_cached_images', 'compute_cached_images_of_image', '100 1');
ANALYZE sqlite_schema;
