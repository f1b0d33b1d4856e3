-- What is needed to seal, kept sealed itself.
CREATE TABLE system_secrets (
    name TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Counters that tell readers to read anew.
CREATE TABLE versions (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO versions (name, value) VALUES ('clients', 1), ('signing_keys', 1);

CREATE TABLE accounts (
    id BLOB NOT NULL PRIMARY KEY,
    stage TEXT NOT NULL,
    status TEXT NOT NULL,
    locale TEXT NOT NULL,
    zoneinfo TEXT NOT NULL,
    data_key BLOB,
    event_sequence INTEGER NOT NULL,
    ledger_sequence INTEGER NOT NULL,
    ledger_hash BLOB,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE attributes (
    account BLOB NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    value BLOB NOT NULL,
    verification TEXT NOT NULL,
    observed_at INTEGER NOT NULL,
    PRIMARY KEY (account, name, source)
) STRICT, WITHOUT ROWID;

CREATE TABLE acceptances (
    account BLOB NOT NULL REFERENCES accounts (id),
    document TEXT NOT NULL,
    version INTEGER NOT NULL,
    hash TEXT NOT NULL,
    locale TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    PRIMARY KEY (account, document, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE contacts (
    id BLOB NOT NULL PRIMARY KEY,
    account BLOB NOT NULL REFERENCES accounts (id),
    kind TEXT NOT NULL,
    value_index BLOB NOT NULL,
    value BLOB NOT NULL,
    verified_at INTEGER,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX contacts_account ON contacts (account, kind, value_index);
CREATE UNIQUE INDEX contacts_verified ON contacts (kind, value_index) WHERE verified_at IS NOT NULL;
CREATE INDEX contacts_value ON contacts (kind, value_index);

CREATE TABLE passwords (
    account BLOB NOT NULL PRIMARY KEY REFERENCES accounts (id),
    phc BLOB NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE identities (
    id BLOB NOT NULL PRIMARY KEY,
    account BLOB NOT NULL REFERENCES accounts (id),
    connection TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject_index BLOB NOT NULL,
    subject BLOB NOT NULL,
    label BLOB,
    tokens BLOB,
    linked_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX identities_subject ON identities (connection, issuer, subject_index);
CREATE INDEX identities_account ON identities (account);

CREATE TABLE sessions (
    id BLOB NOT NULL PRIMARY KEY,
    account BLOB NOT NULL REFERENCES accounts (id),
    token_hash BLOB NOT NULL,
    authentication TEXT NOT NULL,
    user_agent BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    last_seen_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_account ON sessions (account);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    metadata TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE client_secrets (
    client TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    sha256 TEXT NOT NULL,
    expires_at INTEGER,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (client, sha256)
) STRICT, WITHOUT ROWID;

-- Rows are never removed: no sub is ever given to a second person.
CREATE TABLE subjects (
    sector TEXT NOT NULL,
    sub TEXT NOT NULL,
    account BLOB NOT NULL REFERENCES accounts (id),
    is_current INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (sector, sub)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX subjects_current ON subjects (account, sector) WHERE is_current = 1;

CREATE TABLE families (
    id BLOB NOT NULL PRIMARY KEY,
    account BLOB NOT NULL REFERENCES accounts (id),
    client TEXT NOT NULL,
    session BLOB,
    scope TEXT NOT NULL,
    is_offline INTEGER NOT NULL,
    authentication TEXT NOT NULL,
    nonce TEXT,
    claims BLOB,
    code_hash BLOB,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    revoked_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX families_code ON families (code_hash) WHERE code_hash IS NOT NULL;
CREATE INDEX families_account ON families (account, client);
CREATE INDEX families_client ON families (client);
CREATE INDEX families_session ON families (session) WHERE session IS NOT NULL;
CREATE INDEX families_revoked ON families (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE refresh_tokens (
    hash BLOB NOT NULL PRIMARY KEY,
    family BLOB NOT NULL REFERENCES families (id) ON DELETE CASCADE,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    idle_seconds INTEGER,
    used_at INTEGER,
    successor BLOB,
    successor_sealed BLOB
) STRICT, WITHOUT ROWID;
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

CREATE TABLE revoked_tokens (
    jti TEXT NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX revoked_tokens_expiry ON revoked_tokens (expires_at);

-- The current answers: a projection of the ledger.
CREATE TABLE consents (
    account BLOB NOT NULL REFERENCES accounts (id),
    client TEXT NOT NULL,
    scope TEXT NOT NULL,
    claim TEXT NOT NULL,
    purpose TEXT NOT NULL,
    purpose_version INTEGER NOT NULL,
    decision TEXT NOT NULL,
    decided_at INTEGER NOT NULL,
    expires_at INTEGER,
    PRIMARY KEY (account, client, scope, claim)
) STRICT, WITHOUT ROWID;

-- The ledger: append-only, each entry bound to the one before it.
CREATE TABLE consent_events (
    account BLOB NOT NULL REFERENCES accounts (id),
    sequence INTEGER NOT NULL,
    client TEXT NOT NULL,
    answers TEXT NOT NULL,
    evidence BLOB NOT NULL,
    occurred_at INTEGER NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (account, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    alg TEXT NOT NULL,
    sealed BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    active_at INTEGER NOT NULL,
    retired_at INTEGER,
    remove_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE memberships (
    id BLOB NOT NULL PRIMARY KEY,
    account BLOB NOT NULL REFERENCES accounts (id),
    programme TEXT NOT NULL,
    number_index BLOB NOT NULL,
    number BLOB NOT NULL,
    member_ref_index BLOB NOT NULL,
    member_ref BLOB NOT NULL,
    proof_level TEXT NOT NULL,
    proof_method TEXT NOT NULL,
    proof_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    facts BLOB NOT NULL,
    linked_at INTEGER NOT NULL,
    closed_at INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX memberships_number ON memberships (programme, number_index) WHERE state <> 'closed';
CREATE INDEX memberships_account ON memberships (account);
CREATE INDEX memberships_programme ON memberships (programme, id);
CREATE INDEX memberships_ref ON memberships (programme, member_ref_index);

CREATE TABLE feed_cursors (
    programme TEXT NOT NULL PRIMARY KEY,
    position TEXT NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    id BLOB NOT NULL PRIMARY KEY,
    account BLOB,
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    occurred_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX outbox_account ON outbox (account, sequence) WHERE account IS NOT NULL;
