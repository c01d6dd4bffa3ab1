ALTER TABLE images ADD COLUMN staged INTEGER;        -- bytes in the staging area; null where nothing is staged
ALTER TABLE images ADD COLUMN importing_to TEXT;     -- stores that the last import still has to fill, with commas; null where there was none
ALTER TABLE images ADD COLUMN failed_import TEXT;    -- stores that the last import could not fill, with commas; null where there was none
CREATE INDEX images_by_project_state ON images (owner, status, staged);

-- Where the data of an image is, in order: in a store of ours, or at an address that somebody gave.
CREATE TABLE image_locations (
    image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
    position INTEGER NOT NULL,
    store TEXT NOT NULL,                 -- name of the store; empty for an address elsewhere
    url TEXT NOT NULL,                   -- "file:///…" or "http(s)://…"
    metadata TEXT NOT NULL,              -- a JSON object
    PRIMARY KEY (image_id, position)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX image_locations_once ON image_locations (image_id, store) WHERE store != '';

-- What existed before there were several stores is in the one that there was.
INSERT INTO image_locations SELECT id, 0, 'file', '', '{}' FROM images WHERE status IN ('active', 'deactivated');

CREATE TABLE image_tasks (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,                  -- "api_image_import", "import"
    status TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'success', 'failure')),
    owner TEXT NOT NULL,                 -- the project that asked
    user TEXT NOT NULL,
    request TEXT NOT NULL,               -- id of the request that began it
    image_id TEXT NOT NULL,
    input TEXT NOT NULL,                 -- JSON
    result TEXT,                         -- JSON, once it has succeeded
    message TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    expires INTEGER                      -- two days after its end; then it is forgotten
) STRICT, WITHOUT ROWID;
CREATE INDEX image_tasks_by_image ON image_tasks (image_id, created);
CREATE INDEX image_tasks_by_creation ON image_tasks (created, id);

-- Copies near at hand of images that are kept far away.
CREATE TABLE image_cache (
    image_id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('queued', 'cached')),
    size INTEGER NOT NULL,               -- bytes
    hits INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    accessed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
