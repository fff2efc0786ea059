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

-- Every mutation by its idempotency key; a reservation is the one with a state.
CREATE TABLE IF NOT EXISTS inventory_requests (
	request_key TEXT COLLATE "C" NOT NULL PRIMARY KEY,
	kind        TEXT COLLATE "C" NOT NULL,
	hash        BYTEA  NOT NULL,
	state       TEXT COLLATE "C" NOT NULL,
	expires_at  BIGINT,
	created_at  BIGINT NOT NULL,
	settled_at  BIGINT,
	CONSTRAINT inventory_requests_state CHECK (state IN ('', 'held', 'committed', 'released', 'expired'))
);

-- For the sweep: only what is held is in it.
CREATE INDEX IF NOT EXISTS inventory_requests_due ON inventory_requests (expires_at) WHERE state = 'held';

-- The ledger, filed under the reservation or else the request. request_key is empty where it would repeat document.
CREATE TABLE IF NOT EXISTS inventory_movements (
	document    TEXT COLLATE "C" NOT NULL,
	kind        TEXT COLLATE "C" NOT NULL,
	request_key TEXT COLLATE "C" NOT NULL,
	line        INTEGER NOT NULL,
	sku         TEXT COLLATE "C" NOT NULL,
	location    TEXT COLLATE "C" NOT NULL,
	on_hand     BIGINT NOT NULL,
	reserved    BIGINT NOT NULL,
	reason      TEXT   NOT NULL,
	reference   TEXT   NOT NULL,
	at          BIGINT NOT NULL,
	PRIMARY KEY (document, kind, request_key, line)
);

CREATE INDEX IF NOT EXISTS inventory_movements_by_sku ON inventory_movements (sku, at);

CREATE INDEX IF NOT EXISTS inventory_movements_by_time ON inventory_movements (at);
