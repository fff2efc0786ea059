-- Jobs that wait for a relay. Times are microseconds since 1970, UTC.
-- shard: jobs of one key share one, and one relay at a time works on it; -1: cannot be read.
CREATE TABLE notify_outbox (
	seq   BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	shard SMALLINT NOT NULL,
	body  BYTEA NOT NULL
);
CREATE INDEX notify_outbox_shard ON notify_outbox (shard, seq);

-- Which relay works on a shard, and until when unless it renews.
CREATE TABLE notify_outbox_shards (
	shard SMALLINT PRIMARY KEY,
	owner TEXT COLLATE "C"    NOT NULL,
	until BIGINT NOT NULL
);
INSERT INTO notify_outbox_shards (shard, owner, until) VALUES
	(0,'',0),(1,'',0),(2,'',0),(3,'',0),(4,'',0),(5,'',0),(6,'',0),(7,'',0),
	(8,'',0),(9,'',0),(10,'',0),(11,'',0),(12,'',0),(13,'',0),(14,'',0),(15,'',0);

-- What consumers have handled.
CREATE TABLE notify_inbox (
	consumer TEXT COLLATE "C"    NOT NULL,
	id       TEXT COLLATE "C"    NOT NULL,
	at       BIGINT NOT NULL,
	PRIMARY KEY (consumer, id)
);
CREATE INDEX notify_inbox_at ON notify_inbox (at);
