-- Times are microseconds since 1970 in UTC, whatever the connection's time zone. Keys are VARBINARY: every collation that both
-- MariaDB and MySQL have takes two spellings for one somewhere. There are no foreign keys: a shared lock on a level, taken
-- by a ledger row and upgraded by the update after it, is a deadlock.

-- What there is now, one row a SKU and location. The checks are the last line of defence; the program decides before.
CREATE TABLE IF NOT EXISTS inventory_levels (
	sku             VARBINARY(128) NOT NULL,
	location        VARBINARY(64)  NOT NULL,
	on_hand         BIGINT         NOT NULL,
	reserved        BIGINT         NOT NULL,
	safety_stock    BIGINT         NOT NULL,
	backorder_limit BIGINT         NOT NULL,
	reorder_point   BIGINT         NOT NULL,
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

-- Every mutation by its idempotency key; a reservation is the one with a state.
CREATE TABLE IF NOT EXISTS inventory_requests (
	request_key VARBINARY(128) NOT NULL PRIMARY KEY,
	kind        VARBINARY(16)  NOT NULL,
	hash        BINARY(16)     NOT NULL,
	state       VARBINARY(16)  NOT NULL,
	expires_at  BIGINT,
	created_at  BIGINT         NOT NULL,
	settled_at  BIGINT,
	-- For the sweep: NULL unless held.
	due_at      BIGINT AS (CASE WHEN state = 'held' THEN expires_at END) VIRTUAL,
	KEY inventory_requests_due (due_at),
	CONSTRAINT inventory_requests_state CHECK (state IN ('', 'held', 'committed', 'released', 'expired'))
) ENGINE = InnoDB;

-- The ledger, clustered by the reservation or else the request. request_key is empty where it would repeat document.
CREATE TABLE IF NOT EXISTS inventory_movements (
	document    VARBINARY(128) NOT NULL,
	kind        VARBINARY(16)  NOT NULL,
	request_key VARBINARY(128) NOT NULL,
	line        INT            NOT NULL,
	sku         VARBINARY(128) NOT NULL,
	location    VARBINARY(64)  NOT NULL,
	on_hand     BIGINT         NOT NULL,
	reserved    BIGINT         NOT NULL,
	reason      VARCHAR(255)   NOT NULL,
	reference   VARCHAR(255)   NOT NULL,
	at          BIGINT         NOT NULL,
	PRIMARY KEY (document, kind, request_key, line),
	KEY inventory_movements_by_sku (sku, at),
	KEY inventory_movements_by_time (at)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
