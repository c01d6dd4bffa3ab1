-- People whom somebody else vouches for (OS-FEDERATION). What such an identity provider says becomes a user here by the rules of a mapping.
CREATE TABLE mappings (
    id TEXT PRIMARY KEY,
    rules TEXT NOT NULL                  -- JSON
) STRICT, WITHOUT ROWID;

CREATE TABLE identity_providers (
    id TEXT PRIMARY KEY,
    domain_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE, -- where its users live
    enabled INTEGER NOT NULL,
    description TEXT,
    authorization_ttl INTEGER            -- minutes that its users stay in their groups after a login; null: as long as the token lives
) STRICT, WITHOUT ROWID;
CREATE INDEX identity_providers_by_domain ON identity_providers (domain_id);

CREATE TABLE identity_provider_remote_ids (
    remote_id TEXT PRIMARY KEY,          -- what the provider calls itself
    provider_id TEXT NOT NULL REFERENCES identity_providers ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX remote_ids_by_provider ON identity_provider_remote_ids (provider_id);

CREATE TABLE federation_protocols (
    provider_id TEXT NOT NULL REFERENCES identity_providers ON DELETE CASCADE,
    id TEXT NOT NULL,
    mapping_id TEXT NOT NULL REFERENCES mappings,
    remote_id_attribute TEXT,            -- the attribute in which the provider says what it calls itself
    PRIMARY KEY (provider_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX federation_protocols_by_mapping ON federation_protocols (mapping_id);

CREATE TABLE federated_users (
    provider_id TEXT NOT NULL,
    protocol_id TEXT NOT NULL,
    unique_id TEXT NOT NULL,             -- what the provider calls the user
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (provider_id, protocol_id, unique_id),
    FOREIGN KEY (provider_id, protocol_id) REFERENCES federation_protocols (provider_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX federated_users_by_user ON federated_users (user_id);

-- Who is in a group for a while, because the provider said so at the last login.
CREATE TABLE federated_members (
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    group_id TEXT NOT NULL REFERENCES groups ON DELETE CASCADE,
    provider_id TEXT NOT NULL REFERENCES identity_providers ON DELETE CASCADE,
    expires INTEGER NOT NULL,
    PRIMARY KEY (user_id, group_id, provider_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX federated_members_by_group ON federated_members (group_id);
CREATE INDEX federated_members_by_provider ON federated_members (provider_id);
