-- What is needed to seal, kept sealed itself.
CREATE TABLE system_secrets (
    name TEXT NOT NULL PRIMARY KEY,
    sealed BYTEA NOT NULL
);

-- Counters that tell readers to read anew.
CREATE TABLE versions (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO versions (name, value) VALUES ('clients', 1), ('signing_keys', 1);

CREATE TABLE accounts (
    id UUID NOT NULL PRIMARY KEY,
    stage TEXT NOT NULL,
    status TEXT NOT NULL,
    locale TEXT NOT NULL,
    zoneinfo TEXT NOT NULL,
    data_key BYTEA,
    event_sequence BIGINT NOT NULL,
    ledger_sequence BIGINT NOT NULL,
    ledger_hash BYTEA,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE attributes (
    account UUID NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    value BYTEA NOT NULL,
    verification TEXT NOT NULL,
    observed_at BIGINT NOT NULL,
    PRIMARY KEY (account, name, source)
);

CREATE TABLE acceptances (
    account UUID NOT NULL REFERENCES accounts (id),
    document TEXT NOT NULL,
    version BIGINT NOT NULL,
    hash TEXT NOT NULL,
    locale TEXT NOT NULL,
    accepted_at BIGINT NOT NULL,
    PRIMARY KEY (account, document, version)
);

CREATE TABLE contacts (
    id UUID NOT NULL PRIMARY KEY,
    account UUID NOT NULL REFERENCES accounts (id),
    kind TEXT NOT NULL,
    value_index BYTEA NOT NULL,
    value BYTEA NOT NULL,
    verified_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX contacts_account ON contacts (account, kind, value_index);
CREATE UNIQUE INDEX contacts_verified ON contacts (kind, value_index) WHERE verified_at IS NOT NULL;
CREATE INDEX contacts_value ON contacts (kind, value_index);

CREATE TABLE passwords (
    account UUID NOT NULL PRIMARY KEY REFERENCES accounts (id),
    phc BYTEA NOT NULL,
    changed_at BIGINT NOT NULL
);

CREATE TABLE identities (
    id UUID NOT NULL PRIMARY KEY,
    account UUID NOT NULL REFERENCES accounts (id),
    connection TEXT NOT NULL,
    issuer TEXT NOT NULL,
    subject_index BYTEA NOT NULL,
    subject BYTEA NOT NULL,
    label BYTEA,
    tokens BYTEA,
    linked_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX identities_subject ON identities (connection, issuer, subject_index);
CREATE INDEX identities_account ON identities (account);

CREATE TABLE sessions (
    id UUID NOT NULL PRIMARY KEY,
    account UUID NOT NULL REFERENCES accounts (id),
    token_hash BYTEA NOT NULL,
    authentication TEXT NOT NULL,
    user_agent BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    last_seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX sessions_token ON sessions (token_hash);
CREATE INDEX sessions_account ON sessions (account);
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE clients (
    id TEXT NOT NULL PRIMARY KEY,
    metadata TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE client_secrets (
    client TEXT NOT NULL REFERENCES clients (id) ON DELETE CASCADE,
    sha256 TEXT NOT NULL,
    expires_at BIGINT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (client, sha256)
);

-- Rows are never removed: no sub is ever given to a second person.
CREATE TABLE subjects (
    sector TEXT NOT NULL,
    sub TEXT NOT NULL,
    account UUID NOT NULL REFERENCES accounts (id),
    is_current BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (sector, sub)
);
CREATE UNIQUE INDEX subjects_current ON subjects (account, sector) WHERE is_current = 1;

CREATE TABLE families (
    id UUID NOT NULL PRIMARY KEY,
    account UUID NOT NULL REFERENCES accounts (id),
    client TEXT NOT NULL,
    session UUID,
    scope TEXT NOT NULL,
    is_offline BIGINT NOT NULL,
    authentication TEXT NOT NULL,
    nonce TEXT,
    claims BYTEA,
    code_hash BYTEA,
    created_at BIGINT NOT NULL,
    last_used_at BIGINT NOT NULL,
    revoked_at BIGINT
);
CREATE UNIQUE INDEX families_code ON families (code_hash) WHERE code_hash IS NOT NULL;
CREATE INDEX families_account ON families (account, client);
CREATE INDEX families_client ON families (client);
CREATE INDEX families_session ON families (session) WHERE session IS NOT NULL;
CREATE INDEX families_revoked ON families (revoked_at) WHERE revoked_at IS NOT NULL;

CREATE TABLE refresh_tokens (
    hash BYTEA NOT NULL PRIMARY KEY,
    family UUID NOT NULL REFERENCES families (id) ON DELETE CASCADE,
    created_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    idle_seconds BIGINT,
    used_at BIGINT,
    successor BYTEA,
    successor_sealed BYTEA
);
CREATE INDEX refresh_tokens_family ON refresh_tokens (family);
CREATE INDEX refresh_tokens_expiry ON refresh_tokens (expires_at);

CREATE TABLE revoked_tokens (
    jti TEXT NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX revoked_tokens_expiry ON revoked_tokens (expires_at);

-- The current answers: a projection of the ledger.
CREATE TABLE consents (
    account UUID NOT NULL REFERENCES accounts (id),
    client TEXT NOT NULL,
    scope TEXT NOT NULL,
    claim TEXT NOT NULL,
    purpose TEXT NOT NULL,
    purpose_version BIGINT NOT NULL,
    decision TEXT NOT NULL,
    decided_at BIGINT NOT NULL,
    expires_at BIGINT,
    PRIMARY KEY (account, client, scope, claim)
);

-- The ledger: append-only, each entry bound to the one before it.
CREATE TABLE consent_events (
    account UUID NOT NULL REFERENCES accounts (id),
    sequence BIGINT NOT NULL,
    client TEXT NOT NULL,
    answers TEXT NOT NULL,
    evidence BYTEA NOT NULL,
    occurred_at BIGINT NOT NULL,
    hash BYTEA NOT NULL,
    PRIMARY KEY (account, sequence)
);

CREATE TABLE signing_keys (
    kid TEXT NOT NULL PRIMARY KEY,
    alg TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    created_at BIGINT NOT NULL,
    active_at BIGINT NOT NULL,
    retired_at BIGINT,
    remove_at BIGINT
);

CREATE TABLE memberships (
    id UUID NOT NULL PRIMARY KEY,
    account UUID NOT NULL REFERENCES accounts (id),
    programme TEXT NOT NULL,
    number_index BYTEA NOT NULL,
    number BYTEA NOT NULL,
    member_ref_index BYTEA NOT NULL,
    member_ref BYTEA NOT NULL,
    proof_level TEXT NOT NULL,
    proof_method TEXT NOT NULL,
    proof_at BIGINT NOT NULL,
    state TEXT NOT NULL,
    facts BYTEA NOT NULL,
    linked_at BIGINT NOT NULL,
    closed_at BIGINT
);
CREATE UNIQUE INDEX memberships_number ON memberships (programme, number_index) WHERE state <> 'closed';
CREATE INDEX memberships_account ON memberships (account);
CREATE INDEX memberships_programme ON memberships (programme, id);
CREATE INDEX memberships_ref ON memberships (programme, member_ref_index);

CREATE TABLE feed_cursors (
    programme TEXT NOT NULL PRIMARY KEY,
    position TEXT NOT NULL,
    updated_at BIGINT NOT NULL
);

CREATE TABLE outbox (
    id UUID NOT NULL PRIMARY KEY,
    account UUID,
    sequence BIGINT NOT NULL,
    kind TEXT NOT NULL,
    data TEXT NOT NULL,
    occurred_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX outbox_account ON outbox (account, sequence) WHERE account IS NOT NULL;
