-- What loyalty hosts have not been told yet about links.
CREATE TABLE link_notices (
    membership BLOB NOT NULL PRIMARY KEY REFERENCES memberships (id) ON DELETE CASCADE,
    programme TEXT NOT NULL,
    linked INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX link_notices_programme ON link_notices (programme, created_at, membership);
