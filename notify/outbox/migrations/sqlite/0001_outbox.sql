-- Jobs that wait for a relay. Times are microseconds since 1970, UTC.
-- shard: jobs of one key share one, and one relay at a time works on it; -1: cannot be read.
CREATE TABLE notify_outbox (
	seq   INTEGER PRIMARY KEY AUTOINCREMENT,
	shard INTEGER NOT NULL,
	body  BLOB    NOT NULL
);
CREATE INDEX notify_outbox_shard ON notify_outbox (shard, seq);

-- Which relay works on a shard, and until when unless it renews.
CREATE TABLE notify_outbox_shards (
	shard INTEGER PRIMARY KEY,
	owner TEXT    NOT NULL,
	until INTEGER NOT NULL
);
INSERT INTO notify_outbox_shards (shard, owner, until) VALUES
	(0,'',0),(1,'',0),(2,'',0),(3,'',0),(4,'',0),(5,'',0),(6,'',0),(7,'',0),
	(8,'',0),(9,'',0),(10,'',0),(11,'',0),(12,'',0),(13,'',0),(14,'',0),(15,'',0);

-- What consumers have handled.
CREATE TABLE notify_inbox (
	consumer TEXT    NOT NULL,
	id       TEXT    NOT NULL,
	at       INTEGER NOT NULL,
	PRIMARY KEY (consumer, id)
) WITHOUT ROWID;
CREATE INDEX notify_inbox_at ON notify_inbox (at);
