-- The roles of who asked for a server, with commas: what services of vendor data are told of it.
ALTER TABLE compute_servers ADD COLUMN boot_roles TEXT NOT NULL DEFAULT '';
