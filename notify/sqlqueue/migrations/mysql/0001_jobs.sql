-- One row a job. Times are microseconds since 1970, UTC. Names are bytes, so that no
-- collation folds case or drops spaces.
-- state: 0 scheduled, 1 available, 2 running, 3 dead.
-- due: when the state ends by itself: run_at of a scheduled job, the end of the lease of a running one.
-- The columns win over the same fields inside body, so that they can change without rewriting it.
CREATE TABLE notify_jobs (
	seq        BIGINT         NOT NULL AUTO_INCREMENT PRIMARY KEY,
	id         VARBINARY(100) NOT NULL,
	queue      VARBINARY(100) NOT NULL,
	kind       VARBINARY(100) NOT NULL,
	job_key    VARBINARY(255) NOT NULL,
	priority   TINYINT        NOT NULL,
	state      TINYINT        NOT NULL,
	due        BIGINT         NOT NULL,
	run_at     BIGINT         NOT NULL,
	expires_at BIGINT         NOT NULL,
	attempt    INT            NOT NULL,
	crashes    INT            NOT NULL DEFAULT 0,
	lease      BIGINT         NOT NULL DEFAULT 0,
	body       LONGBLOB       NOT NULL,
	UNIQUE KEY notify_jobs_id (id),
	KEY notify_jobs_due (queue, state, due),
	KEY notify_jobs_next (queue, state, priority DESC, run_at, seq),
	KEY notify_jobs_key (queue, job_key, seq)
) ENGINE = InnoDB;

CREATE TABLE notify_queues (
	name   VARBINARY(100) NOT NULL PRIMARY KEY,
	paused TINYINT        NOT NULL
) ENGINE = InnoDB;

-- Who holds a unique key, and until when.
CREATE TABLE notify_unique (
	unique_key VARBINARY(64)  NOT NULL PRIMARY KEY,
	id         VARBINARY(100) NOT NULL,
	until      BIGINT         NOT NULL,
	KEY notify_unique_until (until)
) ENGINE = InnoDB;

-- What happened in each minute; an hour is kept.
CREATE TABLE notify_minutes (
	queue   VARBINARY(100) NOT NULL,
	minute  BIGINT         NOT NULL,
	handled BIGINT         NOT NULL,
	failed  BIGINT         NOT NULL,
	PRIMARY KEY (queue, minute)
) ENGINE = InnoDB;

-- Small values that all processes share.
CREATE TABLE notify_state (
	name    VARBINARY(250) NOT NULL PRIMARY KEY,
	value   LONGBLOB       NOT NULL,
	version BIGINT         NOT NULL,
	until   BIGINT         NOT NULL,
	KEY notify_state_until (until)
) ENGINE = InnoDB;
