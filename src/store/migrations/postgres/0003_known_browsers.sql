-- Browsers that proved an account or a mailbox before, each by a name that reveals neither.
CREATE TABLE known_browsers (
    id BYTEA NOT NULL PRIMARY KEY,
    expires_at BIGINT NOT NULL
);
CREATE INDEX known_browsers_expiry ON known_browsers (expires_at);
