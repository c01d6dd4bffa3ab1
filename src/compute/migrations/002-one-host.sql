-- A host keeps the name it was met under. Until now there was one host, whose machine made a row under each name that it ever had: the
-- newest stays, and has all servers.
UPDATE compute_servers SET host = (SELECT name FROM compute_hosts ORDER BY number DESC LIMIT 1) WHERE EXISTS (SELECT 1 FROM compute_hosts);
DELETE FROM compute_hosts WHERE number < (SELECT max(number) FROM compute_hosts);
