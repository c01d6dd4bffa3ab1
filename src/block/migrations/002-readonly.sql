-- Whether guests get the volume for reading alone; NULL where nobody has said.
ALTER TABLE volumes ADD COLUMN readonly INTEGER;
