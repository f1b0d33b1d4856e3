-- What loyalty hosts have not been told yet about links.
CREATE TABLE link_notices (
    membership UUID NOT NULL PRIMARY KEY REFERENCES memberships (id) ON DELETE CASCADE,
    programme TEXT NOT NULL,
    linked BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
CREATE INDEX link_notices_programme ON link_notices (programme, created_at, membership);
