-- What an application credential may be used for: one request pattern of one service. Kept by its user, shared by credentials.
CREATE TABLE access_rules (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    service TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    UNIQUE (user_id, service, method, path)
) STRICT, WITHOUT ROWID;

CREATE TABLE application_credentials (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    project_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE,
    name TEXT NOT NULL,
    description TEXT,
    secret TEXT NOT NULL,                -- keyed digest
    unrestricted INTEGER NOT NULL,
    ruled INTEGER NOT NULL,              -- only requests that an access rule matches
    expires INTEGER,
    parent_id TEXT REFERENCES application_credentials ON DELETE CASCADE, -- whose token made this one
    created INTEGER NOT NULL,
    UNIQUE (user_id, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX application_credentials_by_project ON application_credentials (project_id);
CREATE INDEX application_credentials_by_parent ON application_credentials (parent_id);

CREATE TABLE application_credential_roles (
    credential_id TEXT NOT NULL REFERENCES application_credentials ON DELETE CASCADE,
    role_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
    PRIMARY KEY (credential_id, role_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX application_credential_roles_by_role ON application_credential_roles (role_id);

CREATE TABLE application_credential_rules (
    credential_id TEXT NOT NULL REFERENCES application_credentials ON DELETE CASCADE,
    rule_id TEXT NOT NULL REFERENCES access_rules ON DELETE CASCADE,
    PRIMARY KEY (credential_id, rule_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX application_credential_rules_by_rule ON application_credential_rules (rule_id);

CREATE TABLE trusts (
    id TEXT PRIMARY KEY,
    trustor_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    trustee_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    project_id TEXT REFERENCES projects ON DELETE CASCADE,
    impersonation INTEGER NOT NULL,
    expires INTEGER,
    remaining_uses INTEGER CHECK (remaining_uses >= 0),  -- null: any number
    redelegation_count INTEGER NOT NULL, -- how many times it may be passed on
    parent_id TEXT REFERENCES trusts ON DELETE CASCADE,  -- the trust that was passed on
    credential_id TEXT REFERENCES application_credentials ON DELETE CASCADE, -- whose token made it
    extra TEXT NOT NULL DEFAULT '{}',
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX trusts_by_trustor ON trusts (trustor_id);
CREATE INDEX trusts_by_trustee ON trusts (trustee_id);
CREATE INDEX trusts_by_project ON trusts (project_id);
CREATE INDEX trusts_by_parent ON trusts (parent_id);
CREATE INDEX trusts_by_credential ON trusts (credential_id);

CREATE TABLE trust_roles (
    trust_id TEXT NOT NULL REFERENCES trusts ON DELETE CASCADE,
    role_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
    PRIMARY KEY (trust_id, role_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX trust_roles_by_role ON trust_roles (role_id);

CREATE TABLE credentials (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    project_id TEXT REFERENCES projects ON DELETE CASCADE,
    type TEXT NOT NULL,
    blob TEXT NOT NULL,                  -- sealed
    key_name TEXT NOT NULL,              -- of the key that sealed it
    access TEXT UNIQUE,                  -- the access key of type ec2
    application_credential_id TEXT REFERENCES application_credentials ON DELETE CASCADE, -- whose token made it
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX credentials_by_user ON credentials (user_id, type);
CREATE INDEX credentials_by_project ON credentials (project_id);
CREATE INDEX credentials_by_application_credential ON credentials (application_credential_id);

-- How a user's logins went. The row with the empty id counts for users that there are not, so that both take as long.
CREATE TABLE user_logins (
    user_id TEXT PRIMARY KEY,
    failures INTEGER NOT NULL DEFAULT 0,
    last_failure INTEGER,
    last_active INTEGER,
    password_changed INTEGER
) STRICT, WITHOUT ROWID;
CREATE TRIGGER user_logins_go_with_the_user AFTER DELETE ON users BEGIN
    DELETE FROM user_logins WHERE user_id = old.id;
END;

CREATE TABLE password_history (
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    replaced INTEGER NOT NULL,
    password TEXT NOT NULL,
    PRIMARY KEY (user_id, replaced)
) STRICT, WITHOUT ROWID;

-- The last time step of which each user has shown a passcode: none is good twice.
CREATE TABLE totp_steps (
    user_id TEXT PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    step INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE revocation_events (
    id INTEGER PRIMARY KEY,
    audit_id TEXT,
    user_id TEXT,
    project_id TEXT,
    domain_id TEXT,
    role_id TEXT,
    trust_id TEXT,
    issued_before INTEGER NOT NULL,
    revoked INTEGER NOT NULL
) STRICT;
CREATE INDEX revocation_events_by_time ON revocation_events (revoked);
