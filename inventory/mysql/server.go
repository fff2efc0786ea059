package mysql

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"github.com/seed82d84382/commerce/inventory"
	"github.com/seed82d84382/commerce/inventory/internal/sqlstock"
)

// inspect refuses a server that is too old, and tries which form of scripts it takes.
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
	if err := checkVersion(version); err != nil {
		return a, err
	}
	for _, f := range []form{compound, list} {
		ok, err := f.works(ctx, conn)
		if err != nil {
			return a, err
		}
		if ok {
			a.Send = f.sender(a.Packet / 2)
			return a, nil
		}
	}
	return a, nil
}

// checkVersion: both servers need SKIP LOCKED, the newest of what the package uses.
func checkVersion(version string) error {
	name, needs, oldest := "MySQL", "8.0", [2]int{8, 0}
	version = strings.TrimPrefix(version, "5.5.5-") // for old replicas of MariaDB
	if strings.Contains(version, "MariaDB") {
		name, needs, oldest = "MariaDB", "10.6", [2]int{10, 6}
	}
	var v [2]int
	if _, err := fmt.Sscanf(version, "%d.%d", &v[0], &v[1]); err != nil || v[0] < oldest[0] || v[0] == oldest[0] && v[1] < oldest[1] {
		return &inventory.ServerError{Server: name + " " + version, Needs: needs}
	}
	return nil
}
