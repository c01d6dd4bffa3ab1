-- The base copies of images that hosts keep, as the image service's cache shows them: those that servers were made of, and those that were
-- asked for before any is.
CREATE TABLE compute_base_copies (
    image TEXT PRIMARY KEY,
    base TEXT NOT NULL,             -- its file's name
    state TEXT NOT NULL,            -- queued, cached; dropped: to go once no server stands on it
    pinned INTEGER NOT NULL,        -- asked for: stays without servers
    hits INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    accessed INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX compute_base_copies_by_base ON compute_base_copies (base);
CREATE TRIGGER compute_base_copy_used AFTER UPDATE OF launched ON compute_servers
WHEN OLD.launched IS NULL AND NEW.launched IS NOT NULL AND NEW.base <> '' BEGIN
    INSERT INTO compute_base_copies (image, base, state, pinned, hits, modified, accessed)
    VALUES (NEW.image, NEW.base, 'cached', 0, 1, NEW.launched, NEW.launched)
    ON CONFLICT (image) DO UPDATE SET base = excluded.base, state = 'cached', hits = hits + 1, accessed = excluded.accessed,
        pinned = CASE state WHEN 'dropped' THEN 0 ELSE pinned END;
END;
INSERT INTO compute_base_copies (image, base, state, pinned, hits, modified, accessed)
SELECT image, base, 'cached', 0, count(*), min(created), max(created) FROM compute_servers WHERE deleted IS NULL AND image <> '' AND base <> ''
GROUP BY image;
