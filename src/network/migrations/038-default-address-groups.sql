-- Default rules that name the other side by an address group. Those that every cloud begins with were all made at once; they are listed in the order
-- in which they came.
ALTER TABLE default_security_group_rules ADD COLUMN remote_address_group TEXT REFERENCES address_groups (id);
CREATE INDEX default_security_group_rules_of_addresses ON default_security_group_rules (remote_address_group);
UPDATE default_security_group_rules SET created = rowid - 1 WHERE created = 0;

INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES
    ('default_security_group_rules', 'default_security_group_rules_of_addresses', '20 5');
ANALYZE sqlite_schema;
