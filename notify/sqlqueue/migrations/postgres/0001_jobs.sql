-- One row a job. Times are microseconds since 1970, UTC.
-- state: 0 scheduled, 1 available, 2 running, 3 dead.
-- due: when the state ends by itself: run_at of a scheduled job, the end of the lease of a running one.
-- The columns win over the same fields inside body, so that they can change without rewriting it.
-- Rows come and go by the thousand, so dead ones are cleared away at once and not at a share of the table.
CREATE TABLE notify_jobs (
	seq        BIGINT   GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	id         TEXT     COLLATE "C" NOT NULL UNIQUE,
	queue      TEXT     COLLATE "C" NOT NULL,
	kind       TEXT     COLLATE "C" NOT NULL,
	job_key    TEXT     COLLATE "C" NOT NULL,
	priority   SMALLINT NOT NULL,
	state      SMALLINT NOT NULL,
	due        BIGINT   NOT NULL,
	run_at     BIGINT   NOT NULL,
	expires_at BIGINT   NOT NULL,
	attempt    INTEGER  NOT NULL,
	crashes    INTEGER  NOT NULL DEFAULT 0,
	lease      BIGINT   NOT NULL DEFAULT 0,
	body       BYTEA    NOT NULL
) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX notify_jobs_due ON notify_jobs (queue, state, due) WHERE state IN (0, 2);
CREATE INDEX notify_jobs_next ON notify_jobs (queue, priority DESC, run_at, seq) WHERE state = 1;
CREATE INDEX notify_jobs_key ON notify_jobs (queue, job_key, seq) WHERE job_key <> '';

CREATE TABLE notify_queues (
	name   TEXT     COLLATE "C" PRIMARY KEY,
	paused SMALLINT NOT NULL
);

-- Who holds a unique key, and until when.
CREATE TABLE notify_unique (
	unique_key TEXT   COLLATE "C" PRIMARY KEY,
	id         TEXT   COLLATE "C" NOT NULL,
	until      BIGINT NOT NULL
);
CREATE INDEX notify_unique_until ON notify_unique (until);

-- What happened in each minute; an hour is kept.
CREATE TABLE notify_minutes (
	queue   TEXT   COLLATE "C" NOT NULL,
	minute  BIGINT NOT NULL,
	handled BIGINT NOT NULL,
	failed  BIGINT NOT NULL,
	PRIMARY KEY (queue, minute)
);

-- Small values that all processes share.
CREATE TABLE notify_state (
	name    TEXT   COLLATE "C" PRIMARY KEY,
	value   BYTEA  NOT NULL,
	version BIGINT NOT NULL,
	until   BIGINT NOT NULL
);
CREATE INDEX notify_state_until ON notify_state (until);
