CREATE TABLE IF NOT EXISTS catalogue_products (
	position   INTEGER PRIMARY KEY, -- as in the catalogue file
	id         TEXT NOT NULL UNIQUE,
	sku        TEXT NOT NULL UNIQUE,
	category   TEXT NOT NULL,
	brand      TEXT NOT NULL,
	popularity INTEGER NOT NULL,
	released   INTEGER NOT NULL,    -- Unix seconds, 0 when unknown
	product    BLOB NOT NULL        -- the whole product, as JSON
) STRICT;
CREATE INDEX IF NOT EXISTS catalogue_products_by_category
	ON catalogue_products (category, popularity DESC, released DESC, position);
CREATE TABLE IF NOT EXISTS catalogue_source (
	one         INTEGER PRIMARY KEY CHECK (one = 1),
	fingerprint TEXT NOT NULL
) STRICT;
