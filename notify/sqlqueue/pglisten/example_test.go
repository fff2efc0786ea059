package pglisten_test

import (
	"context"
	"database/sql"
	"fmt"

	"github.com/seed82d84382/commerce/notify/sqlqueue"
	"github.com/seed82d84382/commerce/notify/sqlqueue/pglisten"
)

func ExampleNew() {
	db, err := sql.Open("pgx", "postgres://shop@localhost/shop")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer db.Close()
	queue, err := sqlqueue.Open(context.Background(), db, &sqlqueue.Options{Listener: pglisten.New(db)})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer queue.Close()
}
