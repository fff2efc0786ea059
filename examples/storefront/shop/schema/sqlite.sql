-- The shop's own tables. The SDK's tables (inventory_…, notify_…, session_…) live in the
-- same database, so that an order, its stock and its mail are one transaction.

CREATE TABLE IF NOT EXISTS settings (
	key   TEXT PRIMARY KEY,
	value TEXT NOT NULL
) STRICT;

CREATE TABLE IF NOT EXISTS accounts (
	id            TEXT PRIMARY KEY,
	phone         TEXT NOT NULL UNIQUE,         -- E.164, such as +8613800138000
	name          TEXT NOT NULL DEFAULT '',
	email         TEXT NOT NULL DEFAULT '',
	address       TEXT NOT NULL DEFAULT '',
	password_hash TEXT NOT NULL DEFAULT '',     -- argon2id, '' when only codes are used
	created_at    INTEGER NOT NULL              -- Unix milliseconds, as every time here
) STRICT;

CREATE TABLE IF NOT EXISTS cart_lines (
	owner    TEXT NOT NULL,                     -- account id, or the id of a guest's cart
	sku      TEXT NOT NULL,
	quantity INTEGER NOT NULL CHECK (quantity BETWEEN 1 AND 99),
	added_at INTEGER NOT NULL,
	PRIMARY KEY (owner, sku)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS orders (
	id          TEXT PRIMARY KEY,               -- also the key of the reservation
	account_id  TEXT NOT NULL REFERENCES accounts (id),
	status      TEXT NOT NULL CHECK (status IN ('held', 'paid', 'expired', 'cancelled')),
	total_cents INTEGER NOT NULL CHECK (total_cents >= 0),
	language    TEXT NOT NULL,
	name        TEXT NOT NULL,
	email       TEXT NOT NULL,
	address     TEXT NOT NULL,
	created_at  INTEGER NOT NULL,
	held_until  INTEGER NOT NULL,
	paid_at     INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX IF NOT EXISTS orders_of_account ON orders (account_id, created_at DESC);
CREATE INDEX IF NOT EXISTS orders_held ON orders (held_until) WHERE status = 'held';

CREATE TABLE IF NOT EXISTS order_lines (
	order_id    TEXT NOT NULL REFERENCES orders (id),
	position    INTEGER NOT NULL,
	sku         TEXT NOT NULL,
	title       TEXT NOT NULL,                  -- as it was when it was bought
	quantity    INTEGER NOT NULL CHECK (quantity > 0),
	price_cents INTEGER NOT NULL CHECK (price_cents >= 0),
	PRIMARY KEY (order_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS photos (
	sku    TEXT PRIMARY KEY,
	name   TEXT NOT NULL,                       -- in the media store
	sha256 TEXT NOT NULL,
	width  INTEGER NOT NULL,
	height INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS drawings (
	key    TEXT PRIMARY KEY,                    -- of all that a drawing depends on: many products share one
	name   TEXT NOT NULL,
	sha256 TEXT NOT NULL,
	width  INTEGER NOT NULL,
	height INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
