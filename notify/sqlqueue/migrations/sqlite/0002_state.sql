-- "key" is a word of other databases' grammar, and the statements are shared.
ALTER TABLE notify_jobs RENAME COLUMN key TO job_key;
ALTER TABLE notify_unique RENAME COLUMN key TO unique_key;

-- Small values that all processes share.
CREATE TABLE notify_state (
	name    TEXT    PRIMARY KEY,
	value   BLOB    NOT NULL,
	version INTEGER NOT NULL,
	until   INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX notify_state_until ON notify_state (until);
