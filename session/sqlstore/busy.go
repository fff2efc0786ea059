package sqlstore

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/seed82d84382/commerce/internal/pause"
)

const busyFor = 5 * time.Second

// retryBusy runs a statement, or a transaction, again while another connection
// has the database locked: then nothing of it was done.
func retryBusy(ctx context.Context, run func() error) error {
	wait, until := time.Millisecond, time.Now().Add(busyFor)
	for {
		err := run()
		if !busy(err) || time.Now().After(until) {
			return err
		}
		if err := pause.For(ctx, wait/2+rand.N(wait)); err != nil {
			return err
		}
		wait = min(2*wait, 50*time.Millisecond)
	}
}

// busy recognizes SQLITE_BUSY and SQLITE_LOCKED (https://sqlite.org/rescode.html)
// by the method that the error of modernc.org/sqlite has, without importing it.
func busy(err error) bool {
	var coded interface{ Code() int }
	if !errors.As(err, &coded) {
		return false
	}
	code := coded.Code() & 0xff
	return code == 5 || code == 6
}
