-- PostgreSQL's schema; see sqlite.sql for what the columns mean.
CREATE TABLE IF NOT EXISTS settings (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
);

CREATE TABLE IF NOT EXISTS accounts (
	id            TEXT PRIMARY KEY,
	phone         TEXT   NOT NULL UNIQUE,
	name          TEXT   NOT NULL DEFAULT '',
	email         TEXT   NOT NULL DEFAULT '',
	address       TEXT   NOT NULL DEFAULT '',
	password_hash TEXT   NOT NULL DEFAULT '',
	created_at    BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS cart_lines (
	owner    TEXT   NOT NULL,
	sku      TEXT   NOT NULL,
	quantity BIGINT NOT NULL CHECK (quantity BETWEEN 1 AND 99),
	added_at BIGINT NOT NULL,
	PRIMARY KEY (owner, sku)
);

CREATE TABLE IF NOT EXISTS orders (
	id          TEXT PRIMARY KEY,
	account_id  TEXT   NOT NULL REFERENCES accounts (id),
	status      TEXT   NOT NULL CHECK (status IN ('held', 'paid', 'expired', 'cancelled')),
	total_cents BIGINT NOT NULL CHECK (total_cents >= 0),
	language    TEXT   NOT NULL,
	name        TEXT   NOT NULL,
	email       TEXT   NOT NULL,
	address     TEXT   NOT NULL,
	created_at  BIGINT NOT NULL,
	held_until  BIGINT NOT NULL,
	paid_at     BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS orders_of_account ON orders (account_id, created_at DESC);
CREATE INDEX IF NOT EXISTS orders_held ON orders (held_until) WHERE status = 'held';

CREATE TABLE IF NOT EXISTS order_lines (
	order_id    TEXT   NOT NULL REFERENCES orders (id),
	position    BIGINT NOT NULL,
	sku         TEXT   NOT NULL,
	title       TEXT   NOT NULL,
	quantity    BIGINT NOT NULL CHECK (quantity > 0),
	price_cents BIGINT NOT NULL CHECK (price_cents >= 0),
	PRIMARY KEY (order_id, position)
);

CREATE TABLE IF NOT EXISTS photos (
	sku    TEXT PRIMARY KEY,
	name   TEXT   NOT NULL,
	sha256 TEXT   NOT NULL,
	width  BIGINT NOT NULL,
	height BIGINT NOT NULL
);

CREATE TABLE IF NOT EXISTS drawings (
	key    TEXT PRIMARY KEY,
	name   TEXT   NOT NULL,
	sha256 TEXT   NOT NULL,
	width  BIGINT NOT NULL,
	height BIGINT NOT NULL
);
