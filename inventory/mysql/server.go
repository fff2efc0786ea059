package mysql

import (
	"context"
	"database/sql"
	"errors"

	"github.com/go-sql-driver/mysql"

	"github.com/seed82d84382/commerce/inventory/internal/sqlstock"
)

// inspect tries which form of scripts the server and the connections take.
func inspect(ctx context.Context, db *sql.DB) (sqlstock.Abilities, error) {
	var a sqlstock.Abilities
	conn, err := db.Conn(ctx)
	if err != nil {
		return a, err
	}
	defer conn.Close()
	var version string
	if err := conn.QueryRowContext(ctx, "SELECT VERSION(), @@max_allowed_packet").Scan(&version, &a.Packet); err != nil {
		return a, err
	}
	for _, f := range forms {
		_, err := conn.ExecContext(ctx, f.open+"DO 0; DO 0;"+f.close)
		if err == nil {
			a.Send = f.sender(a.Packet / 2)
			return a, nil
		}
		if _, refused := errors.AsType[*mysql.MySQLError](err); !refused {
			return a, err
		}
	}
	return a, nil
}
