-- Times are microseconds since 1970 in UTC, whatever the connection's time zone. Keys are VARBINARY: every collation that both
-- MariaDB and MySQL have takes two spellings for one somewhere. There are no foreign keys: a shared lock on a level, taken
-- by a ledger row and upgraded by the update after it, is a deadlock.

-- What there is now, one row a SKU and location. The checks are the last line of defence; the program decides before.
CREATE TABLE IF NOT EXISTS inventory_levels (
	sku             VARBINARY(128) NOT NULL,
	location        VARBINARY(64)  NOT NULL,
	on_hand         BIGINT         NOT NULL,
	reserved        BIGINT         NOT NULL,
	safety_stock    BIGINT         NOT NULL DEFAULT 0,
	backorder_limit BIGINT         NOT NULL DEFAULT 0,
	reorder_point   BIGINT         NOT NULL DEFAULT 0,
	version         BIGINT         NOT NULL,
	updated_at      BIGINT         NOT NULL,
	-- Indexed, and changes only when stock becomes low or is low no more: a sale seldom touches the index.
	low             TINYINT AS (on_hand - reserved - safety_stock <= reorder_point) VIRTUAL,
	PRIMARY KEY (sku, location),
	KEY inventory_levels_by_location (location, sku),
	KEY inventory_levels_low (low, sku, location),
	CONSTRAINT inventory_levels_thresholds CHECK (safety_stock >= 0 AND backorder_limit >= 0 AND reorder_point >= 0),
	CONSTRAINT inventory_levels_reserved CHECK (reserved >= 0),
	CONSTRAINT inventory_levels_oversold CHECK (on_hand - reserved + backorder_limit >= 0)
) ENGINE = InnoDB;

-- The ledger, clustered by idempotency key: a row for each level that a request changed. The first row of a request (step 0,
-- line 1) also has what is known of the request itself, so that one row makes a sale durable, and its key unique. The end
-- of a hold has the reservation's key and step 1, and its kind says how it ended: there can be only one. The defaults are those of most rows, which need not name them.
CREATE TABLE IF NOT EXISTS inventory_movements (
	request_key VARBINARY(128) NOT NULL,
	step        TINYINT        NOT NULL DEFAULT 0,
	line        SMALLINT       NOT NULL DEFAULT 1,
	kind        VARBINARY(16)  NOT NULL DEFAULT 'reserve',
	sku         VARBINARY(128) NOT NULL,
	location    VARBINARY(64)  NOT NULL DEFAULT 'main',
	on_hand     BIGINT         NOT NULL DEFAULT 0,
	reserved    BIGINT         NOT NULL DEFAULT 0,
	reason      VARCHAR(255)   NOT NULL DEFAULT '',
	reference   VARCHAR(255)   NOT NULL DEFAULT '',
	reservation VARBINARY(128) NOT NULL DEFAULT '', -- that a return gives back
	at          BIGINT         NOT NULL,
	-- Of the request, in its first row: the digest of its arguments; of a reservation, when its hold ends and when it ended.
	hash        BINARY(16),
	expires_at  BIGINT,
	settled_at  BIGINT,
	-- For the sweep: NULL unless held.
	due_at      BIGINT AS (CASE WHEN settled_at IS NULL THEN expires_at END) VIRTUAL,
	PRIMARY KEY (request_key, step, line),
	KEY inventory_movements_by_sku (sku, at),
	KEY inventory_movements_by_time (at),
	KEY inventory_movements_due (due_at),
	CONSTRAINT inventory_movements_first CHECK ((hash IS NOT NULL) = (step = 0 AND line = 1)),
	CONSTRAINT inventory_movements_settled CHECK (settled_at IS NULL OR hash IS NOT NULL AND kind = 'reserve')
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

-- The returns of each reservation.
CREATE TABLE IF NOT EXISTS inventory_returns (
	reservation VARBINARY(128) NOT NULL,
	request_key VARBINARY(128) NOT NULL,
	PRIMARY KEY (reservation, request_key)
) ENGINE = InnoDB;
