-- Which steps a job has entered, and when: JSON, for who asks where the time went.
ALTER TABLE jobs ADD COLUMN stages TEXT NOT NULL DEFAULT '';
