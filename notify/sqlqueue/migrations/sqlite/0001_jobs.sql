-- One row a job. Times are microseconds since 1970, UTC.
-- state: 0 scheduled, 1 available, 2 running, 3 dead.
-- due: when the state ends by itself: run_at of a scheduled job, the end of the lease of a running one.
-- The columns win over the same fields inside body, so that they can change without rewriting it.
CREATE TABLE notify_jobs (
	seq        INTEGER PRIMARY KEY AUTOINCREMENT,
	id         TEXT    NOT NULL UNIQUE,
	queue      TEXT    NOT NULL,
	kind       TEXT    NOT NULL,
	key        TEXT    NOT NULL,
	priority   INTEGER NOT NULL,
	state      INTEGER NOT NULL,
	due        INTEGER NOT NULL,
	run_at     INTEGER NOT NULL,
	expires_at INTEGER NOT NULL, -- 0: never
	attempt    INTEGER NOT NULL,
	crashes    INTEGER NOT NULL DEFAULT 0,
	lease      INTEGER NOT NULL DEFAULT 0, -- grows with every lease; fences late workers
	body       BLOB    NOT NULL
);
CREATE INDEX notify_jobs_due ON notify_jobs (queue, state, due);
CREATE INDEX notify_jobs_next ON notify_jobs (queue, state, priority DESC, run_at, seq);
CREATE INDEX notify_jobs_key ON notify_jobs (queue, key, seq) WHERE key <> '';

CREATE TABLE notify_queues (
	name   TEXT    PRIMARY KEY,
	paused INTEGER NOT NULL
) WITHOUT ROWID;

-- Who holds a unique key, and until when.
CREATE TABLE notify_unique (
	key   TEXT    PRIMARY KEY,
	id    TEXT    NOT NULL,
	until INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX notify_unique_until ON notify_unique (until);

-- What happened in each minute; an hour is kept.
CREATE TABLE notify_minutes (
	queue   TEXT    NOT NULL,
	minute  INTEGER NOT NULL,
	handled INTEGER NOT NULL,
	failed  INTEGER NOT NULL,
	PRIMARY KEY (queue, minute)
) WITHOUT ROWID;
