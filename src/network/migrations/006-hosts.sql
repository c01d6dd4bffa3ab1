-- Guests' ports are bound to a host, whose name they say once the next start knows it: so far it followed the machine's, and they are all at
-- the one host that there is.
UPDATE ports SET host = '' WHERE server <> '';
