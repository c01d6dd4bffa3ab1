-- Rules of security groups that name the other side by an address group.
ALTER TABLE security_group_rules ADD COLUMN remote_address_group TEXT REFERENCES address_groups (id);
CREATE INDEX security_group_rules_of_addresses ON security_group_rules (remote_address_group);
CREATE INDEX security_group_rules_to_addresses ON security_group_rules (coalesce(remote_address_group, ''));

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('security_group_rules', 'security_group_rules_of_addresses', '20000 20'),
    ('security_group_rules', 'security_group_rules_to_addresses', '20000 20');
ANALYZE sqlite_schema;
