-- The store of a sandbox with one thing of each kind, as the first released schema had it (platform 1, identity 3, image 3, block 2, network 1,
-- compute 1). Never edited: the next released schema gets a file of its own.
BEGIN TRANSACTION;
CREATE TABLE access_rules (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    service TEXT NOT NULL,
    method TEXT NOT NULL,
    path TEXT NOT NULL,
    UNIQUE (user_id, service, method, path)
) STRICT, WITHOUT ROWID;
CREATE TABLE application_credential_roles (
    credential_id TEXT NOT NULL REFERENCES application_credentials ON DELETE CASCADE,
    role_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
    PRIMARY KEY (credential_id, role_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE application_credential_rules (
    credential_id TEXT NOT NULL REFERENCES application_credentials ON DELETE CASCADE,
    rule_id TEXT NOT NULL REFERENCES access_rules ON DELETE CASCADE,
    PRIMARY KEY (credential_id, rule_id)
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
CREATE TABLE assignments (
    actor_id TEXT NOT NULL,              -- a user's or a group's
    scope TEXT NOT NULL CHECK (scope IN ('project', 'domain', 'system')),
    target_id TEXT NOT NULL,             -- project or domain; 'all' for the system
    role_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
    inherited INTEGER NOT NULL,          -- 1: not on the target itself, but on every project below it
    actor TEXT NOT NULL CHECK (actor IN ('user', 'group')), -- behind the key: SQLite 3.40's integrity check misreads rows that have it before
    PRIMARY KEY (actor_id, scope, target_id, role_id, inherited)
) STRICT, WITHOUT ROWID;
INSERT INTO "assignments" VALUES('7c863f70497a4ee8b3e5033219f7b45e','project','67b494d4836d4ac68635d7b1e89ac5c4','f9129ab0b94c4107b75d83cf579d5226',0,'user');
INSERT INTO "assignments" VALUES('7c863f70497a4ee8b3e5033219f7b45e','system','all','f9129ab0b94c4107b75d83cf579d5226',0,'user');
CREATE TABLE compute_attachments (
    id TEXT PRIMARY KEY,
    server TEXT NOT NULL,
    volume TEXT NOT NULL,
    root INTEGER NOT NULL DEFAULT 0,
    tag TEXT
) WITHOUT ROWID;
INSERT INTO "compute_attachments" VALUES('98399466-ec92-4da3-9b81-ccd020acd3be','c9610ee8-1140-4107-b349-01b65c45b68f','2f68daa0-af21-4c1c-ae1d-5fbf89f4a200',0,NULL);
CREATE TABLE compute_flavor_access (
    flavor TEXT NOT NULL REFERENCES compute_flavors (id) ON DELETE CASCADE,
    project TEXT NOT NULL,
    PRIMARY KEY (flavor, project)
) WITHOUT ROWID;
CREATE TABLE compute_flavor_specs (
    flavor TEXT NOT NULL REFERENCES compute_flavors (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (flavor, name)
) WITHOUT ROWID;
CREATE TABLE compute_flavors (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    vcpus INTEGER NOT NULL,
    ram INTEGER NOT NULL,           -- MiB
    disk INTEGER NOT NULL,          -- GiB; 0: as large as the image
    ephemeral INTEGER NOT NULL DEFAULT 0,
    swap INTEGER NOT NULL DEFAULT 0,
    rxtx_factor REAL NOT NULL DEFAULT 1.0,
    is_public INTEGER NOT NULL DEFAULT 1,
    description TEXT,
    created INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "compute_flavors" VALUES('1','m1.tiny',1,512,1,0,0,1.0,1,NULL,1795864785220554);
INSERT INTO "compute_flavors" VALUES('2','m1.small',1,2048,20,0,0,1.0,1,NULL,1795864785220576);
INSERT INTO "compute_flavors" VALUES('3','m1.medium',2,4096,40,0,0,1.0,1,NULL,1795864785220578);
INSERT INTO "compute_flavors" VALUES('4','m1.large',4,8192,80,0,0,1.0,1,NULL,1795864785220580);
INSERT INTO "compute_flavors" VALUES('5','m1.xlarge',8,16384,160,0,0,1.0,1,NULL,1795864785220582);
CREATE TABLE compute_hosts (
    name TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE,
    hypervisor_id TEXT NOT NULL UNIQUE,
    service_id TEXT NOT NULL UNIQUE,
    boot TEXT NOT NULL,             -- which start of the machine its guests were last seen in
    created INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "compute_hosts" VALUES('sandbox',1,'e0cf9e05-45f1-4272-9133-1070d7f7e1bc','ab58b61b-c7e9-40ea-ac21-86a18376f3ab','cab11b66-6f92-488a-9b84-b3c86b4bcf3e',1795864785223902);
CREATE TABLE compute_keypairs (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    type TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    public_key TEXT NOT NULL,
    created INTEGER NOT NULL,
    UNIQUE (user, name)
);
CREATE TABLE compute_server_actions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    server TEXT NOT NULL,
    action TEXT NOT NULL,
    event TEXT NOT NULL,
    request TEXT NOT NULL,
    user TEXT NOT NULL,
    project TEXT NOT NULL,
    host TEXT NOT NULL,
    started INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    finished INTEGER,
    result TEXT,                    -- Success, Error
    message TEXT,
    details TEXT
);
INSERT INTO "compute_server_actions" VALUES(1,'c9610ee8-1140-4107-b349-01b65c45b68f','create','compute__do_build_and_run_instance','req-81aeb593-576d-4df8-acda-ec70c37ecf6c','7c863f70497a4ee8b3e5033219f7b45e','67b494d4836d4ac68635d7b1e89ac5c4','sandbox',1795864787381825,1795864787388183,1795864787388183,'Success',NULL,NULL);
INSERT INTO "compute_server_actions" VALUES(2,'c9610ee8-1140-4107-b349-01b65c45b68f','attach_volume','compute_attach_volume','req-97044f79-271f-4059-9778-88ddd3ecea06','7c863f70497a4ee8b3e5033219f7b45e','67b494d4836d4ac68635d7b1e89ac5c4','sandbox',1795864788884370,1795864788887103,1795864788887103,'Success',NULL,NULL);
CREATE TABLE compute_server_metadata (
    server TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (server, name)
) WITHOUT ROWID;
INSERT INTO "compute_server_metadata" VALUES('c9610ee8-1140-4107-b349-01b65c45b68f','a','b');
CREATE TABLE compute_server_tags (
    server TEXT NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (server, tag)
) WITHOUT ROWID;
CREATE TABLE compute_servers (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL,
    user TEXT NOT NULL,
    name TEXT NOT NULL,
    hostname TEXT NOT NULL,
    description TEXT,
    host TEXT NOT NULL,
    vm_state TEXT NOT NULL,
    task_state TEXT,
    power_state INTEGER NOT NULL DEFAULT 0,
    image TEXT NOT NULL,            -- empty where it boots from a volume
    base TEXT NOT NULL,             -- file name of the image's base copy
    flavor TEXT NOT NULL,           -- as it was when the server was made: later changes of the flavor don't touch it
    flavor_name TEXT NOT NULL,
    vcpus INTEGER NOT NULL,
    ram INTEGER NOT NULL,
    disk INTEGER NOT NULL,
    ephemeral INTEGER NOT NULL,
    swap INTEGER NOT NULL,
    extra_specs TEXT NOT NULL,      -- JSON object
    key_name TEXT,
    key_type TEXT NOT NULL DEFAULT '',
    public_key TEXT NOT NULL DEFAULT '',
    user_data TEXT,                 -- base64, as it came
    access_v4 TEXT NOT NULL DEFAULT '',
    access_v6 TEXT NOT NULL DEFAULT '',
    zone TEXT NOT NULL,
    disk_config TEXT NOT NULL,
    reservation TEXT NOT NULL,
    launch_index INTEGER NOT NULL,
    locked_by TEXT NOT NULL DEFAULT '', -- owner, admin
    locked_reason TEXT,
    fault TEXT,                     -- for the owner to read
    fault_details TEXT,             -- for an administrator
    fault_time INTEGER,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    launched INTEGER,
    terminated INTEGER,
    deleted INTEGER
);
INSERT INTO "compute_servers" VALUES(1,'c9610ee8-1140-4107-b349-01b65c45b68f','67b494d4836d4ac68635d7b1e89ac5c4','7c863f70497a4ee8b3e5033219f7b45e','one','one',NULL,'sandbox','active',NULL,1,'27807de2-e0be-4f00-8274-8ad1db6b41d5','27807de2-e0be-4f00-8274-8ad1db6b41d5-7265f4d211b56873a381d321f586e4a9','1','m1.tiny',1,512,1,0,0,'{}',NULL,'','',NULL,'','','nova','MANUAL','r-3397c7a2',0,'',NULL,NULL,NULL,NULL,1795864787381314,1795864787388228,1795864787388150,NULL,NULL);
CREATE TABLE consumers (
    id TEXT PRIMARY KEY,
    description TEXT,
    secret TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;
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
CREATE TABLE directories (
    domain_id TEXT PRIMARY KEY REFERENCES projects ON DELETE CASCADE,
    active INTEGER NOT NULL              -- 0: no longer configured; what is known of its entries is kept for when it comes back
) STRICT, WITHOUT ROWID;
CREATE TABLE directory_entries (
    id TEXT PRIMARY KEY,                 -- of the user or group
    kind TEXT NOT NULL CHECK (kind IN ('user', 'group')),
    domain_id TEXT NOT NULL REFERENCES directories ON DELETE CASCADE,
    local_id TEXT NOT NULL,              -- what the directory calls it
    dn TEXT NOT NULL,
    UNIQUE (domain_id, kind, local_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE domain_configs (
    domain_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE,
    group_name TEXT NOT NULL,
    option_name TEXT NOT NULL,
    value TEXT NOT NULL,                 -- JSON
    PRIMARY KEY (domain_id, group_name, option_name)
) STRICT, WITHOUT ROWID;
CREATE TABLE endpoint_groups (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT,
    service_id TEXT,                     -- what an endpoint must have to be in the group; null: anything
    region_id TEXT,
    interface TEXT,
    filters TEXT NOT NULL                -- JSON: the same as the API shows it
) STRICT, WITHOUT ROWID;
CREATE TABLE endpoints (
    id TEXT PRIMARY KEY,
    service_id TEXT NOT NULL REFERENCES services ON DELETE CASCADE,
    region_id TEXT REFERENCES regions,
    interface TEXT NOT NULL CHECK (interface IN ('public', 'internal', 'admin')),
    url TEXT NOT NULL,
    enabled INTEGER NOT NULL,
    own_path TEXT,                       -- of an endpoint of our own: what follows the address we listen on
    extra TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;
INSERT INTO "endpoints" VALUES('00c7a3f8f60047b8a8ae59b43f7ce179','062c4975d3d94016bd176cbd520672e5','RegionOne','public','http://127.0.0.1:18990/network',1,'/network','{}');
INSERT INTO "endpoints" VALUES('01417277496f4cbda73e14e2a306e82d','de5ce102417143ce9599f449d969fe2c','RegionOne','admin','http://127.0.0.1:18990/image',1,'/image','{}');
INSERT INTO "endpoints" VALUES('0afbe6fbd3d7489a85db7ed5d65a7069','062c4975d3d94016bd176cbd520672e5','RegionOne','admin','http://127.0.0.1:18990/network',1,'/network','{}');
INSERT INTO "endpoints" VALUES('1815e18e501c4fc884022fdf66254ff4','062c4975d3d94016bd176cbd520672e5','RegionOne','internal','http://127.0.0.1:18990/network',1,'/network','{}');
INSERT INTO "endpoints" VALUES('19dc988733db4608abfc8c6544cc743d','522e0f1b383d43999eefea120b027871','RegionOne','internal','http://127.0.0.1:18990/volume/v3/$(project_id)s',1,'/volume/v3/$(project_id)s','{}');
INSERT INTO "endpoints" VALUES('294601c24a2a4ea39bd1ae7ae8be95be','de5ce102417143ce9599f449d969fe2c','RegionOne','internal','http://127.0.0.1:18990/image',1,'/image','{}');
INSERT INTO "endpoints" VALUES('2be1a13194644eef81c404f1f58368ef','de5ce102417143ce9599f449d969fe2c','RegionOne','public','http://127.0.0.1:18990/image',1,'/image','{}');
INSERT INTO "endpoints" VALUES('38dd5325d79b4541845dc4bb037b82f3','e3dce26a480647cfaa5e632684f9385a','RegionOne','internal','http://127.0.0.1:18990/volume/v3/$(project_id)s',1,'/volume/v3/$(project_id)s','{}');
INSERT INTO "endpoints" VALUES('4e05194670f9419a8d154446e223cc24','1c1e25020fff4ddaac18b62292c9ccd7','RegionOne','admin','http://127.0.0.1:18990/identity',1,'/identity','{}');
INSERT INTO "endpoints" VALUES('51db4cbe82c04ebb83bc825b745999fd','c4574280017f49a495301383d1645c84','RegionOne','admin','http://127.0.0.1:18990/compute/v2.1',1,'/compute/v2.1','{}');
INSERT INTO "endpoints" VALUES('54147e884c114f2c850fa6beab18721d','522e0f1b383d43999eefea120b027871','RegionOne','public','http://127.0.0.1:18990/volume/v3/$(project_id)s',1,'/volume/v3/$(project_id)s','{}');
INSERT INTO "endpoints" VALUES('5a9b6ffd7ad348ada04897a7d7d9b430','1c1e25020fff4ddaac18b62292c9ccd7','RegionOne','internal','http://127.0.0.1:18990/identity',1,'/identity','{}');
INSERT INTO "endpoints" VALUES('a8b31b500e1c49158b941ff8d23d2d04','e3dce26a480647cfaa5e632684f9385a','RegionOne','public','http://127.0.0.1:18990/volume/v3/$(project_id)s',1,'/volume/v3/$(project_id)s','{}');
INSERT INTO "endpoints" VALUES('b946d27c14144558ba3bd813f324fe50','e3dce26a480647cfaa5e632684f9385a','RegionOne','admin','http://127.0.0.1:18990/volume/v3/$(project_id)s',1,'/volume/v3/$(project_id)s','{}');
INSERT INTO "endpoints" VALUES('cfa03e01e45e4d84a84f654d296cba23','1c1e25020fff4ddaac18b62292c9ccd7','RegionOne','public','http://127.0.0.1:18990/identity',1,'/identity','{}');
INSERT INTO "endpoints" VALUES('d192d7712a0a4459b5d9d12ba448e777','522e0f1b383d43999eefea120b027871','RegionOne','admin','http://127.0.0.1:18990/volume/v3/$(project_id)s',1,'/volume/v3/$(project_id)s','{}');
INSERT INTO "endpoints" VALUES('d1e3bd6a6f534b52b3e349ca39ae7de0','c4574280017f49a495301383d1645c84','RegionOne','public','http://127.0.0.1:18990/compute/v2.1',1,'/compute/v2.1','{}');
INSERT INTO "endpoints" VALUES('e81c3d9c98a24ebca489e05872f782d5','c4574280017f49a495301383d1645c84','RegionOne','internal','http://127.0.0.1:18990/compute/v2.1',1,'/compute/v2.1','{}');
CREATE TABLE fact_cursors (
    subscriber TEXT PRIMARY KEY,
    last INTEGER NOT NULL                -- the last fact that it has had
) STRICT, WITHOUT ROWID;
INSERT INTO "fact_cursors" VALUES('network.forget-project',1);
CREATE TABLE facts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    fields TEXT NOT NULL,                -- JSON list of texts
    announced INTEGER NOT NULL
) STRICT;
INSERT INTO "facts" VALUES(1,'compute.server.planned','["c9610ee8-1140-4107-b349-01b65c45b68f","67b494d4836d4ac68635d7b1e89ac5c4"]',1795864787381887);
CREATE TABLE federated_members (
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    group_id TEXT NOT NULL REFERENCES groups ON DELETE CASCADE,
    provider_id TEXT NOT NULL REFERENCES identity_providers ON DELETE CASCADE,
    expires INTEGER NOT NULL,
    PRIMARY KEY (user_id, group_id, provider_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE federated_users (
    provider_id TEXT NOT NULL,
    protocol_id TEXT NOT NULL,
    unique_id TEXT NOT NULL,             -- what the provider calls the user
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    PRIMARY KEY (provider_id, protocol_id, unique_id),
    FOREIGN KEY (provider_id, protocol_id) REFERENCES federation_protocols (provider_id, id) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE federation_protocols (
    provider_id TEXT NOT NULL REFERENCES identity_providers ON DELETE CASCADE,
    id TEXT NOT NULL,
    mapping_id TEXT NOT NULL REFERENCES mappings,
    remote_id_attribute TEXT,            -- the attribute in which the provider says what it calls itself
    PRIMARY KEY (provider_id, id)
) STRICT, WITHOUT ROWID;
CREATE TABLE fixed_ips (
    port TEXT NOT NULL REFERENCES ports (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    network TEXT NOT NULL,
    subnet TEXT NOT NULL REFERENCES subnets (id),
    address TEXT NOT NULL,
    number TEXT NOT NULL,      -- the address as 32 hexadecimal digits, so that it sorts
    PRIMARY KEY (subnet, number),
    UNIQUE (port, position)
);
INSERT INTO "fixed_ips" VALUES('34fe5f3f-e1d0-428f-849d-49096813cfce',0,'148da667-81ac-409c-a2e5-7e36088f18fd','8f98b219-cedb-4025-8d90-7634ee923e08','10.1.0.2','0000000000000000000000000a010002');
INSERT INTO "fixed_ips" VALUES('40d7e731-8130-49df-bb0f-cbb1df735cb0',0,'148da667-81ac-409c-a2e5-7e36088f18fd','8f98b219-cedb-4025-8d90-7634ee923e08','10.1.0.1','0000000000000000000000000a010001');
INSERT INTO "fixed_ips" VALUES('41f76f79-6c65-45bd-8048-ece859ff9e35',0,'148da667-81ac-409c-a2e5-7e36088f18fd','8f98b219-cedb-4025-8d90-7634ee923e08','10.1.0.3','0000000000000000000000000a010003');
CREATE TABLE floating_ips (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    description TEXT NOT NULL,
    network TEXT NOT NULL,
    own_port TEXT NOT NULL,    -- holds the address on the external network
    address TEXT NOT NULL,
    port TEXT,                 -- where it leads
    fixed TEXT,
    router TEXT,
    status TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    UNIQUE (network, port, fixed)
);
CREATE TABLE group_members (
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    group_id TEXT NOT NULL REFERENCES groups ON DELETE CASCADE,
    PRIMARY KEY (user_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE groups (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    domain_id TEXT NOT NULL REFERENCES projects,
    description TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}',
    created INTEGER NOT NULL,
    UNIQUE (domain_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_provider_remote_ids (
    remote_id TEXT PRIMARY KEY,          -- what the provider calls itself
    provider_id TEXT NOT NULL REFERENCES identity_providers ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE TABLE identity_providers (
    id TEXT PRIMARY KEY,
    domain_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE, -- where its users live
    enabled INTEGER NOT NULL,
    description TEXT,
    authorization_ttl INTEGER            -- minutes that its users stay in their groups after a login; null: as long as the token lives
) STRICT, WITHOUT ROWID;
CREATE TABLE image_cache (
    image_id TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('queued', 'cached')),
    size INTEGER NOT NULL,               -- bytes
    hits INTEGER NOT NULL,
    modified INTEGER NOT NULL,
    accessed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE image_locations (
    image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
    position INTEGER NOT NULL,
    store TEXT NOT NULL,                 -- name of the store; empty for an address elsewhere
    url TEXT NOT NULL,                   -- "file:///…" or "http(s)://…"
    metadata TEXT NOT NULL,              -- a JSON object
    PRIMARY KEY (image_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO "image_locations" VALUES('27807de2-e0be-4f00-8274-8ad1db6b41d5',0,'file','','{}');
CREATE TABLE image_members (
    image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
    member TEXT NOT NULL,                -- a project
    status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'rejected')),
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    PRIMARY KEY (image_id, member)
) STRICT, WITHOUT ROWID;
CREATE TABLE image_properties (
    image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (image_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE image_tags (
    image_id TEXT NOT NULL REFERENCES images ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (image_id, tag)
) STRICT, WITHOUT ROWID;
CREATE TABLE image_tasks (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,                  -- "api_image_import", "import"
    status TEXT NOT NULL CHECK (status IN ('pending', 'processing', 'success', 'failure')),
    owner TEXT NOT NULL,                 -- the project that asked
    user TEXT NOT NULL,
    request TEXT NOT NULL,               -- id of the request that began it
    image_id TEXT NOT NULL,
    input TEXT NOT NULL,                 -- JSON
    result TEXT,                         -- JSON, once it has succeeded
    message TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    expires INTEGER                      -- two days after its end; then it is forgotten
) STRICT, WITHOUT ROWID;
CREATE TABLE images (
    id TEXT PRIMARY KEY,
    name TEXT,
    owner TEXT NOT NULL,                 -- a project; empty where nobody owns it
    status TEXT NOT NULL CHECK (status IN ('queued', 'saving', 'uploading', 'importing', 'active', 'deactivated')),
    visibility TEXT NOT NULL CHECK (visibility IN ('public', 'private', 'shared', 'community')),
    disk_format TEXT,
    container_format TEXT,
    size INTEGER,                        -- bytes of the data; null until there is some
    virtual_size INTEGER,                -- bytes of the disk that the data describes
    checksum TEXT,                       -- md5, hexadecimal
    hash_value TEXT,                     -- sha512, hexadecimal
    min_ram INTEGER NOT NULL,            -- MiB
    min_disk INTEGER NOT NULL,           -- GiB
    protected INTEGER NOT NULL,
    hidden INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
, staged INTEGER, importing_to TEXT, failed_import TEXT) STRICT, WITHOUT ROWID;
INSERT INTO "images" VALUES('27807de2-e0be-4f00-8274-8ad1db6b41d5','tiny','67b494d4836d4ac68635d7b1e89ac5c4','active','shared','raw','bare',1024,1024,'7265f4d211b56873a381d321f586e4a9','fa41ec783342d4c23e7b6550f1e96e32a16269e390449e5fdda60f05611ecb08dd56a5b8cde90024b7da934cdb9a9cc8c8a310eb20e25227699bbf6518e23360',0,0,0,0,1795864787375293,1795864787378845,NULL,NULL,NULL);
CREATE TABLE implied_roles (
    prior_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
    implied_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
    PRIMARY KEY (prior_id, implied_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "implied_roles" VALUES('b9a058f26f5f4bbcb98dab67a3291faf','f3da6a890a434ade8a4f901f9f33969e');
INSERT INTO "implied_roles" VALUES('f4271e7ed45b482ebb4cf4a2673227e3','b9a058f26f5f4bbcb98dab67a3291faf');
INSERT INTO "implied_roles" VALUES('f9129ab0b94c4107b75d83cf579d5226','f4271e7ed45b482ebb4cf4a2673227e3');
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'undoing')),
    step INTEGER NOT NULL DEFAULT 0,     -- the step that is begun, or next
    attempt INTEGER NOT NULL DEFAULT 0,
    not_before INTEGER NOT NULL,         -- microseconds since 1970, as all times
    created INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    cancelled INTEGER NOT NULL DEFAULT 0,
    error TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE TABLE limits (
    id TEXT PRIMARY KEY,
    registered_id TEXT NOT NULL REFERENCES registered_limits ON DELETE CASCADE,
    target_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE,
    is_domain INTEGER NOT NULL,          -- 1: the target was named as a domain
    resource_limit INTEGER NOT NULL,
    description TEXT,
    UNIQUE (registered_id, target_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE mappings (
    id TEXT PRIMARY KEY,
    rules TEXT NOT NULL                  -- JSON
) STRICT, WITHOUT ROWID;
CREATE TABLE metadef_items (
    id INTEGER PRIMARY KEY,
    namespace INTEGER NOT NULL REFERENCES metadef_namespaces ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('object', 'property', 'tag', 'resource_type')),
    name TEXT NOT NULL,
    body TEXT NOT NULL,                  -- a JSON object: all but the name
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    UNIQUE (namespace, kind, name)
) STRICT;
CREATE TABLE metadef_namespaces (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT,
    description TEXT,
    public INTEGER NOT NULL,
    protected INTEGER NOT NULL,
    owner TEXT NOT NULL,                 -- a project; empty for those that come with the program
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT;
CREATE TABLE metadef_resource_types (
    name TEXT PRIMARY KEY,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE network_tags (
    resource TEXT NOT NULL,
    tag TEXT NOT NULL,
    PRIMARY KEY (resource, tag)
) WITHOUT ROWID;
CREATE TABLE networks (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_up INTEGER NOT NULL,
    shared INTEGER NOT NULL,
    external INTEGER NOT NULL,
    is_default INTEGER NOT NULL,
    mtu INTEGER NOT NULL,
    port_security INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
INSERT INTO "networks" VALUES('f8729c3b-e7c1-4568-bd79-facfa1dadc33','','public','The way outside',1,0,1,1,1500,1,1,1795864785220022,1795864785220022);
INSERT INTO "networks" VALUES('148da667-81ac-409c-a2e5-7e36088f18fd','67b494d4836d4ac68635d7b1e89ac5c4','net','',1,0,0,0,1500,1,2,1795864787365933,1795864787367306);
CREATE TABLE password_history (
    user_id TEXT NOT NULL REFERENCES users ON DELETE CASCADE,
    replaced INTEGER NOT NULL,
    password TEXT NOT NULL,
    PRIMARY KEY (user_id, replaced)
) STRICT, WITHOUT ROWID;
CREATE TABLE policies (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    blob TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;
CREATE TABLE policy_associations (
    policy_id TEXT NOT NULL REFERENCES policies ON DELETE CASCADE,
    endpoint_id TEXT REFERENCES endpoints ON DELETE CASCADE,
    service_id TEXT REFERENCES services ON DELETE CASCADE,
    region_id TEXT REFERENCES regions ON DELETE CASCADE
) STRICT;
CREATE TABLE port_security_groups (
    port TEXT NOT NULL REFERENCES ports (id) ON DELETE CASCADE,
    security_group TEXT NOT NULL REFERENCES security_groups (id),
    PRIMARY KEY (port, security_group)
) WITHOUT ROWID;
INSERT INTO "port_security_groups" VALUES('41f76f79-6c65-45bd-8048-ece859ff9e35','b1162b02-15e1-41df-960e-f5fcf91b7716');
CREATE TABLE ports (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    network TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_up INTEGER NOT NULL,
    mac TEXT NOT NULL,
    device TEXT NOT NULL,
    owner TEXT NOT NULL,
    status TEXT NOT NULL,
    port_security INTEGER NOT NULL,
    vnic_type TEXT NOT NULL,
    profile TEXT NOT NULL,
    host TEXT NOT NULL,
    server TEXT NOT NULL,      -- whose tap it is; empty where no guest uses it
    made_for_server INTEGER NOT NULL,
    hostname TEXT NOT NULL,
    pairs TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL,
    UNIQUE (network, mac)
);
INSERT INTO "ports" VALUES(1,'34fe5f3f-e1d0-428f-849d-49096813cfce','148da667-81ac-409c-a2e5-7e36088f18fd','67b494d4836d4ac68635d7b1e89ac5c4','','',1,'fa:16:3e:fb:6a:e0','dhcp-148da667-81ac-409c-a2e5-7e36088f18fd','network:dhcp','ACTIVE',0,'normal','{}','','',0,'','[]',1,1795864787367389,1795864787367389);
INSERT INTO "ports" VALUES(2,'40d7e731-8130-49df-bb0f-cbb1df735cb0','148da667-81ac-409c-a2e5-7e36088f18fd','67b494d4836d4ac68635d7b1e89ac5c4','','',1,'fa:16:3e:05:a0:fe','58b6468d-5e8f-4a60-8931-916628096962','network:router_interface','ACTIVE',0,'normal','{}','','',0,'','[]',1,1795864787370246,1795864787370246);
INSERT INTO "ports" VALUES(3,'41f76f79-6c65-45bd-8048-ece859ff9e35','148da667-81ac-409c-a2e5-7e36088f18fd','67b494d4836d4ac68635d7b1e89ac5c4','','',1,'fa:16:3e:f9:38:f7','c9610ee8-1140-4107-b349-01b65c45b68f','compute:nova','ACTIVE',1,'normal','{}','host','c9610ee8-1140-4107-b349-01b65c45b68f',1,'one','[]',1,1795864787381423,1795864787381423);
CREATE TABLE project_endpoint_groups (
    project_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE,
    endpoint_group_id TEXT NOT NULL REFERENCES endpoint_groups ON DELETE CASCADE,
    PRIMARY KEY (project_id, endpoint_group_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE project_endpoints (
    project_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE,
    endpoint_id TEXT NOT NULL REFERENCES endpoints ON DELETE CASCADE,
    PRIMARY KEY (project_id, endpoint_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE project_tags (
    project_id TEXT NOT NULL REFERENCES projects ON DELETE CASCADE,
    tag TEXT NOT NULL,
    PRIMARY KEY (project_id, tag)
) STRICT, WITHOUT ROWID;
CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    domain_id TEXT NOT NULL,
    parent_id TEXT,                      -- null for a domain
    is_domain INTEGER NOT NULL,
    enabled INTEGER NOT NULL,
    description TEXT NOT NULL,
    options TEXT NOT NULL DEFAULT '{}',  -- JSON
    extra TEXT NOT NULL DEFAULT '{}',    -- JSON: attributes that are only kept
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO "projects" VALUES('1a895a88af744ca685fee8c01701ce45','service','default','default',0,1,'Service accounts','{}','{}',1795864785212588);
INSERT INTO "projects" VALUES('67b494d4836d4ac68635d7b1e89ac5c4','admin','default','default',0,1,'Bootstrap project for initializing the cloud.','{}','{}',1795864785212588);
INSERT INTO "projects" VALUES('default','Default','default',NULL,1,1,'The default domain','{}','{}',1795864785212588);
CREATE TABLE quotas (
    service TEXT NOT NULL,
    owner TEXT NOT NULL,
    resource TEXT NOT NULL,
    hard_limit INTEGER NOT NULL,
    PRIMARY KEY (service, owner, resource)
) STRICT, WITHOUT ROWID;
CREATE TABLE regions (
    id TEXT PRIMARY KEY,
    parent_id TEXT REFERENCES regions,
    description TEXT NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;
INSERT INTO "regions" VALUES('RegionOne',NULL,'','{}');
CREATE TABLE registered_limits (
    id TEXT PRIMARY KEY,
    service_id TEXT NOT NULL REFERENCES services ON DELETE CASCADE,
    region_id TEXT REFERENCES regions ON DELETE CASCADE,
    resource_name TEXT NOT NULL,
    default_limit INTEGER NOT NULL,
    description TEXT
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
CREATE TABLE revoked_tokens (
    audit_id TEXT PRIMARY KEY,
    until INTEGER NOT NULL               -- the token's own end: no need to remember it longer
) STRICT, WITHOUT ROWID;
CREATE TABLE roles (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    domain_id TEXT NOT NULL DEFAULT '',  -- empty for a global role
    description TEXT,
    options TEXT NOT NULL DEFAULT '{}',
    extra TEXT NOT NULL DEFAULT '{}',
    UNIQUE (domain_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "roles" VALUES('7de790a810884c9781849cac44e2f2fb','service','',NULL,'{}','{}');
INSERT INTO "roles" VALUES('b9a058f26f5f4bbcb98dab67a3291faf','member','',NULL,'{}','{}');
INSERT INTO "roles" VALUES('f3da6a890a434ade8a4f901f9f33969e','reader','',NULL,'{}','{}');
INSERT INTO "roles" VALUES('f4271e7ed45b482ebb4cf4a2673227e3','manager','',NULL,'{}','{}');
INSERT INTO "roles" VALUES('f9129ab0b94c4107b75d83cf579d5226','admin','',NULL,'{}','{}');
CREATE TABLE routers (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    admin_up INTEGER NOT NULL,
    snat INTEGER NOT NULL,
    gateway_port TEXT,         -- on an external network
    routes TEXT NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
INSERT INTO "routers" VALUES('58b6468d-5e8f-4a60-8931-916628096962','67b494d4836d4ac68635d7b1e89ac5c4','r','',1,1,NULL,'[]',2,1795864787368807,1795864787370313);
CREATE TABLE IF NOT EXISTS schema_versions (module TEXT PRIMARY KEY, number INTEGER NOT NULL) STRICT;
INSERT INTO "schema_versions" VALUES('platform',1);
INSERT INTO "schema_versions" VALUES('identity',3);
INSERT INTO "schema_versions" VALUES('image',3);
INSERT INTO "schema_versions" VALUES('block',2);
INSERT INTO "schema_versions" VALUES('network',1);
INSERT INTO "schema_versions" VALUES('compute',1);
CREATE TABLE security_group_rules (
    id TEXT PRIMARY KEY,
    security_group TEXT NOT NULL REFERENCES security_groups (id) ON DELETE CASCADE,
    project TEXT NOT NULL,
    description TEXT NOT NULL,
    direction TEXT NOT NULL,
    ethertype TEXT NOT NULL,
    protocol TEXT,
    port_min INTEGER,
    port_max INTEGER,
    prefix TEXT,
    remote_group TEXT REFERENCES security_groups (id) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
INSERT INTO "security_group_rules" VALUES('1b91866d-4cc0-4dcb-9a42-bff08446d862','b1162b02-15e1-41df-960e-f5fcf91b7716','67b494d4836d4ac68635d7b1e89ac5c4','','egress','IPv4',NULL,NULL,NULL,NULL,NULL,1,1795864787381467,1795864787381468);
INSERT INTO "security_group_rules" VALUES('05385c8a-28da-4a87-8c78-b944980c15f7','b1162b02-15e1-41df-960e-f5fcf91b7716','67b494d4836d4ac68635d7b1e89ac5c4','','egress','IPv6',NULL,NULL,NULL,NULL,NULL,1,1795864787381582,1795864787381582);
INSERT INTO "security_group_rules" VALUES('fe009586-7667-44e4-8c61-01185318a43b','b1162b02-15e1-41df-960e-f5fcf91b7716','67b494d4836d4ac68635d7b1e89ac5c4','','ingress','IPv4',NULL,NULL,NULL,NULL,'b1162b02-15e1-41df-960e-f5fcf91b7716',1,1795864787381588,1795864787381588);
INSERT INTO "security_group_rules" VALUES('c14dba32-1dc0-45f5-9a96-26e30c5e1e8b','b1162b02-15e1-41df-960e-f5fcf91b7716','67b494d4836d4ac68635d7b1e89ac5c4','','ingress','IPv6',NULL,NULL,NULL,NULL,'b1162b02-15e1-41df-960e-f5fcf91b7716',1,1795864787381593,1795864787381593);
CREATE TABLE security_groups (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    stateful INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
INSERT INTO "security_groups" VALUES('b1162b02-15e1-41df-960e-f5fcf91b7716','67b494d4836d4ac68635d7b1e89ac5c4','default','Default security group',1,1,1795864787381446,1795864787381446);
CREATE TABLE services (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    name TEXT,
    description TEXT,
    enabled INTEGER NOT NULL,
    extra TEXT NOT NULL DEFAULT '{}'
) STRICT, WITHOUT ROWID;
INSERT INTO "services" VALUES('062c4975d3d94016bd176cbd520672e5','network','neutron','',1,'{}');
INSERT INTO "services" VALUES('1c1e25020fff4ddaac18b62292c9ccd7','identity','keystone','',1,'{}');
INSERT INTO "services" VALUES('522e0f1b383d43999eefea120b027871','volumev3','cinderv3','',1,'{}');
INSERT INTO "services" VALUES('c4574280017f49a495301383d1645c84','compute','nova','',1,'{}');
INSERT INTO "services" VALUES('de5ce102417143ce9599f449d969fe2c','image','glance','',1,'{}');
INSERT INTO "services" VALUES('e3dce26a480647cfaa5e632684f9385a','block-storage','cinder','',1,'{}');
CREATE TABLE subnet_pools (
    id TEXT PRIMARY KEY,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    ip_version INTEGER NOT NULL,
    prefixes TEXT NOT NULL,
    default_prefixlen INTEGER NOT NULL,
    min_prefixlen INTEGER NOT NULL,
    max_prefixlen INTEGER NOT NULL,
    default_quota INTEGER,
    shared INTEGER NOT NULL,
    is_default INTEGER NOT NULL,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
CREATE TABLE subnets (
    id TEXT PRIMARY KEY,
    network TEXT NOT NULL REFERENCES networks (id) ON DELETE CASCADE,
    project TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    ip_version INTEGER NOT NULL,
    cidr TEXT NOT NULL,
    gateway TEXT,
    dhcp INTEGER NOT NULL,
    ra_mode TEXT,
    address_mode TEXT,
    pools TEXT NOT NULL,
    dns TEXT NOT NULL,
    routes TEXT NOT NULL,
    service_types TEXT NOT NULL,
    subnet_pool TEXT,
    revision INTEGER NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL
);
INSERT INTO "subnets" VALUES('83db6d80-4406-445b-af97-5ba0a5ff2877','f8729c3b-e7c1-4568-bd79-facfa1dadc33','','public-subnet','',4,'172.24.4.0/24','172.24.4.1',0,NULL,NULL,'[["172.24.4.2","172.24.4.254"]]','[]','[]','[]',NULL,1,1795864785220047,1795864785220047);
INSERT INTO "subnets" VALUES('8f98b219-cedb-4025-8d90-7634ee923e08','148da667-81ac-409c-a2e5-7e36088f18fd','67b494d4836d4ac68635d7b1e89ac5c4','','',4,'10.1.0.0/24','10.1.0.1',1,NULL,NULL,'[["10.1.0.2","10.1.0.254"]]','[]','[]','[]',NULL,1,1795864787367231,1795864787367231);
CREATE TABLE totp_steps (
    user_id TEXT PRIMARY KEY REFERENCES users ON DELETE CASCADE,
    step INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE trust_roles (
    trust_id TEXT NOT NULL REFERENCES trusts ON DELETE CASCADE,
    role_id TEXT NOT NULL REFERENCES roles ON DELETE CASCADE,
    PRIMARY KEY (trust_id, role_id)
) STRICT, WITHOUT ROWID;
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
CREATE TABLE user_logins (
    user_id TEXT PRIMARY KEY,
    failures INTEGER NOT NULL DEFAULT 0,
    last_failure INTEGER,
    last_active INTEGER,
    password_changed INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO "user_logins" VALUES('00e1372b4c704dcdb8998b1a36ec4b87',0,NULL,1795864788888491,1795864788888505);
CREATE TABLE users (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    domain_id TEXT NOT NULL REFERENCES projects,
    enabled INTEGER NOT NULL,
    default_project_id TEXT,
    password TEXT NOT NULL,              -- bcrypt, empty where there is none
    password_expires INTEGER,
    tokens_valid_after INTEGER NOT NULL, -- tokens issued before are revoked
    options TEXT NOT NULL DEFAULT '{}',
    extra TEXT NOT NULL DEFAULT '{}',
    created INTEGER NOT NULL,
    UNIQUE (domain_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "users" VALUES('00e1372b4c704dcdb8998b1a36ec4b87','Bob','default',1,NULL,'$2b$04$FaorbMEXuYIQmhvUu4eMmeMTgqo6TXjSr5znyxAFkHKIin4UiMmY2',NULL,1795864788888505,'{}','{}',1795864788888454);
INSERT INTO "users" VALUES('7c863f70497a4ee8b3e5033219f7b45e','admin','default',1,NULL,'$2b$04$Yd/4fwgXJWnLCEUnpDPw8.Zme7k74m1Ie7KkoGGybzcIXPVlNuuOm',NULL,1795864785212588,'{}','{}',1795864785212588);
CREATE TABLE volume_attachments (
    id TEXT PRIMARY KEY,
    volume_id TEXT NOT NULL REFERENCES volumes, -- a volume that is attached can't go
    server_id TEXT NOT NULL,             -- empty where a host has it
    host_name TEXT,
    device TEXT,
    mode TEXT NOT NULL CHECK (mode IN ('rw', 'ro')),
    status TEXT NOT NULL CHECK (status IN ('reserved', 'attaching', 'attached', 'detaching')),
    by_compute INTEGER NOT NULL,         -- a guest of ours has it: only compute may let it go
    created INTEGER NOT NULL,
    attached INTEGER
) STRICT, WITHOUT ROWID;
INSERT INTO "volume_attachments" VALUES('98399466-ec92-4da3-9b81-ccd020acd3be','2f68daa0-af21-4c1c-ae1d-5fbf89f4a200','c9610ee8-1140-4107-b349-01b65c45b68f','host','/dev/vdb','rw','attached',1,1795864788884278,1795864788887060);
CREATE TABLE volume_image_metadata (
    volume_id TEXT NOT NULL REFERENCES volumes ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (volume_id, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE volume_metadata (
    volume_id TEXT NOT NULL REFERENCES volumes ON DELETE CASCADE,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (volume_id, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "volume_metadata" VALUES('2f68daa0-af21-4c1c-ae1d-5fbf89f4a200','k','v');
CREATE TABLE volume_types (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO "volume_types" VALUES('8f2d4b0e-61c3-4f0a-9d57-3f5c1a7be204','__DEFAULT__','Default volume type');
CREATE TABLE volumes (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT,
    description TEXT,
    status TEXT NOT NULL,
    size INTEGER NOT NULL,               -- GiB
    new_size INTEGER,                    -- GiB, while it is being extended
    bootable INTEGER NOT NULL,
    image_id TEXT,                       -- the image it is filled from
    type_id TEXT NOT NULL REFERENCES volume_types,
    created INTEGER NOT NULL,
    updated INTEGER
, readonly INTEGER) STRICT, WITHOUT ROWID;
INSERT INTO "volumes" VALUES('2f68daa0-af21-4c1c-ae1d-5fbf89f4a200','67b494d4836d4ac68635d7b1e89ac5c4','7c863f70497a4ee8b3e5033219f7b45e','data',NULL,'in-use',1,NULL,0,NULL,'8f2d4b0e-61c3-4f0a-9d57-3f5c1a7be204',1795864787379874,1795864788887093,NULL);
CREATE INDEX jobs_by_subject ON jobs (subject, id);
CREATE UNIQUE INDEX domains_by_name ON projects (name) WHERE is_domain = 1;
CREATE UNIQUE INDEX projects_by_name ON projects (domain_id, name) WHERE is_domain = 0;
CREATE INDEX projects_by_parent ON projects (parent_id);
CREATE INDEX members_by_group ON group_members (group_id);
CREATE INDEX assignments_by_target ON assignments (target_id);
CREATE INDEX assignments_by_role ON assignments (role_id);
CREATE INDEX projects_by_endpoint ON project_endpoints (endpoint_id);
CREATE INDEX projects_by_endpoint_group ON project_endpoint_groups (endpoint_group_id);
CREATE UNIQUE INDEX policy_associations_once ON policy_associations (coalesce(endpoint_id, ''), coalesce(service_id, ''), coalesce(region_id, ''));
CREATE INDEX policy_associations_by_policy ON policy_associations (policy_id);
CREATE UNIQUE INDEX registered_limits_once ON registered_limits (service_id, coalesce(region_id, ''), resource_name);
CREATE INDEX limits_by_target ON limits (target_id);
CREATE INDEX application_credentials_by_project ON application_credentials (project_id);
CREATE INDEX application_credentials_by_parent ON application_credentials (parent_id);
CREATE INDEX application_credential_roles_by_role ON application_credential_roles (role_id);
CREATE INDEX application_credential_rules_by_rule ON application_credential_rules (rule_id);
CREATE INDEX trusts_by_trustor ON trusts (trustor_id);
CREATE INDEX trusts_by_trustee ON trusts (trustee_id);
CREATE INDEX trusts_by_project ON trusts (project_id);
CREATE INDEX trusts_by_parent ON trusts (parent_id);
CREATE INDEX trusts_by_credential ON trusts (credential_id);
CREATE INDEX trust_roles_by_role ON trust_roles (role_id);
CREATE INDEX credentials_by_user ON credentials (user_id, type);
CREATE INDEX credentials_by_project ON credentials (project_id);
CREATE INDEX credentials_by_application_credential ON credentials (application_credential_id);
CREATE INDEX revocation_events_by_time ON revocation_events (revoked);
CREATE INDEX identity_providers_by_domain ON identity_providers (domain_id);
CREATE INDEX remote_ids_by_provider ON identity_provider_remote_ids (provider_id);
CREATE INDEX federation_protocols_by_mapping ON federation_protocols (mapping_id);
CREATE INDEX federated_users_by_user ON federated_users (user_id);
CREATE INDEX federated_members_by_group ON federated_members (group_id);
CREATE INDEX federated_members_by_provider ON federated_members (provider_id);
CREATE INDEX images_by_owner ON images (owner, size);
CREATE INDEX images_by_creation ON images (created, id);
CREATE INDEX image_members_by_member ON image_members (member, status);
CREATE INDEX images_by_project_state ON images (owner, status, staged);
CREATE UNIQUE INDEX image_locations_once ON image_locations (image_id, store) WHERE store != '';
CREATE INDEX image_tasks_by_image ON image_tasks (image_id, created);
CREATE INDEX image_tasks_by_creation ON image_tasks (created, id);
CREATE INDEX metadef_items_by_name ON metadef_items (kind, name);
CREATE INDEX volumes_by_project ON volumes (project_id, created);
CREATE INDEX volumes_by_creation ON volumes (created, id);
CREATE INDEX volume_attachments_by_volume ON volume_attachments (volume_id);
CREATE INDEX volume_attachments_by_server ON volume_attachments (server_id);
CREATE INDEX networks_of_project ON networks (project);
CREATE INDEX subnets_of_network ON subnets (network);
CREATE INDEX subnets_of_project ON subnets (project);
CREATE INDEX ports_of_project ON ports (project);
CREATE INDEX ports_of_device ON ports (device);
CREATE INDEX ports_of_server ON ports (server) WHERE server <> '';
CREATE INDEX fixed_ips_of_network ON fixed_ips (network, address);
CREATE INDEX security_groups_of_project ON security_groups (project);
CREATE UNIQUE INDEX default_security_group ON security_groups (project) WHERE name = 'default';
CREATE INDEX security_group_rules_of_group ON security_group_rules (security_group);
CREATE INDEX security_group_rules_of_remote ON security_group_rules (remote_group);
CREATE INDEX security_group_rules_of_project ON security_group_rules (project);
CREATE INDEX ports_of_security_group ON port_security_groups (security_group);
CREATE INDEX routers_of_project ON routers (project);
CREATE INDEX floating_ips_of_project ON floating_ips (project);
CREATE INDEX floating_ips_of_port ON floating_ips (port);
CREATE INDEX floating_ips_of_router ON floating_ips (router);
CREATE INDEX compute_servers_of_project ON compute_servers (project, deleted, created, id);
CREATE INDEX compute_servers_living ON compute_servers (deleted, created, id);
CREATE INDEX compute_servers_used ON compute_servers (project, deleted, vcpus, ram);
CREATE INDEX compute_servers_on_base ON compute_servers (base, deleted);
CREATE INDEX compute_attachments_of_server ON compute_attachments (server);
CREATE INDEX compute_server_actions_of_server ON compute_server_actions (server, started);
CREATE TRIGGER assignments_of_user_go AFTER DELETE ON users BEGIN DELETE FROM assignments WHERE actor_id = OLD.id; END;
CREATE TRIGGER assignments_of_group_go AFTER DELETE ON groups BEGIN DELETE FROM assignments WHERE actor_id = OLD.id; END;
CREATE TRIGGER assignments_on_project_go AFTER DELETE ON projects BEGIN DELETE FROM assignments WHERE target_id = OLD.id; END;
CREATE VIEW limit_rows AS
    SELECT limits.id AS id, service_id, region_id, resource_name, resource_limit, limits.description AS description,
           CASE is_domain WHEN 0 THEN target_id END AS project_id, CASE is_domain WHEN 1 THEN target_id END AS domain_id, registered_id
    FROM limits JOIN registered_limits ON registered_limits.id = registered_id;
CREATE TRIGGER directory_user_goes AFTER DELETE ON users BEGIN DELETE FROM directory_entries WHERE id = OLD.id; END;
CREATE TRIGGER directory_group_goes AFTER DELETE ON groups BEGIN DELETE FROM directory_entries WHERE id = OLD.id; END;
CREATE TRIGGER user_logins_go_with_the_user AFTER DELETE ON users BEGIN
    DELETE FROM user_logins WHERE user_id = old.id;
END;
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('jobs',8);
INSERT INTO "sqlite_sequence" VALUES('ports',3);
INSERT INTO "sqlite_sequence" VALUES('compute_servers',1);
INSERT INTO "sqlite_sequence" VALUES('compute_server_actions',2);
INSERT INTO "sqlite_sequence" VALUES('facts',1);
COMMIT;
