-- A job's time runs from when it first begins, and only while we run: what is kept is how much of it is used.
ALTER TABLE jobs DROP COLUMN deadline;
ALTER TABLE jobs ADD COLUMN owner TEXT NOT NULL DEFAULT '';       -- the project whose job it is; empty: the cloud's own
ALTER TABLE jobs ADD COLUMN begun INTEGER;                        -- when its first step was entered first
UPDATE jobs SET begun = created;                                  -- the version before did not say: look for what it made
ALTER TABLE jobs ADD COLUMN used INTEGER NOT NULL DEFAULT 0;      -- microseconds of its limit
ALTER TABLE jobs ADD COLUMN progress INTEGER NOT NULL DEFAULT 0;  -- of the present step, of `total`; in bytes
ALTER TABLE jobs ADD COLUMN total INTEGER NOT NULL DEFAULT 0;     -- 0: unknown
