-- Whose interface a port is, as adding it to the router said; empty where it is none. What a port's device and owner say is for
-- people to read: their texts are the user's own.

ALTER TABLE ports ADD COLUMN router TEXT NOT NULL DEFAULT '';
UPDATE ports SET router = device WHERE owner = 'network:router_interface'
    AND EXISTS (SELECT 1 FROM routers r WHERE r.id = ports.device AND r.project = ports.project);
CREATE INDEX ports_of_router ON ports (router) WHERE router <> '';

CREATE INDEX fixed_ips_by_address ON fixed_ips (address);
