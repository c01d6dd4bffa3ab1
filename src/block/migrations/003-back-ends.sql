-- Where a volume is: "host@backend#pool". Empty until the next start, which knows what this host is called: what there was before there
-- were several back ends is in the one that there was.
ALTER TABLE volumes ADD COLUMN host TEXT NOT NULL DEFAULT '';
