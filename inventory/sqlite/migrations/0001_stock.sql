-- Times are microseconds since 1970 in UTC. Text is compared byte by byte (the BINARY collation).

-- What there is now, one row a SKU and location. The checks are the last line of defence; the program decides before.
CREATE TABLE inventory_levels (
	sku             TEXT    NOT NULL,
	location        TEXT    NOT NULL,
	on_hand         INTEGER NOT NULL,
	reserved        INTEGER NOT NULL,
	safety_stock    INTEGER NOT NULL,
	backorder_limit INTEGER NOT NULL,
	reorder_point   INTEGER NOT NULL,
	version         INTEGER NOT NULL,
	updated_at      INTEGER NOT NULL,
	PRIMARY KEY (sku, location),
	CONSTRAINT inventory_levels_thresholds CHECK (safety_stock >= 0 AND backorder_limit >= 0 AND reorder_point >= 0),
	CONSTRAINT inventory_levels_reserved CHECK (reserved >= 0),
	CONSTRAINT inventory_levels_oversold CHECK (on_hand - reserved + backorder_limit >= 0)
) STRICT, WITHOUT ROWID;

CREATE INDEX inventory_levels_by_location ON inventory_levels (location, sku);

-- Only what is low is in it, so that a sale touches it only when stock becomes low.
CREATE INDEX inventory_levels_low ON inventory_levels (sku, location)
	WHERE on_hand - reserved - safety_stock <= reorder_point;

-- The ledger, clustered by idempotency key: a row for each level that a request changed. The first row of a request (step 0,
-- line 1) also has what is known of the request itself, so that one row makes a sale durable, and its key unique. The end
-- of a hold has the reservation's key and step 1, and its kind says how it ended: there can be only one. The defaults are those of most rows, which need not name them.
CREATE TABLE inventory_movements (
	request_key TEXT    NOT NULL,
	step        INTEGER NOT NULL DEFAULT 0,
	line        INTEGER NOT NULL DEFAULT 1,
	kind        TEXT    NOT NULL DEFAULT 'reserve',
	sku         TEXT    NOT NULL,
	location    TEXT    NOT NULL DEFAULT 'main',
	on_hand     INTEGER NOT NULL DEFAULT 0,
	reserved    INTEGER NOT NULL DEFAULT 0,
	reason      TEXT    NOT NULL DEFAULT '',
	reference   TEXT    NOT NULL DEFAULT '',
	reservation TEXT    NOT NULL DEFAULT '', -- that a return gives back
	at          INTEGER NOT NULL,
	-- Of the request, in its first row: the digest of its arguments; of a reservation, when its hold ends and when it ended.
	hash        BLOB,
	expires_at  INTEGER,
	settled_at  INTEGER,
	PRIMARY KEY (request_key, step, line),
	CONSTRAINT inventory_movements_first CHECK ((hash IS NOT NULL) = (step = 0 AND line = 1)),
	CONSTRAINT inventory_movements_settled CHECK (settled_at IS NULL OR hash IS NOT NULL AND kind = 'reserve')
) STRICT, WITHOUT ROWID;

CREATE INDEX inventory_movements_by_sku ON inventory_movements (sku, at);

CREATE INDEX inventory_movements_by_time ON inventory_movements (at);

-- For the sweep: only what is held is in it.
CREATE INDEX inventory_movements_due ON inventory_movements (expires_at) WHERE settled_at IS NULL AND expires_at IS NOT NULL;

-- The returns of each reservation.
CREATE TABLE inventory_returns (
	reservation TEXT NOT NULL,
	request_key TEXT NOT NULL,
	PRIMARY KEY (reservation, request_key)
) STRICT, WITHOUT ROWID;
