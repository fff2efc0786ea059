package sqlqueue

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/seed82d84382/commerce/notify/internal/sqldb"
)

// clockTolerance is how far clocks may differ unnoticed: less than any lease, and more than
// what the way to the database adds.
const clockTolerance = 100 * time.Millisecond

// clock tells the database's time from this machine's, so that processes whose clocks
// differ agree on when leases end and delayed jobs come due. All times in the tables are the database's.
type clock struct {
	local func() time.Time
	given bool         // by the host, who then answers for it
	ahead atomic.Int64 // ns by which the database's clock is ahead of ours
}

// now is the database's time.
func (c *clock) now() time.Time { return c.there(c.local()) }

// there turns a time of ours into the database's, and here one of its into ours. Zero stays zero.
func (c *clock) there(t time.Time) time.Time { return c.shift(t, time.Duration(c.ahead.Load())) }
func (c *clock) here(t time.Time) time.Time  { return c.shift(t, -time.Duration(c.ahead.Load())) }

func (c *clock) shift(t time.Time, by time.Duration) time.Time {
	if t.IsZero() {
		return t
	}
	return t.Add(by)
}

// saw takes in what the database's clock showed at some time between two of ours. Small
// differences change nothing, so that time does not jump about.
func (c *clock) saw(before, after time.Time, micros int64) {
	trip := after.Sub(before)
	ahead := sqldb.FromMicros(micros).Sub(before.Add(trip / 2))
	tolerance := clockTolerance + trip/2
	switch known := time.Duration(c.ahead.Load()); {
	case (ahead - known).Abs() <= tolerance:
	case ahead.Abs() <= tolerance:
		c.ahead.Store(0)
	default:
		c.ahead.Store(int64(ahead))
	}
}

// clockMicros reads the database's clock, whatever its time zone.
func (d *dialect) clockMicros() string {
	switch d {
	case postgres:
		return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
	case mysql:
		return "TIMESTAMPDIFF(MICROSECOND, '1970-01-01 00:00:00', UTC_TIMESTAMP(6))"
	}
	return "0" // SQLite has the clock of its process
}

// Now is the database's time, by a look that is at most a minute old.
func (d *driver) Now(ctx context.Context) time.Time {
	_ = d.readClock(ctx, d.db) // what was seen last counts while the database is away
	return d.clock.now()
}

// readClock looks at the database's clock, for who only enqueues; who fetches sees it with every look.
func (d *driver) readClock(ctx context.Context, q sqldb.Querier) error {
	if d.clock.given || d.dialect == sqlite || !d.due(&d.clockRead, time.Minute) {
		return nil
	}
	var micros int64
	before := d.clock.local()
	if err := q.QueryRowContext(ctx, "SELECT "+d.clockMicros()).Scan(&micros); err != nil {
		return fmt.Errorf("sqlqueue: clock: %w", err)
	}
	d.clock.saw(before, d.clock.local(), micros)
	return nil
}
