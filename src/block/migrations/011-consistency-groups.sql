-- The group type that consistency groups are of, by which groups and consistency groups are told apart. It has its name from who made groups of
-- them.
INSERT OR IGNORE INTO volume_group_types VALUES
    ('5d0f6c8a-3b1e-4e57-9a42-c7d1f08b6e93', 'default_cgsnapshot_type', 'Default group type for migrating cgsnapshot', 1,
     0, NULL);
INSERT OR IGNORE INTO volume_group_type_specs
    SELECT id, 'consistent_group_snapshot_enabled', '<is> True' FROM volume_group_types WHERE name = 'default_cgsnapshot_type';
