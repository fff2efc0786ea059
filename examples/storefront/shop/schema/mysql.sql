-- MySQL's and MariaDB's schema; see sqlite.sql for what the columns mean. Identifiers are bytes, so that
-- no collation takes two for one.
CREATE TABLE IF NOT EXISTS settings (
	`key` VARBINARY(128) PRIMARY KEY,
	value TEXT NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS accounts (
	id            VARBINARY(64) PRIMARY KEY,
	phone         VARBINARY(32) NOT NULL UNIQUE,
	name          VARCHAR(100)  NOT NULL DEFAULT '',
	email         VARCHAR(200)  NOT NULL DEFAULT '',
	address       VARCHAR(500)  NOT NULL DEFAULT '',
	password_hash VARCHAR(255)  NOT NULL DEFAULT '',
	created_at    BIGINT        NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS cart_lines (
	owner    VARBINARY(64) NOT NULL,
	sku      VARBINARY(64) NOT NULL,
	quantity BIGINT        NOT NULL CHECK (quantity BETWEEN 1 AND 99),
	added_at BIGINT        NOT NULL,
	PRIMARY KEY (owner, sku)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS orders (
	id          VARBINARY(64) PRIMARY KEY,
	account_id  VARBINARY(64) NOT NULL,
	status      VARBINARY(16) NOT NULL CHECK (status IN ('held', 'paid', 'expired', 'cancelled')),
	total_cents BIGINT        NOT NULL CHECK (total_cents >= 0),
	language    VARBINARY(16) NOT NULL,
	name        VARCHAR(100)  NOT NULL,
	email       VARCHAR(200)  NOT NULL,
	address     VARCHAR(500)  NOT NULL,
	created_at  BIGINT        NOT NULL,
	held_until  BIGINT        NOT NULL,
	paid_at     BIGINT        NOT NULL DEFAULT 0,
	KEY orders_of_account (account_id, created_at),
	KEY orders_held (status, held_until)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS order_lines (
	order_id    VARBINARY(64) NOT NULL,
	position    BIGINT        NOT NULL,
	sku         VARBINARY(64) NOT NULL,
	title       VARCHAR(1000) NOT NULL,
	quantity    BIGINT        NOT NULL CHECK (quantity > 0),
	price_cents BIGINT        NOT NULL CHECK (price_cents >= 0),
	PRIMARY KEY (order_id, position)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS photos (
	sku    VARBINARY(64) PRIMARY KEY,
	name   VARCHAR(1024) NOT NULL,
	sha256 VARBINARY(64) NOT NULL,
	width  BIGINT        NOT NULL,
	height BIGINT        NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;

CREATE TABLE IF NOT EXISTS drawings (
	`key`  VARBINARY(64) PRIMARY KEY,
	name   VARCHAR(1024) NOT NULL,
	sha256 VARBINARY(64) NOT NULL,
	width  BIGINT        NOT NULL,
	height BIGINT        NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
