-- Times are microseconds since 1970, idle is in microseconds, 0 for none.
CREATE TABLE session_sessions (
	id       TEXT    NOT NULL PRIMARY KEY,
	user_id  BLOB    NOT NULL,
	version  INTEGER NOT NULL,
	seen     INTEGER NOT NULL,
	idle     INTEGER NOT NULL,
	deadline INTEGER NOT NULL,
	expires  INTEGER NOT NULL,
	data     BLOB    NOT NULL
);
CREATE INDEX session_sessions_user ON session_sessions (user_id, seen) WHERE user_id <> x'';
CREATE INDEX session_sessions_expires ON session_sessions (expires);
