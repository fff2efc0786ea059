CREATE TABLE IF NOT EXISTS catalogue_products (
	position   BIGINT        PRIMARY KEY, -- as in the catalogue file
	id         VARBINARY(64) NOT NULL UNIQUE,
	sku        VARBINARY(64) NOT NULL UNIQUE,
	category   VARBINARY(512) NOT NULL,
	brand      TEXT          NOT NULL,
	popularity BIGINT        NOT NULL,
	released   BIGINT        NOT NULL,    -- Unix seconds, 0 when unknown
	product    MEDIUMBLOB    NOT NULL,    -- the whole product, as JSON
	KEY catalogue_products_by_category (category, popularity, released, position)
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
CREATE TABLE IF NOT EXISTS catalogue_source (
	one         BIGINT PRIMARY KEY CHECK (one = 1),
	fingerprint VARBINARY(255) NOT NULL
) ENGINE = InnoDB DEFAULT CHARSET = utf8mb4;
