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

-- Every mutation by its idempotency key; a reservation is the one with a state.
CREATE TABLE inventory_requests (
	request_key TEXT    NOT NULL PRIMARY KEY,
	kind        TEXT    NOT NULL,
	hash        BLOB    NOT NULL,
	state       TEXT    NOT NULL CHECK (state IN ('', 'held', 'committed', 'released', 'expired')),
	expires_at  INTEGER,
	created_at  INTEGER NOT NULL,
	settled_at  INTEGER
) STRICT, WITHOUT ROWID;

-- For the sweep: only what is held is in it.
CREATE INDEX inventory_requests_due ON inventory_requests (expires_at) WHERE state = 'held';

-- The ledger, filed under the reservation or else the request. request_key is empty where it would repeat document.
CREATE TABLE inventory_movements (
	document    TEXT    NOT NULL,
	kind        TEXT    NOT NULL,
	request_key TEXT    NOT NULL,
	line        INTEGER NOT NULL,
	sku         TEXT    NOT NULL,
	location    TEXT    NOT NULL,
	on_hand     INTEGER NOT NULL,
	reserved    INTEGER NOT NULL,
	reason      TEXT    NOT NULL,
	reference   TEXT    NOT NULL,
	at          INTEGER NOT NULL,
	PRIMARY KEY (document, kind, request_key, line)
) STRICT, WITHOUT ROWID;

CREATE INDEX inventory_movements_by_sku ON inventory_movements (sku, at);

CREATE INDEX inventory_movements_by_time ON inventory_movements (at);
