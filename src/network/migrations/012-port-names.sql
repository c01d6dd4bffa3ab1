-- What DHCP and DNS tell of a port, and what others say of it. (Its host name, which was the server's, is its name in DNS.)

ALTER TABLE networks ADD COLUMN dns_domain TEXT NOT NULL DEFAULT '';
ALTER TABLE ports ADD COLUMN dns_domain TEXT NOT NULL DEFAULT '';
ALTER TABLE ports ADD COLUMN dhcp_options TEXT NOT NULL DEFAULT '[]';
ALTER TABLE ports ADD COLUMN data_plane_status TEXT;
ALTER TABLE ports ADD COLUMN numa_affinity_policy TEXT;
ALTER TABLE ports ADD COLUMN propagate_uplink_status INTEGER NOT NULL DEFAULT 0;
ALTER TABLE floating_ips ADD COLUMN dns_name TEXT NOT NULL DEFAULT '';
ALTER TABLE floating_ips ADD COLUMN dns_domain TEXT NOT NULL DEFAULT '';
CREATE INDEX ports_by_dns_name ON ports (hostname, created, id);

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES ('ports', 'ports_by_dns_name', '100000 10 2 1');
ANALYZE sqlite_schema;
