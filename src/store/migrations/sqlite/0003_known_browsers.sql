-- Browsers that proved an account or a mailbox before, each by a name that reveals neither.
CREATE TABLE known_browsers (
    id BLOB NOT NULL PRIMARY KEY,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX known_browsers_expiry ON known_browsers (expires_at);
