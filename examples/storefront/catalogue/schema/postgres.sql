CREATE TABLE IF NOT EXISTS catalogue_products (
	position   BIGINT PRIMARY KEY, -- as in the catalogue file
	id         TEXT   NOT NULL UNIQUE,
	sku        TEXT   NOT NULL UNIQUE,
	category   TEXT   COLLATE "C" NOT NULL, -- by bytes, as the program compares
	brand      TEXT   NOT NULL,
	popularity BIGINT NOT NULL,
	released   BIGINT NOT NULL,    -- Unix seconds, 0 when unknown
	product    BYTEA  NOT NULL     -- the whole product, as JSON
);
CREATE INDEX IF NOT EXISTS catalogue_products_by_category
	ON catalogue_products (category, popularity DESC, released DESC, position);
CREATE TABLE IF NOT EXISTS catalogue_source (
	one         BIGINT PRIMARY KEY CHECK (one = 1),
	fingerprint TEXT   NOT NULL
);
