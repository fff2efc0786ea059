-- Times are microseconds since 1970 in UTC. Text is compared byte by byte: COLLATE "C". There are no foreign keys: their shared
-- locks on a level would stand in the way of its update.

-- What there is now, one row a SKU and location. The checks are the last line of defence; the program decides before.
-- Half of each page is left free and no indexed column changes with a sale, so that the new version of a row finds
-- room beside the old one and no index learns of it.
CREATE TABLE IF NOT EXISTS inventory_levels (
	sku             TEXT COLLATE "C" NOT NULL,
	location        TEXT COLLATE "C" NOT NULL,
	on_hand         BIGINT NOT NULL,
	reserved        BIGINT NOT NULL,
	safety_stock    BIGINT NOT NULL,
	backorder_limit BIGINT NOT NULL,
	reorder_point   BIGINT NOT NULL,
	version         BIGINT NOT NULL,
	updated_at      BIGINT NOT NULL,
	low             BOOLEAN NOT NULL GENERATED ALWAYS AS (on_hand - reserved - safety_stock <= reorder_point) STORED,
	PRIMARY KEY (sku, location),
	CONSTRAINT inventory_levels_thresholds CHECK (safety_stock >= 0 AND backorder_limit >= 0 AND reorder_point >= 0),
	CONSTRAINT inventory_levels_reserved CHECK (reserved >= 0),
	CONSTRAINT inventory_levels_oversold CHECK (on_hand - reserved + backorder_limit >= 0)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02);

CREATE INDEX IF NOT EXISTS inventory_levels_by_location ON inventory_levels (location, sku);

CREATE INDEX IF NOT EXISTS inventory_levels_low ON inventory_levels (sku, location) WHERE low;

-- The ledger, keyed by idempotency key: a row for each level that a request changed. The first row of a request (step 0,
-- line 1) also has what is known of the request itself, so that one row makes a sale durable, and its key unique. The end
-- of a hold has the reservation's key and step 1, and its kind says how it ended: there can be only one. The defaults are those of most rows, which need not name them.
CREATE TABLE IF NOT EXISTS inventory_movements (
	at          BIGINT   NOT NULL,
	on_hand     BIGINT   NOT NULL DEFAULT 0,
	reserved    BIGINT   NOT NULL DEFAULT 0,
	-- Of the request, in its first row: of a reservation, when its hold ends and when it ended; the digest of the arguments.
	expires_at  BIGINT,
	settled_at  BIGINT,
	step        SMALLINT NOT NULL DEFAULT 0,
	line        SMALLINT NOT NULL DEFAULT 1,
	request_key TEXT COLLATE "C" NOT NULL,
	kind        TEXT COLLATE "C" NOT NULL DEFAULT 'reserve',
	sku         TEXT COLLATE "C" NOT NULL,
	location    TEXT COLLATE "C" NOT NULL DEFAULT 'main',
	reason      TEXT NOT NULL DEFAULT '',
	reference   TEXT NOT NULL DEFAULT '',
	reservation TEXT COLLATE "C" NOT NULL DEFAULT '', -- that a return gives back
	hash        BYTEA,
	PRIMARY KEY (request_key, step, line),
	CONSTRAINT inventory_movements_first CHECK ((hash IS NOT NULL) = (step = 0 AND line = 1)),
	CONSTRAINT inventory_movements_settled CHECK (settled_at IS NULL OR hash IS NOT NULL AND kind = 'reserve')
);

CREATE INDEX IF NOT EXISTS inventory_movements_by_sku ON inventory_movements (sku, at);

CREATE INDEX IF NOT EXISTS inventory_movements_by_time ON inventory_movements (at);

-- For the sweep: only what is held is in it.
CREATE INDEX IF NOT EXISTS inventory_movements_due ON inventory_movements (expires_at) WHERE settled_at IS NULL AND expires_at IS NOT NULL;

-- The returns of each reservation.
CREATE TABLE IF NOT EXISTS inventory_returns (
	reservation TEXT COLLATE "C" NOT NULL,
	request_key TEXT COLLATE "C" NOT NULL,
	PRIMARY KEY (reservation, request_key)
);
