-- Traits and resource classes that somebody has made up: names, and nothing else.
CREATE TABLE compute_placement_words (
    kind TEXT NOT NULL,                 -- trait, class
    name TEXT NOT NULL,
    PRIMARY KEY (kind, name)
) STRICT, WITHOUT ROWID;
INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('compute_placement_words', 'compute_placement_words', '100 50 1');
ANALYZE sqlite_schema;
