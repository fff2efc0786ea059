package sqlqueue

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/seed82d84382/commerce/notify"
	"github.com/seed82d84382/commerce/notify/internal/sqldb"
)

// yieldTimeout bounds the look that follows a claim, which does not end with the caller's context.
const yieldTimeout = 10 * time.Second

// yield gives back those jobs whose key somebody else holds as well, and returns the others.
// Two claims that are under way at once do not see each other, and when a job with a lower number
// appears between them (a dead one was replayed, or a publish was committed late), each may
// take one of the key. Both are committed before either looks, so the later look sees the other.
func (d *driver) yield(ctx context.Context, deliveries []*notify.Delivery) ([]*notify.Delivery, error) {
	keyed := make(map[int64]*notify.Delivery)
	var seqs []any
	for _, delivery := range deliveries {
		if r, _ := delivery.Receipt.(receipt); delivery.Key != "" {
			keyed[r.seq], seqs = delivery, append(seqs, r.seq)
		}
	}
	if len(keyed) == 0 || d.Single {
		return deliveries, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), yieldTimeout)
	defer cancel()
	var shared []*notify.Delivery
	err := sqldb.Patiently(ctx, func() error {
		found, err := sqldb.Numbers(d.Query(ctx, d.db, "SELECT j.seq FROM notify_jobs j WHERE j.seq IN ("+sqldb.Placeholders(len(seqs), "?")+`) AND EXISTS (
			SELECT 1 FROM notify_jobs o WHERE o.queue = j.queue AND o.job_key = j.job_key AND o.job_key <> '' AND o.state = 2 AND o.seq <> j.seq)`, seqs...))
		shared = shared[:0]
		for _, seq := range found {
			shared = append(shared, keyed[seq])
		}
		return err
	})
	if err == nil && len(shared) > 0 {
		err = d.write(ctx, "fetch", func(tx *sql.Tx) error {
			_, err := d.heldRows(ctx, tx, "UPDATE notify_jobs SET state = 1", nil, shared)
			return err
		})
	}
	if err != nil {
		return nil, fmt.Errorf("sqlqueue: fetch: %w", err)
	}
	return slices.DeleteFunc(deliveries, func(delivery *notify.Delivery) bool { return slices.Contains(shared, delivery) }), nil
}
